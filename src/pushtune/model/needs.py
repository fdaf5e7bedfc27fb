"""What a script needs of the environment that it runs in, as far as reading it tells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pushtune.model.analysis import Requirement


@dataclass(frozen=True)
class Outdated:
    """One line that current releases of a library refuse.

    ``written`` is what stands there, ``release`` the first that has it no more (``"Keras 3"``), ``last``
    the requirement that still has it (``"tensorflow<2.16"``); both may be empty.
    """

    file: str
    line: int
    written: str
    release: str
    last: str


@dataclass(frozen=True)
class Needs:
    """``root`` is the absolute folder of the repository, ``entry`` the script below it; ``framework`` and
    ``kind`` are the analysis' words, ``"unknown"`` where it has none."""

    root: str = ""
    entry: str = ""
    framework: str = "unknown"
    kind: str = "unknown"
    requirements: tuple[Requirement, ...] = ()
    outdated: tuple[Outdated, ...] = ()

    @property
    def modules(self) -> tuple[str, ...]:
        """The names that are imported."""
        return tuple(item.module for item in self.requirements)

    @staticmethod
    def of_modules(modules: Iterable[str]) -> Needs:
        """Return the needs of what imports ``modules`` and nothing else is known of."""
        return Needs(requirements=tuple(Requirement(name, name, certain=True) for name in modules))
