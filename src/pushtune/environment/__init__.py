"""What a trial runs in: an interpreter with packages, or a container image."""

from __future__ import annotations

from collections.abc import Callable

from pushtune.environment.container import ContainerEnvironment
from pushtune.environment.process import ProcessEnvironment
from pushtune.environment.request import EnvironmentRequest
from pushtune.environment.virtualenv import VirtualenvEnvironment
from pushtune.model.ports import Environment

ENVIRONMENTS: dict[str, Callable[[EnvironmentRequest], Environment]] = {
    "process": lambda request: ProcessEnvironment(request.python),
    "virtualenv": VirtualenvEnvironment,
    "container": ContainerEnvironment,
}
"""Every kind of environment by its name in the settings."""

__all__ = [
    "ENVIRONMENTS",
    "ContainerEnvironment",
    "EnvironmentRequest",
    "ProcessEnvironment",
    "VirtualenvEnvironment",
]
