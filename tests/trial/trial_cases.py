"""A small project as an author would have it, and attempts made from it."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from pushtune.model.analysis import Candidate, Script, ScriptFile
from pushtune.process import run
from pushtune.trial import AttemptRequest
from pushtune_probe import wire


class Project:
    """The author's folder, with a script in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True)
        self.write("train.py", "print('accuracy: 0.5')\n")

    def write(self, path: str, text: str | bytes = "1") -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
        return target

    def in_git(self, ignored: str) -> None:
        self.write(".gitignore", ignored)
        run(["git", "init", "--quiet"], cwd=self.root)

    def request(self, entry: str = "train.py", **changes: Any) -> AttemptRequest:
        file = ScriptFile(entry, (self.root / entry).read_bytes())
        return replace(
            AttemptRequest(
                study=str(self.root / ".pushtune" / "studies" / "one"),
                script=Script(str(self.root), entry, (file,)),
                candidate=Candidate((file,), (), ""),
                trial=3,
                attempt=1,
                label="a-label",
                python=sys.executable,
                variables=dict(os.environ),
                seed=7,
                threads=1,
            ),
            **changes,
        )

    def state(self) -> dict[str, tuple[int, int, bytes]]:
        """Everything in the author's folder but pushtune's own: mode, time, content."""
        return {
            str(path.relative_to(self.root)): (facts.st_mode, facts.st_mtime_ns, path.read_bytes())
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and ".pushtune" not in path.parts and ".git" not in path.parts
            for facts in [path.stat()]
        }


def emit(attempt: Path, event: str, **fields: Any) -> None:
    """Report an event as the probe would."""
    attempt.mkdir(parents=True, exist_ok=True)
    with (attempt / wire.EVENTS).open("ab") as stream:
        stream.write(wire.event_line(event, fields))


def epoch(attempt: Path, number: int, **metrics: float) -> None:
    """Report an epoch; ``val_accuracy=0.5`` is accuracy on the validation data."""
    told = {
        name: {"value": value, "split": "validation" if name.startswith("val_") else "train"}
        for name, value in metrics.items()
    }
    emit(attempt, "epoch", epoch=number, total=9, seconds=0.5, metrics=told)
