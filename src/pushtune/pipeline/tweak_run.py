"""A tweak program at work."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pushtune.model.jobs import RunProgram
from pushtune.model.ports import Exit, Handle, Limits, Runtime

LIMITS = Limits(seconds=120.0, disk=256 * 1024 * 1024, log=1024 * 1024, processes=256)


@dataclass(frozen=True)
class TweakRun:
    """What the program was asked, where it runs, and what holds it. Lost with us, and started again."""

    request: RunProgram
    runtime: Runtime
    handle: Handle
    folder: Path

    def ended(self) -> Exit | None:
        """Return how it ended, or None while it lives; it is kept to its limits."""
        return self.runtime.poll(self.handle, LIMITS, str(self.folder))

    def stop(self) -> None:
        """End it."""
        self.runtime.kill(self.handle)
