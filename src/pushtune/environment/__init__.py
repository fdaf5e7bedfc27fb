"""What a trial runs in: an interpreter with packages, or a container image."""

from __future__ import annotations

from collections.abc import Callable

from pushtune.environment.process import ProcessEnvironment
from pushtune.model.ports import Environment

ENVIRONMENTS: dict[str, Callable[[str | None], Environment]] = {
    "process": ProcessEnvironment,
}
"""Every kind of environment by its name in the settings; each takes what ``--python`` says, or None."""

__all__ = ["ENVIRONMENTS", "ProcessEnvironment"]
