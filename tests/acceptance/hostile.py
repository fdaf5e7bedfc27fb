"""A hostile script as a trial: real process, probe, ledger and reconciler, as the server runs it."""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from pathlib import Path

from pushtune.environment import ProcessEnvironment
from pushtune.ledger import Ledger, StudyRow, TrialRow, new_trial
from pushtune.model.analysis import Candidate, Script, ScriptFile
from pushtune.model.ports import Limits, Runtime
from pushtune.model.space import Assignment
from pushtune.model.states import Purpose, TrialState
from pushtune.reconcile import Recipe, Reconciler
from pushtune.trial import TrialFolder, write_candidate

HONEST = "\nprint('Accuracy: 0.5')\n"
"""What a script ends with that reports a metric after its mischief."""

FOLDER = "import os, sys, json\nattempt = os.getcwd().partition('/workspace')[0]\n"
"""What a script begins with that knows where its attempt's folder is."""


class Hostile:
    """One study whose baseline is ``source``. ``run`` takes it to its end within the patience of a test."""

    def __init__(
        self, path: Path, source: str, *, limits: Limits | None = None, user: str | None = None
    ) -> None:
        author = path / "author"
        author.mkdir(parents=True, exist_ok=True)
        script = ScriptFile("train.py", source.encode())
        (author / "train.py").write_bytes(script.data)
        self.study = path / "study"
        self.ledger = Ledger(path / "ledger.db")
        self.ledger.studies.create(
            StudyRow("hostile", "k", str(author), "train.py", ".", (), None, None, "auto", 0, 1.0)
        )
        self.trials = self.ledger.trials("hostile")
        python = sys.executable if user is None else "/usr/bin/python3"
        environment = ProcessEnvironment(python, isolated=True, user=user, home=path / "home")
        self.recipe = Recipe(
            script=Script(str(author), "train.py", (script,)),
            environment=environment,
            interpreter=python,
            slots=1,
            threads=1,
            limits=limits or Limits(),
            wanted_metric="accuracy",
            guess=None,
        )
        self.runtime: Runtime = environment.runtime()
        self.said: list[str] = []
        self.folder = TrialFolder.of(self.study, 0)
        write_candidate(self.folder, Candidate((script,), (), "", ()))
        self.trials.want(new_trial("hostile", 0, Purpose.BASELINE, Assignment(), seed=0, now=time.time()))
        self.reconciler = self.reborn()

    def reborn(self) -> Reconciler:
        """Return what a new program finds."""
        self.reconciler = Reconciler(
            self.trials, self.study, self.recipe, self.runtime, time.time, self.said.append
        )
        self.reconciler.adopt()
        return self.reconciler

    @property
    def trial(self) -> TrialRow:
        row = self.trials.get(0)
        assert row is not None
        return row

    def run(self, *, patience: float = 120.0) -> TrialRow:
        """Act and look until the trial is over; every process of it is then gone."""
        end = time.monotonic() + patience
        while not self.trial.over:
            assert time.monotonic() < end, f"still {self.trial.state}"
            self.reconciler.act()
            self.reconciler.look()
            time.sleep(0.01)
        assert self.runtime.find([row.label for row in self.trials.attempts()]) == {}
        return self.trial


class Memory:
    """Whether this process grows by less than so much while something is done."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._before = self.peak = _resident()

    def _watch(self) -> None:
        while not self._stop.wait(0.01):
            self.peak = max(self.peak, _resident())

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        grown = self.peak - self._before
        assert grown < self._most, f"it took {grown >> 20} MiB"


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def can_be_root() -> bool:
    """Whether trials can be started as another user here."""
    return os.geteuid() == 0 and Path("/usr/bin/python3").exists()


def ended_well(row: TrialRow) -> bool:
    """Whether a trial ended as an honest one, with the honest value."""
    return (row.state, row.report) == (TrialState.FINISHED, 0.5)
