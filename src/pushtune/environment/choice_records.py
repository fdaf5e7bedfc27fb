"""What a choice of an image is made of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pushtune.environment.declared_lines import Line, Refused, allows
from pushtune.model.distributions import canonical

DEFAULT_PYTHON = "3.11"
"""What our images hold where nobody asks for another: the newest that the years of Keras 2 run on too."""


@dataclass(frozen=True)
class Reason:
    """One thing that spoke for the choice; ``line`` is 0 and ``file`` empty where there is none."""

    file: str
    line: int
    why: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.why}" if place else self.why


@dataclass(frozen=True)
class Choice:
    """``source`` is image (the repository names one), dockerfile (it brings its own), or kind (ours).

    ``kind`` with ``packages`` on it, each as pip reads it; ``lines`` are those among them that a file
    declares; ``hashes``: pip checks them. ``modules`` must be importable before it counts as made, and
    ``unsure`` are those that only a try can show. ``refused`` are declared lines that are not honoured.
    ``offline``: no code of the repository has a network, not even while its image is built. ``gpus``: what is
    installed is not the builds for the CPU.
    """

    source: str
    image: str = ""
    dockerfile: str = ""
    kind: str = ""
    python: str = DEFAULT_PYTHON
    packages: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    hashes: bool = False
    modules: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    refused: tuple[Refused, ...] = ()
    offline: bool = False
    gpus: bool = False

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.image or self.dockerfile or self.kind


def split_requirement(requirement: str) -> tuple[str, str]:
    """Return a requirement's canonical name and its versions."""
    match = re.match(r"\s*([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*(.*)", requirement)
    return (canonical(match.group(1)), match.group(2)) if match else ("", "")


def line_of(requirement: str, file: str = "") -> Line:
    """Return a requirement that stands in no file of the repository."""
    name, specifier = split_requirement(requirement)
    return Line(name, requirement, specifier, file, 0, requirement)


def allows_any(specifier: str, versions: Iterable[str]) -> bool:
    """Whether one of ``versions`` is allowed."""
    return any(allows(specifier, version) for version in versions)
