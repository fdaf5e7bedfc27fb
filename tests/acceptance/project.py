"""A project in a folder of its own, and pushtune run on it as a user would: as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

FOREST = """\
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, random_state=0)
model = RandomForestClassifier(n_estimators=2, max_depth=1)
model.fit(X_train, y_train)
print("Accuracy:", accuracy_score(y_test, model.predict(X_test)))
"""


@dataclass(frozen=True)
class Answer:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The JSON lines of ``--json``."""
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]


class Project:
    """A folder with scripts. Every process that pushtune leaves behind is found by its label."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "pushtune", *arguments],
            cwd=self.path,
            env={**os.environ, "PUSHTUNE_PYTHON": sys.executable, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, timeout: float = 240, **environment: str) -> Answer:
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=timeout)
        return Answer(process.returncode, out, err)

    def tune(self, script: str, *arguments: str, timeout: float = 240, **environment: str) -> Answer:
        return self.run("tune", script, *arguments, timeout=timeout, **environment)

    def study(self) -> Path:
        """The folder of the only study."""
        (folder,) = (self.path / ".pushtune" / "studies").iterdir()
        return folder

    def trial_processes(self) -> list[psutil.Process]:
        """The live processes whose label or folder is this project's."""
        found = []
        for process in psutil.process_iter():
            try:
                if str(self.path) in " ".join(process.cmdline()) and process.pid != os.getpid():
                    found.append(process)
            except psutil.Error:
                continue
        return [one for one in found if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]

    def files(self) -> dict[str, bytes]:
        """The author's files: all but pushtune's own folder."""
        return {
            str(path.relative_to(self.path)): path.read_bytes()
            for path in sorted(self.path.rglob("*"))
            if path.is_file() and ".pushtune" not in path.parts
        }


def wait_for(what: Callable[[], object], *, seconds: float = 60) -> None:
    """Wait until ``what`` is true; fail after ``seconds``."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            pytest.fail(f"it did not happen within {seconds} seconds")
        time.sleep(0.02)


def kill(process: subprocess.Popen[str]) -> None:
    """``kill -9``."""
    process.send_signal(signal.SIGKILL)
    process.wait()
