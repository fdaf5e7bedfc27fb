"""Stage pull: fetch the commit, find its script and settings, and begin its study."""

from __future__ import annotations

import fnmatch
import shutil
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from pushtune.analyse import inspect
from pushtune.analyse.entry import find_entry
from pushtune.errors import ScriptError, SettingsError, UsageError
from pushtune.git import Commit, Mirror, TreeFile
from pushtune.ledger import Author, PushRow, RepositoryRow
from pushtune.model.analysis import Analysis, Script
from pushtune.model.states import StageName
from pushtune.model.target import parse_target
from pushtune.pipeline.desk import Desk, Server
from pushtune.pipeline.naming import new_study, push_fingerprint, script_name, study_key
from pushtune.pipeline.reading import check_readable, too_much
from pushtune.pipeline.stage import Done, Over, Step, Waiting
from pushtune.settings import PushSettings, load_push_settings
from pushtune.source import load_script
from pushtune.trial.metric import same_metric

_DOCUMENTS = ("*.md", "*.rst", "LICENSE*", "COPYING*", "AUTHORS*", "CHANGELOG*", ".git*", ".editorconfig")
_SETTINGS = ("pushtune.toml",)


@dataclass(frozen=True)
class _Pulled:
    commit: Commit
    files: tuple[TreeFile, ...]
    unreadable: ScriptError | None = None


class Pull:
    """Brings the commit here. What matters in it and was trained before is not trained again."""

    name = StageName.PULL

    def step(self, desk: Desk) -> Step:
        """Fetch in the background, then read."""
        row = desk.row
        assert row.commit is not None
        fetching = _Fetching(desk.repository, desk.mirror, desk.server, desk.checkout, row.commit)
        pulled = desk.errands.run("pull", fetching.do)
        if pulled is None:
            return Waiting()
        # Before anything of it is judged: whoever wrote what is no good is to hear of it.
        _remember_author(desk, pulled.value.commit)
        try:
            return self._read(desk, row, pulled.value)
        except (RecursionError, MemoryError) as error:
            raise too_much(type(error).__name__) from None

    def _read(self, desk: Desk, row: PushRow, pulled: _Pulled) -> Step:
        settings = desk.settings
        if pulled.unreadable is not None:
            raise pulled.unreadable
        script = _script(desk.checkout, settings)
        fingerprint = _remember(desk, pulled, script, settings)
        for note in settings.notes:
            desk.say(note)
        same = _trained_before(desk, row, fingerprint)
        if same is not None:
            desk.ledger.pushes.set_values(desk.push, best=same.best, baseline=same.baseline)
            why = f"script, settings and data are as in push {same.id}: {same.reason}"
            desk.say(f"not trained again: {why}")
            return Over(why, until=StageName.NOTIFY)
        if row.study is None:
            _begin_study(desk, script, settings)
        return Done(f"{script.entry} at {pulled.commit.sha[:12]}")


@dataclass(frozen=True)
class _Fetching:
    """Fetches and checks out, beside the other pushes: touches nothing but the mirror and the checkout."""

    repository: RepositoryRow
    mirror: Mirror
    server: Server
    checkout: Path
    commit: str

    def do(self) -> _Pulled:
        # No mirror yet, or it was fetched before this push.
        if not self.mirror.has(self.commit):
            address = self.server.address(self.repository)
            self.mirror.fetch(address, self.server.credentials(self.repository))
        if not self.mirror.has(self.commit):
            raise UsageError(
                f"{self.repository.name} has no commit {self.commit[:12]} any more",
                fix="it was overwritten: push again",
            )
        shutil.rmtree(self.checkout, ignore_errors=True)
        self.checkout.parent.mkdir(parents=True, exist_ok=True)
        self.mirror.export(self.commit, self.checkout)
        pulled = _Pulled(self.mirror.commit(self.commit), tuple(self.mirror.files(self.commit)))
        try:
            settings = load_push_settings(self.checkout, self.server.settings)
            check_readable(self.checkout, pulled.files, settings)
        except ScriptError as error:
            return replace(pulled, unreadable=error)
        except SettingsError:
            return pulled  # it is read again, and then told
        return pulled


def _script(checkout: Path, settings: PushSettings) -> Script:
    entry = settings.script or find_entry(checkout)
    path = checkout / entry
    if not path.is_file() or not path.resolve().is_relative_to(checkout):
        raise SettingsError(
            f"there is no script {entry} in this commit", fix="mend `script` in pushtune.toml"
        )
    return load_script(path, settings.run.args, checkout / (settings.workdir or "."), checkout)


def _remember(desk: Desk, pulled: _Pulled, script: Script, settings: PushSettings) -> str:
    """Write down what the commit says of itself; return what makes it the same as another."""
    sources = {file.path for file in script.files}
    data = [
        (file.path, file.hash)
        for file in pulled.files
        if file.path not in sources and not _matters_not(file.path)
    ]
    fingerprint = push_fingerprint(script, settings.run, data)
    desk.ledger.pushes.set_fingerprint(desk.push, fingerprint)
    desk.say(f"{pulled.commit.subject} ({pulled.commit.author.name}): {script.entry}")
    return fingerprint


def _remember_author(desk: Desk, commit: Commit) -> None:
    author = Author(commit.author.name, commit.author.email)
    desk.ledger.pushes.set_facts(desk.push, author=author, subject=commit.subject)


def _matters_not(path: str) -> bool:
    """Whether a file is no part of the training: a document, another program, settings read already."""
    pure = PurePosixPath(path)
    return (
        pure.suffix == ".py"
        or pure.parts[0] in ("docs", ".github")
        or any(fnmatch.fnmatch(pure.name, pattern) for pattern in (*_DOCUMENTS, *_SETTINGS))
    )


def _trained_before(desk: Desk, row: PushRow, fingerprint: str) -> PushRow | None:
    """Return an earlier push that came to its end with the same; not on a retry: that was asked for."""
    assert row.repository is not None
    if row.study is not None or row.round > 1:
        return None
    return desk.ledger.pushes.with_fingerprint(row.repository, fingerprint)


def _begin_study(desk: Desk, script: Script, settings: PushSettings) -> None:
    analysis = inspect(script)
    run = replace(settings.run, target=_target(analysis, settings))
    # The push's number keeps apart what two branches train from the same source.
    name = f"push-{desk.push}-{script_name(script)}-{study_key(script, run)[:8]}"
    study = new_study(script, run, name, now=desk.now())
    desk.ledger.studies.create(study, desk.push)
    desk.take(study, settings, analysis)


def _target(analysis: Analysis, settings: PushSettings) -> str | None:
    """Return the target. The server's own holds only for scripts that are measured by what it names."""
    target = settings.run.target
    if target is None or settings.target_said:
        return target
    known = settings.run.metric or (analysis.metric.name if analysis.metric is not None else None)
    return target if known is None or same_metric(parse_target(target).metric, known) else None
