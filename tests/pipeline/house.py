"""A whole push without a process: real stages, ledger and reconciler; a formula plays the probe."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pushtune.ledger import Ledger, StudyRow, TrialRow
from pushtune.model.ports import Interpreter, Limits, Runtime
from pushtune.model.states import Purpose, PushState, StageName, StageState
from pushtune.pipeline import Desk, Workbench, advance
from pushtune.reconcile import Recipe, Reconciler
from pushtune.settings import Settings, load_settings
from pushtune.source import load_script
from pushtune.testing.fakes import FakeRuntime
from pushtune.trial import TrialFolder
from pushtune_probe import wire

SCRIPT = """\
import keras
from keras import layers

model = keras.Sequential([
    keras.Input((8,)),
    layers.Dense(64, activation="relu"),
    layers.Dense(3, activation="softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, epochs=3, batch_size=32, validation_split=0.1)
print("Accuracy:", model.evaluate(x_test, y_test)[1])
"""

Reach = Callable[[str, int, int], float]
"""From a source, an epoch and a seed to the accuracy after that epoch."""


def units_help(source: str, epoch: int, seed: int) -> float:
    """More units and more epochs are better; a seed moves it a little."""
    found = re.search(r"Dense\((\d+), activation", source)
    units = int(found.group(1)) if found else 1
    return min(0.99, 0.5 + 0.02 * epoch + units / 2000 + 0.001 * seed)


class _Environment:
    name = "fake"

    def __init__(self, runtime: FakeRuntime) -> None:
        self._runtime = runtime

    def prepare(self, modules: object) -> Interpreter:
        return Interpreter("/usr/bin/python3", (3, 11, 0))

    def variables(self, threads: int, seed: int) -> dict[str, str]:
        return {}

    def runtime(self) -> Runtime:
        return self._runtime


@dataclass
class House:
    """``reach`` says what a source comes to; ``epoch_seconds`` how long its epoch takes on the clock.

    ``told`` is the name of what is told after each epoch; at its end the script tells accuracy.
    """

    path: Path
    flags: dict[str, object]
    reach: Reach = units_help
    epoch_seconds: Callable[[str], float] = lambda source: 1.0
    told: str = "accuracy"
    now: float = 1000.0
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        project = self.path / "project"
        project.mkdir(exist_ok=True)
        (project / "train.py").write_text(SCRIPT)
        self.script = load_script(project / "train.py", workdir=project)
        self.settings: Settings = load_settings({"jobs": "1", **self.flags}, root=project, environ={})
        self.runtime = FakeRuntime()
        self.ledger = Ledger(self.path / "ledger.db")
        self.study = StudyRow(
            "s", "k", str(project), "train.py", ".", (), self.settings.target, None,
            self.settings.strategy, 0, self.now,
        )  # fmt: skip
        if self.ledger.studies.get("s") is None:
            self.ledger.studies.create(self.study)
        self.bench = Workbench(
            self.ledger, self.study, self.path / "study", self.script, self.settings,
            _Environment(self.runtime), lambda: self.now, self.said.append,
        )  # fmt: skip
        self._trained: dict[str, int] = {}

    def run(self, steps: int = 3000) -> str:
        """Drive the push to its end and return why it ended."""
        push = self.ledger.pushes.of_study("s").id
        reconciler: Reconciler | None = None
        for _ in range(steps):
            if advance(Desk(self.ledger, push, bench=self.bench)):
                return self.ledger.pushes.of_study("s").reason
            if reconciler is None:
                reconciler = self._reconciler()
                reconciler.adopt()
            reconciler.act()
            self._train()
            self.now += 0.5
            reconciler.look()
        raise AssertionError("the push did not end")

    def reopen(self) -> None:
        """Do what a command with a larger budget does to a push that is done."""
        pushes = self.ledger.pushes
        push = pushes.of_study("s").id
        pushes.move(push, PushState.RUNNING, now=self.now)
        again = dict.fromkeys((StageName.TUNE, StageName.CONFIRM), (StageState.WAITING, ""))
        pushes.move_stages(push, again, now=self.now)

    def trials(self) -> list[TrialRow]:
        return self.bench.trials.all()

    def trials_of(self, purpose: Purpose) -> list[TrialRow]:
        return self.bench.of_purpose(purpose)

    def _reconciler(self) -> Reconciler:
        recipe = Recipe(
            script=self.script, environment=self.bench.environment, interpreter="/usr/bin/python3",
            slots=1, threads=1, limits=Limits(), wanted_metric=self.bench.metric,
            guess=self.bench.analysis.metric,
        )  # fmt: skip
        return Reconciler(self.bench.trials, self.bench.folder, recipe, self.runtime, lambda: self.now)

    def _train(self) -> None:
        """Let every live attempt train one epoch further, pause or end, as its plan or newest order says."""
        for label in self.runtime.alive:
            _, trial, number = label.split("/")
            attempt = TrialFolder.of(self.bench.folder, int(trial)).attempt(int(number))
            source = (attempt.parents[1] / "candidate" / "train.py").read_text()
            self._one_epoch(label, attempt, source)

    def _one_epoch(self, label: str, attempt: Path, source: str) -> None:
        plan = wire.Plan.from_json((attempt / wire.PLAN).read_text())
        order = wire.Order(0, plan.pause_at, plan.finish_at)
        if (attempt / wire.ORDER).exists():
            order = wire.Order.from_json((attempt / wire.ORDER).read_text())
        done = self._trained.setdefault(label, 0)
        if done == 0:
            self._emit(attempt, "started", pid=1, order=0, resumed_from=0)
            self._emit(attempt, "fit", call=1, epochs=3, steps=1000, rungs=True, why="")
        last = order.finish_at or int(re.search(r"epochs=(\d+)", source).group(1))  # type: ignore[union-attr]
        if done < last and done != order.pause_at:
            seconds = self.epoch_seconds(source)
            self.now += seconds
            done = self._trained[label] = done + 1
            value = {"value": self.reach(source, done, plan.seed), "split": "validation"}
            self._emit(
                attempt,
                "epoch",
                epoch=done,
                total=last,
                seconds=seconds,
                metrics={self.told: value},
            )
        if done == order.pause_at:
            self._emit(attempt, "paused", epoch=done, order=order.number)
        elif done >= last:
            self._finish(label, attempt, self.reach(source, done, plan.seed), done)

    def _finish(self, label: str, attempt: Path, value: float, epochs: int) -> None:
        self._emit(attempt, "metric", name="accuracy", value=value, split="test", source="keras.evaluate",
                   line=11, step=None, text="", seen_by_fit=False)  # fmt: skip
        self._emit(attempt, "finished", epochs=epochs, stopped_at=None, seconds=1.0)
        self.runtime.end(label, 0)

    def _emit(self, attempt: Path, event: str, **fields: object) -> None:
        with (attempt / wire.EVENTS).open("ab") as stream:
            stream.write(wire.event_line(event, dict(fields)))

    def summary(self) -> dict[str, object]:
        found: dict[str, object] = json.loads((self.path / "study" / "summary.json").read_text())
        return found
