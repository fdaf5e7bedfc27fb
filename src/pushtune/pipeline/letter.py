"""What the letter about a push tells: filled from the ledger and from what the study came to."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pushtune.ledger import PushRow, StudyRow
from pushtune.model.states import Purpose, PushState, StageName, StageState, TrialState
from pushtune.model.target import parse_target
from pushtune.notify import (
    Changed,
    CurvePoint,
    DeliveredFile,
    Failed,
    Failure,
    Finished,
    LetterFacts,
    Measured,
)
from pushtune.notify.attachments import LARGEST_PATCH
from pushtune.pipeline.deliver import BRANCH, FILES, FOLDER, PUBLISHED
from pushtune.pipeline.desk import Desk
from pushtune.pipeline.results import PATCH, REPORT, SUMMARY
from pushtune.pipeline.stage import SETTINGS
from pushtune.pipeline.starting import start
from pushtune.pipeline.workbench import BASELINE
from pushtune.trial import is_crash_loop

LOG_LINES = 20
_LARGEST_LOG = 64 * 1024
OUR_BUG = "this is a bug in pushtune"


def facts_of(desk: Desk) -> LetterFacts:
    """Return all that a letter may tell of a push that came to its end."""
    row = desk.row
    told: dict[str, Any] = {
        "repository": desk.repository.name,
        "branch": row.branch or "",
        "commit": row.commit or "",
        "subject": row.subject or "",
        "author": "" if row.author is None else row.author.name,
        "push": row.id,
        "failed": _failed(desk),
    }
    if row.study is not None:
        told |= _of_study(desk)
        summary = _summary(desk)
        if summary is not None:
            told |= _of_summary(summary) | {"reproduce": tuple(_reproduce(desk))}
    return LetterFacts(**told)


def finished_of(desk: Desk) -> Finished:
    """Return how the push came out."""
    failed = _failed(desk)
    if failed is not None:
        return Finished(PushState.FAILED, failure=_kind(desk, failed))
    summary = _summary(desk) if desk.row.study is not None else None
    return Finished(PushState.DONE, None if summary is None else summary["target_met"])


def previous_of(desk: Desk) -> Finished | None:
    """Return how the push before on the same branch ended; None if there was none."""
    row = desk.row
    assert row.repository is not None
    assert row.branch is not None
    for earlier in desk.ledger.pushes.of_branch(row.repository, row.branch):
        if earlier.id < row.id and earlier.state in (PushState.DONE, PushState.FAILED):
            return Finished(earlier.state)
    return None


def last_success(desk: Desk) -> PushRow | None:
    """Return the newest push before this one, on the same branch, that did not fail."""
    row = desk.row
    assert row.repository is not None
    assert row.branch is not None
    for earlier in desk.ledger.pushes.of_branch(row.repository, row.branch):
        if earlier.id < row.id and earlier.state is PushState.DONE:
            return earlier
    return None


def _failed(desk: Desk) -> Failed | None:
    for name, row in desk.ledger.pushes.stages_of(desk.push).items():
        if row.state is StageState.FAILED and name is not StageName.NOTIFY:
            # Settings are read when a push is pulled; what a script says later may begin with any word.
            message = row.message.removeprefix(SETTINGS if name is StageName.PULL else "")
            return Failed(name.value, message, log=_log(desk, name), settings=message != row.message)
    return None


def _log(desk: Desk, stage: StageName) -> tuple[str, ...]:
    """Return the last lines of the script's own traceback where that failed, else of the stage's log."""
    study = desk.row.study
    baseline = None if study is None else desk.ledger.trials(study).get(BASELINE)
    if stage is StageName.TRAIN and baseline is not None and baseline.state is TrialState.FAILED:
        traceback = baseline.message.strip().splitlines()[:-1]
        if traceback:
            return tuple(traceback[-LOG_LINES:])
    return log_tail(desk.server.home.log(desk.push, stage))


def _kind(desk: Desk, failed: Failed) -> Failure:
    if failed.message.startswith(OUR_BUG):
        return Failure.MACHINE
    study = desk.row.study
    baseline = None if study is None else desk.ledger.trials(study).get(BASELINE)
    if baseline is not None and is_crash_loop(baseline):
        return Failure.CRASH_LOOP
    return Failure.SCRIPT


def log_tail(path: Path) -> tuple[str, ...]:
    """Return the last lines of a log; nothing where there is none."""
    try:
        with path.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - _LARGEST_LOG))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return ()
    return tuple(text.splitlines()[-LOG_LINES:])


def _of_study(desk: Desk) -> dict[str, Any]:
    study = desk.row.study
    assert study is not None
    facts = desk.ledger.studies.get(study)
    assert facts is not None
    rows = desk.ledger.trials(study).all()
    return {
        "study": study,
        "script": facts.entry,
        "metric": facts.metric or "",
        "target": facts.target or "",
        "seconds": facts.spent,
        "trials": sum(1 for row in rows if row.purpose is Purpose.SEARCH),
        "attempts": len(desk.ledger.trials(study).attempts(BASELINE)),
        "delivered_branch": _branch(facts.facts),
        "files": tuple(_delivered(facts.facts)),
    }


def _branch(facts: Mapping[str, Any]) -> str:
    """Return the branch and where it is: who fetches it in vain would look for a mistake of their own."""
    where = "pushed back: git fetch brings it" if facts.get(PUBLISHED) else "in the server's copy only"
    return f"{facts[BRANCH]} ({where})" if facts.get(BRANCH) else ""


def _reproduce(desk: Desk) -> Iterator[str]:
    """Yield what a developer types in a clone of theirs: the server's own folders are not for them."""
    assert desk.row.study is not None
    study = desk.ledger.studies.get(desk.row.study)
    assert study is not None
    yield from _winner_brought(desk, study)
    arguments = study.facts.get("winner_args")
    yield from start(study.entry, study.workdir, study.args if arguments is None else arguments)


