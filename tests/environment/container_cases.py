"""Engines for tests, and attempts in containers of the base image that ``.ci/engine`` makes."""

from __future__ import annotations

import functools
import time
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

from pushtune.environment.container_runtime import ContainerRuntime
from pushtune.environment.engines import Engine, find_engine
from pushtune.errors import MachineError
from pushtune.model.containers import HOME_LABEL, ContainerSpec
from pushtune.model.ports import AttemptSpec, Exit, Handle, Limits
from pushtune.testing.runtime_conformance import wait_for_exit

BASE = "pushtune-test-base"
PYTHON = "/usr/bin/python3"
MIB = 1024 * 1024


@functools.cache
def engine_or_none(name: str) -> Engine | None:
    """Return the engine if it answers and holds the base image."""
    try:
        engine = find_engine(name)
        return engine if engine.has_image(BASE) else None
    except MachineError:
        return None


class Yard:
    """One home on one engine: its runtime, its attempts, and what is left of them."""

    def __init__(self, engine: Engine, home: str) -> None:
        self.engine = engine
        self.home = home
        self.container = ContainerSpec(BASE)

    def runtime(self) -> ContainerRuntime:
        return ContainerRuntime(self.engine, self.home)

    def spec(
        self, folder: Path, code: str, limits: Limits | None = None, label: str = "", **container: Any
    ) -> AttemptSpec:
        folder.mkdir(exist_ok=True)
        return AttemptSpec(
            label=label or f"test/{uuid.uuid4().hex}/1",
            command=(PYTHON, "-c", code),
            workdir=str(folder),
            folder=str(folder),
            environment={"HOME": "/tmp", "PATH": "/usr/bin:/bin", "PYTHONUNBUFFERED": "1"},
            limits=limits or Limits(),
            container=replace(self.container, **container),
        )

    def run(self, folder: Path, code: str, limits: Limits | None = None, **container: Any) -> Exit:
        """Run ``code`` in a container to its end."""
        runtime = self.runtime()
        handle = runtime.start(self.spec(folder, code, limits, **container))
        return wait_for_exit(runtime, handle, str(folder), limits)

    def left(self) -> list[str]:
        """Remove what is left of this home; return its names."""
        left = self.engine.containers(f"{HOME_LABEL}={self.home}")
        self.engine.remove(container.id for container in left)
        return [container.name for container in left]


def wait_for(path: Path, seconds: float = 30.0) -> str:
    """Return the text of the file as soon as it has one."""
    give_up = time.monotonic() + seconds
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < give_up, f"{path} was not written"
        time.sleep(0.02)
    return path.read_text()


def container_id(handle: Handle) -> str:
    return handle.identity.partition(":")[0]
