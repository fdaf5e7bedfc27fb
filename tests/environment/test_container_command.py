"""The command line of a container, for engines and machines that are not here: rootless ones, and GPUs."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from container_cases import Yard

from pushtune.environment.container_command import (
    NOBODY,
    attempt_number,
    container_name,
    owner_of,
    run_command,
    trial_of,
)
from pushtune.environment.engines import Engine
from pushtune.model.ports import Limits

DOCKER = Engine("docker", "/usr/bin/docker", "25.0")
PODMAN = Engine("podman", "/usr/bin/podman", "5.0")


def arguments(engine: Engine, folder: Path, limits: Limits | None = None, **container: Any) -> list[str]:
    spec = Yard(engine, "home").spec(folder / "attempt", "pass", limits, label="study/3/2", **container)
    command = list(run_command(engine, "home", spec).arguments)
    return command[: command.index("--entrypoint=/bin/sh")]


@pytest.mark.parametrize(
    ("engine", "gpus", "wanted"),
    [
        (DOCKER, "all", ["--gpus=all"]),
        (DOCKER, "device=0", ["--gpus=device=0"]),
        (DOCKER, "nvidia.com/gpu=0", ["--device=nvidia.com/gpu=0"]),
        (PODMAN, "all", ["--device=nvidia.com/gpu=all"]),
        (PODMAN, "nvidia.com/gpu=0,nvidia.com/gpu=1",
         ["--device=nvidia.com/gpu=0", "--device=nvidia.com/gpu=1"]),
        (DOCKER, "", []),
    ],
)  # fmt: skip
def test_gpus_are_asked_for_as_each_engine_takes_them(
    engine: Engine, gpus: str, wanted: list[str], tmp_path: Path
) -> None:
    given = arguments(engine, tmp_path, gpus=gpus)
    assert [item for item in given if item.startswith(("--gpus", "--device"))] == wanted


@pytest.mark.parametrize(
    ("engine", "us", "user", "wanted"),
    [
        (DOCKER, 0, None, [f"--user={NOBODY}"]),
        (DOCKER, 0, "1234:99", ["--user=1234:99"]),
        (DOCKER, 1000, None, ["--user=1000:1000"]),
        (replace(DOCKER, rootless=True), 1000, None, ["--user=0:0"]),
        (replace(PODMAN, rootless=True), 1000, None, ["--userns=keep-id", "--user=1000:1000"]),
    ],
)
def test_a_trial_is_root_only_where_root_is_nobody_but_us(
    engine: Engine,
    us: int,
    user: str | None,
    wanted: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("getuid", "geteuid", "getgid"):
        monkeypatch.setattr(os, name, lambda: us)
    given = arguments(engine, tmp_path, user=user)
    assert [item for item in given if item.startswith("--user")] == wanted
    # Its folder is given away only where it is not the trial's already.
    assert (owner_of(engine, user) is None) == (us != 0)


def test_the_network_is_shut_unless_it_is_opened(tmp_path: Path) -> None:
    assert "--network=none" in arguments(DOCKER, tmp_path)
    assert "--network=bridge" in arguments(DOCKER, tmp_path, network="full")
    assert "--network=host" in arguments(DOCKER, tmp_path, network="host")


def test_the_lower_limit_of_processes_counts(tmp_path: Path) -> None:
    assert "--pids-limit=50" in arguments(DOCKER, tmp_path, Limits(processes=50), pids=100)
    assert "--pids-limit=100" in arguments(DOCKER, tmp_path, Limits(processes=500), pids=100)


def test_names_tell_homes_and_attempts_apart() -> None:
    labels = ["study/1/1", "study/1/2", "study/11/2", "study-1/1", "é" * 300 + "/1/1"]
    names = {container_name(home, label) for home in ("one", "other") for label in labels}
    assert len(names) == 2 * len(labels)
    assert all(name.isascii() and len(name) < 100 for name in names)
    assert (trial_of("study.ab/3/12"), attempt_number("study.ab/3/12")) == ("study.ab/3", 12)
    assert (trial_of("alone"), attempt_number("alone")) == ("alone", 0)
