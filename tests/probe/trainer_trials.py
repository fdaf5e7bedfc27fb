"""Trials of scripts that train with Lightning or the Hugging Face trainer: killed, resumed, ordered about."""

from __future__ import annotations

import dataclasses
import shutil
import time
from pathlib import Path
from typing import Any

from tests.probe.running import Attempt

from pushtune_probe import wire

SINGLE = {"PYTHONPYCACHEPREFIX": "", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


@dataclasses.dataclass
class Trial:
    """What a chain of attempts came to: the printed digest, each epoch's metrics, where it resumed."""

    digest: str = ""
    curve: dict[int, Any] = dataclasses.field(default_factory=dict)
    trained: list[int] = dataclasses.field(default_factory=list)
    resumed: list[int] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)


def train(folder: Path, source: str, *kills: str, **environment: str) -> Trial:
    """Run ``source``; kill it at each of ``kills`` in turn and resume it in a new process."""
    trial = Trial()
    checkpoints: list[str] = []
    for number, kill in enumerate([*kills, ""], start=1):
        attempt = Attempt(folder / str(number), source, attempt=number, checkpoints=tuple(checkpoints))
        written = Path(checkpoints[0]) / wire.CHECKPOINT_FILES if checkpoints else None
        if written is not None and written.is_dir():  # a trial has them there from the start
            shutil.copytree(written, attempt.workspace, dirs_exist_ok=True)
        ran = attempt.run(KILL=kill, **SINGLE, **environment)
        assert ran.code == (-9 if kill else 0), ran.output
        trial.resumed.append(ran.one("started")["resumed_from"])
        trial.trained += [event["epoch"] for event in ran.all("epoch")]
        trial.curve.update({event["epoch"]: event["metrics"] for event in ran.all("epoch")})
        trial.warnings += [event["text"] for event in ran.all("warning")]
        checkpoints = wire.checkpoint_folders(str(attempt.folder)) + checkpoints
        if kill:  # whoever writes there afterwards is found out
            shutil.rmtree(attempt.workspace)
    trial.digest = digest(ran.output)
    return trial


def digest(output: str) -> str:
    """Return what a script says about itself last of all."""
    return next(line for line in output.splitlines() if line.startswith("HASH"))


def ordered(folder: Path, source: str, pause_at: int, finish_at: int, **environment: str) -> Attempt:
    """Run ``source``; have it pause after one epoch, then go on and finish after another."""
    attempt = Attempt(folder, source, pause_at=pause_at)
    (folder / wire.HEARTBEAT).touch()
    process = attempt.start(**SINGLE, **environment)
    deadline = time.monotonic() + 110
    while not any(event["event"] == "paused" for event in attempt.events()):
        assert process.poll() is None, (folder / wire.STDOUT).read_text()
        assert time.monotonic() < deadline, "it did not pause"
        (folder / wire.HEARTBEAT).touch()
        time.sleep(0.05)
    order = wire.Order(number=1, pause_at=None, finish_at=finish_at)
    wire.write_atomically(str(folder / wire.ORDER), order.to_json().encode())
    assert process.wait(110) == 0, (folder / wire.STDOUT).read_text()
    return attempt
