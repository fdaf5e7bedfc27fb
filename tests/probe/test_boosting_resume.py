"""A boosting that is paused, killed, resumed or ended early leaves what one that was left alone leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.probe.boosting_scripts import SCRIPTS
from tests.probe.running import Attempt, Ran
from tests.probe.test_probe_control import give, seen, wait_for

from pushtune.testing.real_parts import need_module
from pushtune_probe import wire

EVERY = pytest.mark.parametrize("name", sorted(SCRIPTS))


@pytest.fixture(autouse=True)
def installed(request: pytest.FixtureRequest) -> None:
    need_module("sklearn")
    name = request.node.callspec.params.get("name", "xgboost") if hasattr(request.node, "callspec") else ""
    need_module(name.partition("-")[0] or "xgboost")


def bare(folder: Path, name: str, **environment: str) -> str:
    """Run a script without the probe; return its digest."""
    folder.mkdir()
    script = folder / "train.py"
    script.write_text(textwrap.dedent(SCRIPTS[name]))
    kept = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    command = [sys.executable, str(script)]
    return digest(subprocess.run(command, check=True, env=kept, capture_output=True, text=True).stdout)


def digest(output: str) -> str:
    return next(line for line in output.splitlines() if line.startswith("HASH"))


def rounds(ran: Ran) -> list[int]:
    return [event["epoch"] for event in ran.all("epoch")]


def waiting(attempt: Attempt, then: Callable[[subprocess.Popen[bytes]], None]) -> Ran:
    """Start an attempt whose plan pauses; once it does, do ``then``, and wait for its end."""
    (attempt.folder / wire.HEARTBEAT).touch()
    process = attempt.start()
    wait_for(seen(attempt, "paused"))
    then(process)
    code = process.wait(60)
    return Ran(code, (attempt.folder / wire.STDOUT).read_text(), attempt.events())


def kill(process: subprocess.Popen[bytes]) -> None:
    os.kill(process.pid, signal.SIGKILL)


@EVERY
def test_killed_at_a_rung_and_resumed(tmp_path: Path, name: str) -> None:
    alone = bare(tmp_path / "bare", name)

    first = Attempt(tmp_path / "1", SCRIPTS[name], pause_at=5)
    killed = waiting(first, kill)
    checkpoints = tuple(wire.checkpoint_folders(str(first.folder)))
    second = Attempt(tmp_path / "2", SCRIPTS[name], attempt=2, checkpoints=checkpoints)
    ran = second.run()

    assert digest(ran.output) == alone
    assert rounds(killed) + rounds(ran) == list(range(1, ran.one("fit")["epochs"] + 1))
    assert killed.one("fit")["rungs"]
    assert [event["code"] for event in ran.all("warning")] == []


@EVERY
def test_ended_by_an_order_while_it_waits(tmp_path: Path, name: str) -> None:
    shorter = bare(tmp_path / "bare", name, ROUNDS="7")

    attempt = Attempt(tmp_path / "1", SCRIPTS[name], pause_at=7)
    ran = waiting(attempt, lambda _: give(attempt, number=1, pause_at=None, finish_at=7))

    assert digest(ran.output) == shorter
    assert rounds(ran) == list(range(1, 8))
    assert ran.one("finished")["stopped_at"] == 7


@pytest.mark.parametrize("name", ["xgboost-cv", "lightgbm", "lightgbm-cv"])
def test_ended_by_the_plan_where_early_stopping_looks_for_the_last_round(tmp_path: Path, name: str) -> None:
    patience = {"PATIENCE": "9"} if name != "lightgbm" else {"PATIENCE": "0"}

    ran = Attempt(tmp_path / "1", SCRIPTS[name], finish_at=4).run(**patience)

    assert digest(ran.output) == bare(tmp_path / "bare", name, ROUNDS="4", **patience)


@pytest.mark.parametrize("name", ["xgboost", "lightgbm"])
def test_early_stopping_counts_as_it_would_alone(tmp_path: Path, name: str) -> None:
    alone = bare(tmp_path / "bare", name, ROUNDS="400", PATIENCE="6")

    first = Attempt(tmp_path / "1", SCRIPTS[name], pause_at=4)
    (first.folder / wire.HEARTBEAT).touch()
    process = subprocess.Popen(
        first.command(), cwd=first.workspace, env=first.environment(ROUNDS="400", PATIENCE="6"),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wait_for(seen(first, "paused"))
    kill(process)
    process.wait(60)
    checkpoints = tuple(wire.checkpoint_folders(str(first.folder)))
    ran = Attempt(tmp_path / "2", SCRIPTS[name], attempt=2, checkpoints=checkpoints).run(
        ROUNDS="400", PATIENCE="6"
    )

    assert digest(ran.output) == alone
    assert 10 < rounds(ran)[-1] < 100
    values = {entry["step"] for entry in ran.all("metric") if entry["source"] == f"{name}.train"}
    assert values == {rounds(ran)[-1] - 6}


def test_training_that_comes_out_otherwise_is_told(tmp_path: Path) -> None:
    first = Attempt(tmp_path / "1", SCRIPTS["xgboost"], pause_at=5)
    waiting(first, kill)
    checkpoints = tuple(wire.checkpoint_folders(str(first.folder)))
    other = SCRIPTS["xgboost"].replace('"seed": 3', '"seed": 4')

    ran = Attempt(tmp_path / "2", other, attempt=2, checkpoints=checkpoints).run()

    assert ran.one("warning")["code"] == "not-reproducible"
    assert rounds(ran)[0] == 6
