"""A training loop written by hand that is killed and resumed ends with the same bits as one left alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from tests.probe import loop_scripts as scripts
from tests.probe.running import Attempt

from pushtune.testing.real_parts import need_module
from pushtune_probe import wire

pytestmark = pytest.mark.slow


@dataclasses.dataclass
class Trial:
    """What a chain of attempts came to: the printed digest, the metrics of its epochs, where it resumed."""

    digest: list[str]
    curve: dict[int, Any]
    resumed: list[int]
    why: list[str]


def train(folder: Path, source: str, *kills: int) -> Trial:
    """Run ``source``; kill it in each of the epochs ``kills`` in turn and resume it in a new process."""
    trial = Trial([], {}, [], [])
    checkpoints: list[str] = []
    loops = scripts.marked(source)
    for number, kill in enumerate([*kills, 0], start=1):
        attempt = Attempt(
            folder / str(number), source, attempt=number, checkpoints=tuple(checkpoints), loops=loops
        )
        ran = attempt.run(KILL=str(kill or ""))
        assert ran.code == (-9 if kill else 0), ran.output
        trial.resumed.append(ran.one("started")["resumed_from"])
        trial.curve.update({event["epoch"]: event["metrics"] for event in ran.all("epoch")})
        trial.why += [event["why"] for event in ran.all("fit") if event["why"]]
        checkpoints = wire.checkpoint_folders(str(attempt.folder)) + checkpoints
    trial.digest = [line for line in ran.output.splitlines() if line.startswith("HASH")]
    return trial


KILLS = {
    "classic": (2, 4),
    "everything": (4,),
    "while": (1, 4, 7),
    "forever": (3,),
    "bar": (2, 4),
    "tape": (3,),
}


NEEDS = {"classic": "torch", "everything": "torch", "bar": "tqdm", "tape": "tensorflow"}


@pytest.mark.parametrize("name", KILLS)
def test_killed_and_resumed_is_the_same(tmp_path: Path, name: str) -> None:
    need_module(NEEDS.get(name, "numpy"))
    source = getattr(scripts, name.upper())
    alone = train(tmp_path / "alone", source)
    assert alone.why == []

    killed = train(tmp_path / "killed", source, *KILLS[name])

    assert killed.resumed == [0, *(epoch - 1 for epoch in KILLS[name])]
    assert killed.curve == alone.curve
    assert killed.digest == alone.digest
