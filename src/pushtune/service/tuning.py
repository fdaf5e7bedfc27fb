"""``pushtune tune``: one push with the stages inspect … confirm, driven until it is over."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pushtune.environment import ENVIRONMENTS
from pushtune.ledger import Ledger, PushRow, StudyRow
from pushtune.model.analysis import Script
from pushtune.model.ports import Limits
from pushtune.model.states import PushState, StageName, StageState
from pushtune.pipeline import Workbench, advance
from pushtune.pipeline.naming import study_key, study_name
from pushtune.pipeline.prepare import slots
from pushtune.pipeline.results import SUMMARY, TEXT
from pushtune.process import shielded
from pushtune.reconcile import Recipe, Reconciler
from pushtune.service.picture import picture
from pushtune.service.places import LEDGER, held, make_home, study_folder
from pushtune.service.snapshot import Watcher
from pushtune.settings import Settings, load_settings
from pushtune.source import load_script

STEP_SECONDS = 0.05
SHOW_SECONDS = 0.5
SAVE_SECONDS = 5.0
_PARAMETERS_FACTOR = 20
"""A candidate may have so many times the baseline's parameters."""


@dataclass(frozen=True)
class Result:
    """What a study came to. ``summary`` is the JSON form, ``text`` what is printed."""

    study: str
    folder: Path
    reason: str
    summary: dict[str, Any]
    text: str
    target_met: bool | None


def tune(
    path: Path,
    flags: Mapping[str, Any],
    *,
    fresh: bool,
    environ: Mapping[str, str],
    workdir: Path,
    watcher: Watcher,
    now: Callable[[], float] = time.time,
) -> Result:
    """Tune one script to its end; a finished study gives its result at once.

    Raises ``PushtuneError`` where the user must act and ``KeyboardInterrupt`` after everything was
    stopped; in both cases the same call goes on where this one was.
    """
    script = load_script(path, workdir=workdir)
    settings = load_settings(flags, root=Path(script.root), environ=environ)
    script = load_script(path, settings.args, workdir)
    home = make_home(Path(script.root))
    ledger = Ledger(home / LEDGER)
    try:
        study = _find_or_make(ledger, script, settings, fresh=fresh, now=now())
        folder = study_folder(home, study.id)
        with held(folder):
            _warn_of_leftovers(ledger, study, watcher)
            return _Run(ledger, study, folder, script, settings, watcher, now).to_the_end()
    finally:
        ledger.close()


def _find_or_make(ledger: Ledger, script: Script, settings: Settings, *, fresh: bool, now: float) -> StudyRow:
    key = study_key(script, settings)
    known = ledger.studies.with_key(key)
    if known and not fresh:
        return known[-1]
    study = StudyRow(
        id=study_name(script, key, len(known) + 1),
        key=key,
        root=script.root,
        entry=script.entry,
        workdir=script.workdir,
        args=script.args,
        target=settings.target,
        metric=settings.metric,
        strategy=settings.strategy,
        seed=settings.seed,
        created=now,
    )
    ledger.studies.create(study)
    return study


def _warn_of_leftovers(ledger: Ledger, study: StudyRow, watcher: Watcher) -> None:
    """Say that an unfinished study goes on, so that nobody wonders why it starts in the middle."""
    trials = ledger.trials(study.id).all()
    if trials and ledger.pushes.of_study(study.id).state is PushState.RUNNING:
        done = sum(1 for row in trials if row.over)
        watcher.say(f"going on with {study.id}: {done} of {len(trials)} trials had ended")