def _winner_brought(desk: Desk, study: StudyRow) -> Iterator[str]:
    """Yield how the winner's source is had: by its branch where the origin has that, else by the patch."""
    if study.facts.get(BRANCH) and study.facts.get(PUBLISHED):
        yield f"git fetch && git switch {shlex.quote(study.facts[BRANCH])}"
        return
    yield f"git fetch && git switch --detach {(desk.row.commit or '')[:12]}"
    patch = desk.server.home.study(study.id) / PATCH
    size = patch.stat().st_size if patch.is_file() else 0
    if size and "patch" in desk.mail_settings.attach and size <= LARGEST_PATCH:
        yield f"git apply {PATCH}  # attached to this letter"
    elif size:
        delivered = Path(study.facts.get(FOLDER) or patch.parent) / PATCH
        yield f"git apply {shlex.quote(str(delivered))}  # a file on the server"


_WHAT = {
    REPORT: "the report: curves, trials, the change",
    PATCH: "the change to your source",
    "logs": "what the stages said",
}


def _delivered(facts: Mapping[str, Any]) -> Iterator[DeliveredFile]:
    """Yield what a developer would open, and where it lies; the model first."""
    folder = Path(facts.get(FOLDER) or "")
    # The first parts alone: the logs are a folder, and there is no line for each of them.
    names = sorted({Path(file).relative_to(folder).parts[0] for file in facts.get(FILES) or ()})
    for name in names:
        if name.startswith("model"):
            yield DeliveredFile(str(folder / name), "the best model")
    for name, what in _WHAT.items():
        if name in names:
            yield DeliveredFile(str(folder / name), what)


def _summary(desk: Desk) -> dict[str, Any] | None:
    """Return what the study handed over, or None where it did not come so far."""
    path = desk.server.home.study(desk.row.study or "") / SUMMARY
    try:
        body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return body


def _of_summary(summary: Mapping[str, Any]) -> dict[str, Any]:
    metric = summary["metric"]
    return {
        "metric": metric["name"],
        "direction": metric["direction"],
        "target": summary["target"] or "",
        "target_value": _target_value(summary["target"]),
        "baseline": _measured(summary["baseline"]),
        "winner": _measured(summary["winner"]),
        "controls": tuple(arm for arm in map(_measured, summary["controls"]) if arm is not None),
        "confirmed": summary["confirmed"],
        "chosen_on": metric["chosen_on"],
        "looks": metric["looks"],
        "why_stopped": summary["why_stopped"],
        "changes": tuple(_changed(change) for change in summary["changes"]),
        "curve": _curve(summary),
        "warnings": tuple(summary["warnings"]),
        "seconds": summary["seconds"],
    }


def _target_value(target: str | None) -> float | None:
    return None if target is None else parse_target(target).value


def _measured(arm: Mapping[str, Any] | None) -> Measured | None:
    if arm is None:
        return None
    return Measured(arm["name"], arm["mean"], arm["std"], len(arm["values"]), arm["data"])


def _changed(change: Mapping[str, Any]) -> Changed:
    place = f"{change['file']}:{change['line']}" if change["line"] else ""
    return Changed(change["what"] or change["name"], str(change["before"]), str(change["after"]), place)


def _curve(summary: Mapping[str, Any]) -> tuple[CurvePoint, ...]:
    """Return the search's trials with the best value so far; those without a value are left out."""
    better = max if summary["metric"]["direction"] == "max" else min
    points: list[CurvePoint] = []
    for trial in summary["trials"]:
        if trial["value"] is None or trial["purpose"] not in (Purpose.BASELINE.value, Purpose.SEARCH.value):
            continue
        best = better(points[-1].best, trial["value"]) if points else trial["value"]
        points.append(CurvePoint(trial["number"], trial["value"], best))
    return tuple(points)
