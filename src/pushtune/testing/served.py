"""A server's home for tests: a real repository to push to, a real server process, a real mail server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

SCRIPT = """\
import random
import time

step = 0.5
units = 4
random.seed(3)
error = 1.0
for epoch in range(5):
    time.sleep(0.15)
    error = error * (1.0 - step / 4) + 0.001 * random.random() / units
    print(f"epoch {epoch + 1}: val_accuracy={1 - error:.4f}")
print(f"Accuracy: {1 - error:.4f}")
"""
"""A training script without any framework: quick to start, with an epoch loop that can be resumed."""

TRIAL_MARK = "pushtune_probe"


@dataclass
class ServedHome:
    """A home below ``path``, with an origin to push to. ``settings`` are lines of server.toml.

    ``python`` runs the trials; ``variables`` are added to the server's environment.
    """

    path: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    python: str = sys.executable
    server: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.home = self.path / "home"
        self.origin = self.path / "origin.git"
        self.work = self.path / "work"
        self.home.mkdir(parents=True, exist_ok=True)
        own = {"environment": "process", "local": True, "python": self.python, "poll": "5s"}
        lines = [f"{name} = {json.dumps(value)}" for name, value in {**own, **self.settings}.items()]
        (self.home / "server.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def make_repository(self, files: Mapping[str, str], *, watch: bool = True) -> None:
        """Make the origin with one commit, and, with ``watch``, watch it from then on, with a hook."""
        self.git("init", "-q", "--bare", "-b", "main", str(self.origin), cwd=self.path)
        self.git("clone", "-q", str(self.origin), str(self.work), cwd=self.path)
        self.git("checkout", "-q", "-B", "main")
        self.commit({"README.md": "A model.\n", **files}, "Begin")
        self.git("push", "-q", "origin", "main")
        if not watch:
            return
        self.run("repo", "add", str(self.origin), "--name", "origin")
        self.run("repo", "hook", "origin")

    def commit(self, files: Mapping[str, str], message: str, author: str = "Ann <ann@example.org>") -> str:
        """Commit files and return the commit's hash."""
        for name, text in files.items():
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "--author", author, "-m", message)
        return self.git("rev-parse", "HEAD").strip()

    def push(self, *arguments: str) -> None:
        """Push as a developer does."""
        self.git("push", "-q", "origin", "HEAD", *arguments)

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        """Run git as a developer and return what it said."""
        own = {"GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "ann@example.org"}
        done = subprocess.run(
            ["git", *arguments], cwd=cwd or self.work,
            env={**os.environ, **own, "GIT_CONFIG_GLOBAL": os.devnull},
            check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return done.stdout

    def run(
        self, *arguments: str, check: bool = True, timeout: float = 240
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of pushtune on this home."""
        done = subprocess.run(
            self._command(arguments), cwd=self.path, env=self._environment(), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip
        if check and done.returncode:
            raise AssertionError(f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def start(self, *arguments: str, odd: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        """Start the server; its log is ``serve.log``. With ``odd``, as ``odd_server`` has it."""
        command = self._command(("serve", *arguments))
        if odd:
            command = [sys.executable, "-m", "pushtune.testing.odd_server", *odd, "--", "serve", *arguments]
        with (self.path / "serve.log").open("ab") as log:
            server = subprocess.Popen(
                command, cwd=self.path, env=self._environment(),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.server = server
        return server

    def stop(self, number: int = signal.SIGINT, *, seconds: float = 60) -> int:
        """Stop the server by a signal and return its status."""
        assert self.server is not None
        self.server.send_signal(number)
        return self.server.wait(timeout=seconds)

    def kill(self) -> None:
        """``kill -9`` of the server."""
        assert self.server is not None
        self.server.kill()
        self.server.wait()

    @property
    def log(self) -> str:
        """What the server said so far."""
        path = self.path / "serve.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def pushes(self) -> list[dict[str, Any]]:
        """Return all pushes, the newest first, as `pushtune ps --json` tells them."""
        rows: list[dict[str, Any]] = json.loads(self.run("ps", "--all", "--json").stdout)
        return rows

    def show(self, push: int) -> dict[str, Any]:
        """Return one push with its stages."""
        body: dict[str, Any] = json.loads(self.run("show", str(push), "--json").stdout)
        return body

    def trials(self) -> list[psutil.Process]:
        """Return the live processes of this home's trials."""
        found = []
        for process in psutil.process_iter():
            try:
                line = " ".join(process.cmdline())
                if TRIAL_MARK in line and str(self.path) in line and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def wait_for(self, what: Callable[[], object], *, seconds: float = 120) -> None:
        """Wait until ``what`` is true; ``AssertionError`` with the server's log after ``seconds``."""
        end = time.monotonic() + seconds
        while not what():
            if time.monotonic() > end:
                raise AssertionError(
                    f"it did not happen within {seconds} s; the server said\n{self.log[-6000:]}"
                )
            time.sleep(0.05)

    def wait_over(self, push: int, *, seconds: float = 180) -> dict[str, Any]:
        """Wait until a push is over and return it."""
        ends = ("done", "failed", "cancelled", "superseded")
        self.wait_for(lambda: any(row["push"] == push and row["state"] in ends for row in self.pushes()),
                      seconds=seconds)  # fmt: skip
        return self.show(push)

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "pushtune", *arguments]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PUSHTUNE_HOME": str(self.home), **self.variables}


def epochs_trained_twice(home: Path) -> list[str]:
    """Return the trials below a home in which an epoch was trained again although it was kept.

    An epoch is kept when its checkpoint is whole: the event after it says so. Killed between the two, it is
    trained again, and was not finished.
    """
    return [
        f"{trial.parent.parent.name}/{trial.name}: epoch {epoch}"
        for trial in sorted(home.glob("studies/*/trials/*"))
        for epoch in _again(trial)
    ]


def _again(trial: Path) -> list[int]:
    kept: set[int] = set()
    again: list[int] = []
    attempts = [path for path in trial.glob("attempts/*") if path.name.isdigit()]
    for attempt in sorted(attempts, key=lambda path: int(path.name)):
        finished: set[int] = set()
        for event in _events(attempt / "events.jsonl"):
            if event.get("event") == "epoch" and event["epoch"] in kept:
                again.append(event["epoch"])
            if event.get("event") == "checkpoint":
                finished.add(event["epoch"])
        kept |= finished
    return again


def _events(path: Path) -> list[dict[str, Any]]:
    events = []
    for line in path.read_bytes().splitlines() if path.exists() else []:
        try:
            events.append(json.loads(line))
        except ValueError:
            continue  # torn by a kill
    return events
