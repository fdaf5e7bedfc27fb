"""One study whose trials are containers, driven by the real reconciler; also as a program to be killed."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pushtune.environment.container_command import ATTEMPT_LABEL
from pushtune.environment.container_runtime import ContainerRuntime
from pushtune.environment.engines import Engine, find_engine
from pushtune.environment.process import trial_variables
from pushtune.errors import MachineError
from pushtune.ledger import Ledger, StudyRow, TrialRow, new_trial
from pushtune.model.analysis import Candidate, Script, ScriptFile
from pushtune.model.containers import HOME_LABEL, ContainerSpec, Mount
from pushtune.model.ports import Interpreter, Limits
from pushtune.model.space import Assignment
from pushtune.model.states import Purpose
from pushtune.reconcile import Recipe, Reconciler
from pushtune.trial import TrialFolder, write_candidate

BASE = "pushtune-test-base"

EPOCHS = 100

TRAIN = f"""\
import os
import random
import time

random.seed(5)
weight = 0.0
for epoch in range({EPOCHS}):
    for step in range(100):
        weight += random.gauss(0.0, 0.01)
    open("history.txt", "a").write(f"{{epoch}} {{weight!r}}\\n")
    time.sleep(float(open("/pace/seconds").read()))
said = open("history.txt").read().split()
print("lines", len(said))
print("Accuracy:", 0.5 + weight % 0.5)
"""


class Containers:
    """What the reconciler must know of an environment: its variables."""

    name = "container"

    def __init__(self, runtime: ContainerRuntime) -> None:
        self._runtime = runtime

    def prepare(self, needs: object) -> Interpreter:
        return Interpreter("/usr/bin/python3", (3, 11, 2))

    def variables(self, threads: int, seed: int) -> dict[str, str]:
        return trial_variables({"PATH": "/usr/bin:/bin", "HOME": "/tmp"}, threads, seed)

    def runtime(self) -> ContainerRuntime:
        return self._runtime


class ContainerStudy:
    """A home with one study; ``reborn`` is what a new server finds."""

    def __init__(
        self,
        path: Path,
        engine: Engine,
        source: str = TRAIN,
        *,
        limits: Limits | None = None,
        slots: int = 2,
        pace: float = 0.1,
    ) -> None:
        self.path, self.engine, self.home = path, engine, str(path)
        self.source = ScriptFile("train.py", source.encode())
        for name in ("author", "pace"):
            (path / name).mkdir(parents=True, exist_ok=True)
        self.pace(pace)
        (path / "author" / "train.py").write_bytes(self.source.data)
        self.ledger = Ledger(path / "ledger.db")
        if self.ledger.studies.get("study") is None:
            row = StudyRow("study", "key", str(path), "train.py", ".", (), None, None, "auto", 0, 1.0)
            self.ledger.studies.create(row)
        self.trials = self.ledger.trials("study")
        self.runtime = ContainerRuntime(engine, self.home)
        self.recipe = Recipe(
            script=Script(str(path / "author"), "train.py", (self.source,)),
            environment=Containers(self.runtime),
            interpreter="/usr/bin/python3",
            slots=slots,
            threads=1,
            limits=limits or Limits(memory=512 * 2**20, disk=512 * 2**20),
            wanted_metric="accuracy",
            guess=None,
            loops=(("train.py", 0),),
            container=ContainerSpec(BASE, mounts=(Mount(str(path / "pace"), "/pace"),)),
        )
        self.reconciler = self.reborn()

    def reborn(self) -> Reconciler:
        self.runtime = ContainerRuntime(self.engine, self.home)
        self.reconciler = Reconciler(
            self.trials, self.path / "study", self.recipe, self.runtime, time.time, print
        )
        self.adopted = self.reconciler.adopt()
        return self.reconciler

    def pace(self, seconds: float) -> None:
        """Let every epoch take this long from now on, in containers that train already too."""
        partial = self.path / "pace" / "partial"
        partial.write_text(str(seconds))
        partial.replace(self.path / "pace" / "seconds")

    def folder(self, number: int) -> TrialFolder:
        return TrialFolder.of(self.path / "study", number)

    def want(self, number: int, source: str | None = None) -> None:
        """Want a trial trained to its end; ``source`` takes the place of the author's."""
        file = self.source if source is None else replace(self.source, data=source.encode())
        write_candidate(self.folder(number), Candidate((file,), (), ""))
        trial = new_trial("study", number, Purpose.SEARCH, Assignment(), seed=7, now=time.time())
        self.trials.want(replace(trial, finish=True))

    def trial(self, number: int) -> TrialRow:
        row = self.trials.get(number)
        assert row is not None
        return row

    @property
    def over(self) -> bool:
        return all(row.over for row in self.trials.all())

    def step(self) -> None:
        """Do what a server does many times a second; an engine that is away is waited for."""
        try:
            self.reconciler.look()
            self.reconciler.act()
        except MachineError as error:
            print("waiting:", error)

    def run(self, until: Callable[[], object] | None = None, seconds: float = 120.0) -> None:
        """Step until something holds (None: until every trial is over)."""
        give_up = time.monotonic() + seconds
        while not (until() if until is not None else self.over):
            assert time.monotonic() < give_up, [self.trials.all(), self.trials.attempts()]
            self.step()
            time.sleep(0.05)

    def container(self, number: int) -> str | None:
        """Return the id of the container in which a trial trains now."""
        attempts = self.trials.attempts(number)
        labels = [f"{HOME_LABEL}={self.home}", f"{ATTEMPT_LABEL}={attempts[-1].label}"] if attempts else []
        found = self.engine.containers(*labels) if labels else []
        return next((item.id for item in found if item.status == "running"), None)

    def events(self, number: int, attempt: int) -> list[dict[str, Any]]:
        """Return what an attempt of a trial has reported."""
        path = self.folder(number).attempt(attempt) / "events.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line) for line in lines if line.endswith("}")]

    def epochs_done(self, number: int) -> int:
        """Return the last epoch that a trial has finished and saved."""
        saved = [self.saved(number, attempt) for attempt in self.folder(number).attempts()]
        return max(saved, default=0)

    def saved(self, number: int, attempt: int) -> int:
        """Return the last epoch that one attempt has saved."""
        events = self.events(number, attempt)
        return max((event["epoch"] for event in events if event["event"] == "checkpoint"), default=0)

    def repeated(self, number: int) -> list[str]:
        """Return the attempts of a trial that went on from an earlier epoch than the last that was saved."""
        found, saved = [], 0
        for attempt in self.folder(number).attempts():
            for event in self.events(number, attempt):
                # It may have died between saving an epoch and telling so.
                if event["event"] == "started" and event["resumed_from"] < saved:
                    found.append(f"attempt {attempt} went on from {event['resumed_from']}, not {saved}")
            saved = max(saved, self.saved(number, attempt))
        return found

    def left(self) -> list[str]:
        """Remove the containers that are left; return their names."""
        left = self.engine.containers(f"{HOME_LABEL}={self.home}")
        self.engine.remove(item.id for item in left)
        return [item.name for item in left]


if __name__ == "__main__":
    study = ContainerStudy(Path(sys.argv[1]), find_engine(sys.argv[2]))
    print("server", os.getpid(), flush=True)
    study.run()
