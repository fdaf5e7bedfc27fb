"""``pushtune tune``: one push with the stages inspect … confirm, driven until it is over."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pushtune.ledger import Ledger, PushRow, StudyRow
from pushtune.model.analysis import Script
from pushtune.model.states import PushState, StageName, StageState
from pushtune.pipeline import Desk, Workbench, advance
from pushtune.pipeline.naming import new_study, study_key, study_name
from pushtune.pipeline.results import SUMMARY, TEXT
from pushtune.process import shielded
from pushtune.service.environments import own_environment
from pushtune.service.picture import picture
from pushtune.service.places import LEDGER, make_home, study_folder, study_lock
from pushtune.service.snapshot import Watcher
from pushtune.service.study_run import StudyRun
from pushtune.settings import Settings, load_settings
from pushtune.source import load_script

STEP_SECONDS = 0.05
SHOW_SECONDS = 0.5


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
        with study_lock(folder):
            _warn_of_leftovers(ledger, study, watcher)
            return _Run(ledger, study, folder, script, settings, watcher, now).to_the_end()
    finally:
        ledger.close()


def _find_or_make(ledger: Ledger, script: Script, settings: Settings, *, fresh: bool, now: float) -> StudyRow:
    key = study_key(script, settings)
    known = ledger.studies.with_key(key)
    if known and not fresh:
        return known[-1]
    study = new_study(script, settings, study_name(script, key, len(known) + 1), now=now)
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
        environment = own_environment(settings, Path(script.root), folder, os.environ)
        self._bench = Workbench(ledger, study, folder, script, settings, environment, now, watcher.say)
        self._trials = StudyRun(self._bench, environment.runtime, say=watcher.say)
        self._shown = 0.0

    def to_the_end(self) -> Result:
        push = self._reopened(self._ledger.pushes.of_study(self._study.id))
        if push.state is PushState.DONE:
            return self._result(push)
        desk = Desk(self._ledger, push.id, bench=self._bench)
        try:
            while not advance(desk):
                self._make_it_so()
            self._trials.close()
        except BaseException:
            # Whatever it is, Ctrl-C included: no process is left behind, and what was saved stays.
            with shielded():
                self._trials.stop()
            raise
        return self._result(self._ledger.pushes.of_study(self._study.id))

    def _reopened(self, push: PushRow) -> PushRow:
        """Open a failed push again, and a finished one whose budget has grown."""
        pushes = self._ledger.pushes
        stages = pushes.stages_of(push.id)
        if push.state is PushState.FAILED:
            failed = [name for name, row in stages.items() if row.state is StageState.FAILED]
            again = failed
        elif (
            push.state is PushState.DONE and self._grown() and stages[StageName.TUNE].state is StageState.DONE
        ):
            # (Skipped: the script as it stands met the target; a larger budget changes nothing.)
            again = [StageName.TUNE, StageName.CONFIRM]
        else:
            return push
        pushes.move(push.id, PushState.RUNNING, now=self._now())
        pushes.move_stages(push.id, dict.fromkeys(again, (StageState.WAITING, "")), now=self._now())
        return pushes.of_study(self._study.id)

    def _grown(self) -> bool:
        """Whether this command allows more than the study had when it ended."""
        settings, facts = self._bench.settings, self._study.facts
        trials, closed_at = facts.get("trials"), facts.get("closed_at")
        more_trials = trials is not None and settings.trials > trials
        more_time = closed_at is not None and (settings.time is None or settings.time > closed_at)
        return more_trials or more_time

    def _make_it_so(self) -> None:
        """Start what the stages want, then wait until something happened (or a second has passed)."""
        self._trials.act()
        for _ in range(round(1.0 / STEP_SECONDS)):
            self._look_up()
            if self._trials.look():
                break
            time.sleep(STEP_SECONDS)

    def _look_up(self) -> None:
        now = self._now()
        if self._watcher.draws and now - self._shown >= SHOW_SECONDS:
            self._shown = now
            self._watcher.show(picture(self._bench))

    def _result(self, push: PushRow) -> Result:
        body = json.loads((self._folder / SUMMARY).read_text(encoding="utf-8"))
        text = (self._folder / TEXT).read_text(encoding="utf-8")
        return Result(self._study.id, self._folder, push.reason, body, text, body["target_met"])
