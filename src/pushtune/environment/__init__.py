"""What a trial runs in: an interpreter with packages, or a container image."""

from __future__ import annotations

from collections.abc import Callable

from pushtune.environment.process import ProcessEnvironment
from pushtune.environment.request import EnvironmentRequest
from pushtune.model.ports import Environment

ENVIRONMENTS: dict[str, Callable[[EnvironmentRequest], Environment]] = {
    "process": lambda request: ProcessEnvironment(
        request.python,
        isolated=request.isolated,
        user=request.user,
        home=None if request.cache is None else request.cache / "home",
    ),
}
"""Every kind of environment by its name in the settings."""

__all__ = ["ENVIRONMENTS", "EnvironmentRequest", "ProcessEnvironment"]
