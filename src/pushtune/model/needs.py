"""What a script needs of the environment that it runs in, as far as reading it tells."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pushtune.model.analysis import Requirement

_LONGEST = 200


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
class Loader:
    """One call by which a script has a library fetch something that the library then keeps.

    ``name`` is what is called, dotted, as the script imports it; ``arguments`` are keywords and constants, as
    text that Python reads; ``place`` is where it is kept below the home folder, if that is known. ``trouble``
    says why it cannot be called without the script, or to no use; "" where it can.
    """

    file: str
    line: int
    name: str
    arguments: tuple[tuple[str, str], ...] = ()
    place: str = ""
    trouble: str = ""

    def __str__(self) -> str:
        given = without_password(", ".join(f"{name}={text}" for name, text in self.arguments))
        return f"{self.name}({given if len(given) <= _LONGEST else given[:_LONGEST] + '…'})"


def without_password(text: str) -> str:
    """Return ``text`` without what stands in addresses before their host: names and passwords."""
    return re.sub(r"(\w://)[^\s/@'\"]*@", r"\1…@", text)


@dataclass(frozen=True)
class Needs:
    """``root`` is the absolute folder of the repository, ``entry`` the script below it; ``framework`` and
    ``kind`` are the analysis' words, ``"unknown"`` where it has none; ``loaders`` are what it has fetched."""

    root: str = ""
    entry: str = ""
    framework: str = "unknown"
    kind: str = "unknown"
    requirements: tuple[Requirement, ...] = ()
    outdated: tuple[Outdated, ...] = ()
    loaders: tuple[Loader, ...] = ()

    @property
    def modules(self) -> tuple[str, ...]:
        """The names that are imported."""
        return tuple(item.module for item in self.requirements)

    @staticmethod
    def of_modules(modules: Iterable[str]) -> Needs:
        """Return the needs of what imports ``modules`` and nothing else is known of."""
        return Needs(requirements=tuple(Requirement(name, name, certain=True) for name in modules))