class _Run:
    """One command's work on one study."""

    def __init__(
        self,
        ledger: Ledger,
        study: StudyRow,
        folder: Path,
        script: Script,
        settings: Settings,
        watcher: Watcher,
        now: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._study = study
        self._folder = folder
        self._watcher = watcher
        self._now = now
        environment = ENVIRONMENTS["process"](settings.python)
        self._bench = Workbench(ledger, study, folder, script, settings, environment, now, watcher.say)
        self._runtime = environment.runtime()
        self._reconciler: Reconciler | None = None
        self._shown = 0.0
        self._saved = now()

    def to_the_end(self) -> Result:
        push = self._reopened(self._ledger.pushes.of_study(self._study.id))
        if push.state is PushState.DONE:
            return self._result(push)
        try:
            while not advance(self._bench, push.id):
                self._make_it_so()
            if self._reconciler is not None:
                self._reconciler.close()
        except BaseException:
            # Whatever it is, Ctrl-C included: no process is left behind, and what was saved stays.
            with shielded():
                self._stop()
            raise
        finally:
            self._save_time()
        return self._result(self._ledger.pushes.of_study(self._study.id))

    def _reopened(self, push: PushRow) -> PushRow:
        """Open a failed push again, and a finished one whose budget has grown."""
        pushes = self._ledger.pushes
        trials = self._study.facts.get("trials")
        grown = trials is not None and self._bench.settings.trials > trials
        longer = self._study.facts.get("closed_at")
        limit = self._bench.settings.time
        grown = grown or (longer is not None and (limit is None or limit > longer))
        if push.state is PushState.RUNNING or (push.state is PushState.DONE and not grown):
            return push
        if push.state is PushState.DONE and pushes.stages_of(push.id)[StageName.TUNE].state is (
            StageState.SKIPPED
        ):
            return push  # the script as it stands met the target: a larger budget changes nothing
        pushes.move(push.id, PushState.RUNNING, now=self._now())
        if push.state is PushState.DONE:
            for name in (StageName.TUNE, StageName.CONFIRM):
                pushes.move_stage(push.id, name, StageState.WAITING, now=self._now())
        return pushes.of_study(self._study.id)

    def _make_it_so(self) -> None:
        """Start what the stages want, then wait until something happened (or a second has passed)."""
        reconciler = self._reconciler
        if reconciler is None:
            self._reconciler = reconciler = self._adopting_reconciler()
        if reconciler.recipe.max_parameters is None and self._bench.fact("parameters"):
            reconciler.use(self._recipe())
        reconciler.act()
        for _ in range(round(1.0 / STEP_SECONDS)):
            self._look_up()
            if reconciler.look():
                break
            time.sleep(STEP_SECONDS)

    def _adopting_reconciler(self) -> Reconciler:
        reconciler = Reconciler(self._bench.trials, self._folder, self._recipe(), self._runtime, self._now)
        adopted = reconciler.adopt()
        if adopted:
            self._watcher.say(f"found {adopted} attempt{'s' * (adopted > 1)} still running")
        return reconciler

    def _recipe(self) -> Recipe:
        bench = self._bench
        settings = bench.settings
        parameters = bench.fact("parameters")
        return Recipe(
            script=bench.script,
            environment=bench.environment,
            interpreter=bench.fact("interpreter"),
            slots=slots(bench),
            threads=bench.fact("threads"),
            limits=Limits(memory=settings.memory, seconds=settings.trial_time),
            wanted_metric=bench.metric,
            guess=bench.analysis.metric,
            loops=bench.analysis.loops,
            places=bench.analysis.places,
            max_parameters=None if parameters is None else _PARAMETERS_FACTOR * parameters,
        )

    def _look_up(self) -> None:
        now = self._now()
        if self._watcher.draws and now - self._shown >= SHOW_SECONDS:
            self._shown = now
            self._watcher.show(picture(self._bench))
        if now - self._saved >= SAVE_SECONDS:
            self._save_time()

    def _save_time(self) -> None:
        now = self._now()
        self._ledger.studies.add_spent(self._study.id, now - self._saved)
        self._saved = now

    def _stop(self) -> None:
        if self._reconciler is not None:
            self._reconciler.shut_down()

    def _result(self, push: PushRow) -> Result:
        body = json.loads((self._folder / SUMMARY).read_text(encoding="utf-8"))
        text = (self._folder / TEXT).read_text(encoding="utf-8")
        return Result(self._study.id, self._folder, push.reason, body, text, body["target_met"])
