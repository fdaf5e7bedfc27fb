"""Real containers on Docker and on Podman: what every runtime promises, and that they are shut in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from container_cases import Yard

from pushtune.environment.container_runtime import ContainerRuntime
from pushtune.model.ports import AttemptSpec, Handle, Limits, Runtime
from pushtune.testing.runtime_conformance import RealRuntimeConformance


@pytest.fixture
def runtime(yard: Yard) -> ContainerRuntime:
    return yard.runtime()


class TestContainerRuntime(RealRuntimeConformance):
    end_after_our_death = -9

    @pytest.fixture(autouse=True)
    def _in(self, yard: Yard) -> None:
        self.yard = yard

    def python(self, code: str) -> tuple[str, ...]:
        return ("/usr/bin/python3", "-c", code)

    def spec(self, folder: Path, command: tuple[str, ...], limits: Limits | None = None) -> AttemptSpec:
        return replace(super().spec(folder, command, limits), container=self.yard.container)

    def after_our_death(self, runtime: Runtime) -> Runtime:
        return self.yard.runtime()

    def end_from_outside(self, runtime: Runtime, handle: Handle) -> None:
        self.yard.engine.call("kill", handle.identity.partition(":")[0])
