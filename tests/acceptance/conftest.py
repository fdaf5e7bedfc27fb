"""What the acceptance tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from project import Project

from pushtune.environment.engines import Engine, find_engine
from pushtune.errors import MachineError
from pushtune.testing.real_parts import need

BASE = "pushtune-test-base"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder)


@pytest.fixture
def engine() -> Engine:
    """A Docker engine with the base image that all images are built on."""
    try:
        found = find_engine("docker")
        present = found.has_image(BASE)
    except MachineError:
        present = False
    need(present, "a docker engine that answers, with the base image (.ci/engine start)")
    return found


@pytest.fixture(autouse=True)
def nothing_is_left_behind(tmp_path: Path) -> Iterator[None]:
    """After every test no process of its project lives."""
    yield
    left = Project(tmp_path).trial_processes()
    for process in left:
        process.kill()
    assert not left, f"left behind: {left}"
