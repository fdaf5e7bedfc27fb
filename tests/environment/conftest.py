"""A home on each container engine, with nothing left in it after every test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from container_cases import Yard, engine_or_none

from pushtune.testing.real_parts import need


@pytest.fixture(params=["docker", "podman"])
def yard(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Yard]:
    engine = engine_or_none(request.param)
    need(engine is not None, f"a {request.param} engine that answers, with the base image (.ci/engine start)")
    assert engine is not None
    yard = Yard(engine, f"test-{os.getpid()}-{tmp_path}")
    yield yard
    assert yard.left() == []
