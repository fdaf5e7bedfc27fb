"""One study on the fake runtime, for the tests of the reconciler."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from pushtune.ledger import Ledger, StudyRow, TrialRow, Trials, new_trial
from pushtune.model.analysis import Candidate, Script, ScriptFile
from pushtune.model.ports import Interpreter, Limits, Runtime
from pushtune.model.space import Assignment
from pushtune.model.states import Purpose
from pushtune.reconcile import Recipe, Reconciler
from pushtune.testing.fakes import FakeRuntime
from pushtune.trial import TrialFolder, write_candidate
from pushtune_probe import wire

SOURCE = ScriptFile("train.py", b"print('Accuracy: 0.5')\n")


class OneRuntime:
    """An environment around the fake runtime."""

    name = "fake"

    def __init__(self, runtime: FakeRuntime) -> None:
        self._runtime = runtime

    def prepare(self, modules: object) -> Interpreter:
        return Interpreter("/usr/bin/python3", (3, 11, 0))

    def variables(self, threads: int, seed: int) -> dict[str, str]:
        return {"OMP_NUM_THREADS": str(threads)}

    def runtime(self) -> Runtime:
        return self._runtime


class Clock:
    """Time that passes only when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class House:
    """One study on the fake runtime; ``reborn`` is what a new process finds after ``kill -9``."""

    def __init__(
        self,
        path: Path,
        *,
        slots: int = 1,
        limits: Limits | None = None,
        runtime: FakeRuntime | None = None,
    ) -> None:
        (path / "author").mkdir(exist_ok=True)
        (path / "author" / "train.py").write_bytes(SOURCE.data)
        self.path = path
        self.clock = Clock()
        self.runtime = runtime or FakeRuntime()
        self.ledger = Ledger(path / "ledger.db")
        if self.ledger.studies.get("s") is None:
            self.ledger.studies.create(
                StudyRow("s", "k", str(path), "train.py", ".", (), None, None, "auto", 0, 1.0)
            )
        self.trials: Trials = self.ledger.trials("s")
        self.recipe = Recipe(
            script=Script(str(path / "author"), "train.py", (SOURCE,)),
            environment=OneRuntime(self.runtime),
            interpreter="/usr/bin/python3",
            slots=slots,
            threads=1,
            limits=limits or Limits(),
            wanted_metric="accuracy",
            guess=None,
        )
        self.reconciler = self.reborn()

    def reborn(self) -> Reconciler:
        self.reborn_without_adopting()
        self.reconciler.adopt()
        return self.reconciler

    def reborn_without_adopting(self) -> None:
        self.reconciler = Reconciler(self.trials, self.path / "study", self.recipe, self.runtime, self.clock)

    @property
    def alive(self) -> tuple[str, ...]:
        """What lives, as study/trial/attempt: without what tells two copies of a study apart."""
        return tuple(re.sub(r"\.\w+/", "/", label, count=1) for label in self.runtime.alive)

    def end(self, label: str, code: int | None = 0) -> None:
        (full,) = (one for one in self.runtime.alive if re.sub(r"\.\w+/", "/", one, count=1) == label)
        self.runtime.end(full, code)

    def folder(self, number: int) -> TrialFolder:
        return TrialFolder.of(self.path / "study", number)

    def want(
        self,
        number: int,
        *,
        to_epoch: int | None = None,
        finish: bool = True,
        purpose: Purpose = Purpose.SEARCH,
    ) -> None:
        trial = new_trial("s", number, purpose, Assignment(), seed=0, now=self.clock())
        if not self.folder(number).candidate.is_dir():
            write_candidate(self.folder(number), Candidate((SOURCE,), (), ""))
        self.trials.want(replace(trial, to_epoch=to_epoch, finish=finish))

    def trial(self, number: int) -> TrialRow:
        row = self.trials.get(number)
        assert row is not None
        return row

    def step(self) -> None:
        self.reconciler.look()
        self.reconciler.act()

    def emit(self, number: int, attempt: int, event: str, **fields: object) -> None:
        path = self.folder(number).attempt(attempt) / wire.EVENTS
        with path.open("ab") as stream:
            stream.write(wire.event_line(event, {**fields}))

    def epoch(self, number: int, attempt: int, epoch: int, accuracy: float) -> None:
        metrics = {"accuracy": {"value": accuracy, "split": "validation"}}
        self.emit(number, attempt, "epoch", epoch=epoch, total=9, seconds=1.0, metrics=metrics)
        checkpoint = self.folder(number).attempt(attempt) / wire.CHECKPOINTS / f"{epoch:06d}"
        checkpoint.mkdir(parents=True)
        wire.write_manifest(str(checkpoint), epoch)
        self.emit(number, attempt, "checkpoint", epoch=epoch, path=checkpoint.name, seconds=0.0)


def started(house: House, number: int = 1, attempt: int = 1, resumed_from: int = 0) -> None:
    house.step()
    house.emit(number, attempt, "started", pid=1, order=0, resumed_from=resumed_from)
