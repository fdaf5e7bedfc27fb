"""A small project as an author would have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from trial_cases import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "home" / "project")


@pytest.fixture
def untouched(project: Project) -> Iterator[Callable[[], None]]:
    """What must hold after every attempt: the author's folder is as it was."""
    before: dict[str, Any] = {}
    yield lambda: before.update(project.state())
    assert project.state() == before
