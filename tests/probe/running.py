"""Runs small scripts under the probe, in real processes, and reads what it reported."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pushtune_probe
from pushtune_probe import wire

PROBE = Path(pushtune_probe.__file__).parent
PYTHON = os.environ.get("PUSHTUNE_PROBE_PYTHON", sys.executable)
"""Set it to run the scripts with another Python than the tests' own: the probe supports older ones."""


@dataclasses.dataclass(frozen=True)
class Ran:
    """How a script ended, what it printed (both streams), and the events, oldest first."""

    code: int
    output: str
    events: list[dict[str, Any]]

    def all(self, event: str) -> list[dict[str, Any]]:
        return [body for body in self.events if body["event"] == event]

    def one(self, event: str) -> dict[str, Any]:
        found = self.all(event)
        assert len(found) == 1, f"{len(found)} events {event!r} in {self.events}\n{self.output}"
        return found[0]

    def metrics(self) -> list[tuple[str, float | None, str]]:
        """Name, value and split of every reported metric."""
        return [(body["name"], body["value"], body["split"]) for body in self.all("metric")]

    def sources(self) -> list[str]:
        return [body["source"] for body in self.all("metric")]


class Attempt:
    """One attempt's folder with a script in its workspace."""

    def __init__(self, folder: Path, source: str | bytes, **plan: Any) -> None:
        self.folder = folder
        self.workspace = folder / "workspace"
        self.workspace.mkdir(parents=True, exist_ok=True)
        text = textwrap.dedent(source).encode() if isinstance(source, str) else source
        (self.workspace / "train.py").write_bytes(text)
        facts: dict[str, Any] = {"label": "t", "trial": 0, "attempt": 1, "seed": 7, "threads": 1}
        facts.update(plan, workspace=str(self.workspace), script="train.py")
        (folder / wire.PLAN).write_text(wire.Plan(**facts).to_json())

    def file(self, name: str, text: str) -> None:
        path = self.workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))

    def command(self, *args: str, options: tuple[str, ...] = (), as_module: bool = False) -> list[str]:
        how = ["-m", "pushtune_probe"] if as_module else [str(PROBE)]
        return [PYTHON, *options, *how, "--attempt", str(self.folder), "--", "train.py", *args]

    def environment(self, as_module: bool = False, **extra: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        if as_module:
            kept["PYTHONPATH"] = str(PROBE.parent)
        # Small models: more threads would only wait for each other.
        return {"OMP_NUM_THREADS": "1", **kept, **extra}

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        with (self.folder / wire.STDOUT).open("wb") as log:
            return subprocess.Popen(
                self.command(),
                cwd=self.workspace,
                env=self.environment(**environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def run(
        self, *args: str, options: tuple[str, ...] = (), as_module: bool = False, **environment: str
    ) -> Ran:
        done = subprocess.run(
            self.command(*args, options=options, as_module=as_module),
            cwd=self.workspace,
            env=self.environment(as_module, **environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
        return Ran(done.returncode, done.stdout.decode("utf-8", "replace"), self.events())

    def events(self) -> list[dict[str, Any]]:
        return wire.read_events(str(self.folder / wire.EVENTS))[0]
