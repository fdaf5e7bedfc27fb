"""A training loop written by hand that is killed and resumed ends with the same bits as one left alone."""

from __future__ import annotations

import ast
import dataclasses
import textwrap
from pathlib import Path
from typing import Any

import pytest
from tests.probe import loop_scripts as scripts
from tests.probe.running import Attempt

from pushtune_probe import wire

pytestmark = pytest.mark.slow


def marked_loop(source: str) -> int:
    """The number of the loop whose line ends with ``# epochs``."""
    source = textwrap.dedent(source)
    lines = source.splitlines()
    loops = [node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.For, ast.While))]
    loops.sort(key=lambda node: (node.lineno, node.col_offset))
    return next(number for number, node in enumerate(loops) if lines[node.lineno - 1].endswith("# epochs"))


@dataclasses.dataclass
class Trial:
    """What a chain of attempts came to: the printed digest, the metrics of its epochs, where it resumed."""

    digest: str
    curve: dict[int, Any]
    resumed: list[int]
    why: list[str]


def train(folder: Path, source: str, *kills: int) -> Trial:
    """Run ``source``; kill it in each of the epochs ``kills`` in turn and resume it in a new process."""
    trial = Trial("", {}, [], [])
    checkpoints: list[str] = []
    loops = (("train.py", marked_loop(source)),)
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
    trial.digest = next(line for line in ran.output.splitlines() if line.startswith("HASH"))
    return trial


SCRIPTS = {"classic": scripts.CLASSIC}


@pytest.mark.parametrize("name", SCRIPTS)
def test_killed_and_resumed_is_the_same(tmp_path: Path, name: str) -> None:
    alone = train(tmp_path / "alone", SCRIPTS[name])
    assert alone.why == []

    killed = train(tmp_path / "killed", SCRIPTS[name], 2, 4)

    assert killed.resumed == [0, 1, 3]
    assert killed.curve == alone.curve
    assert killed.digest == alone.digest
