"""The kinds of image that pushtune makes: what each stands on and what it holds (the folder ``images/``)."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pushtune.errors import MachineError
from pushtune.model.distributions import canonical

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT_KIND = "python"
"""What all others stand on."""

PACKAGES_KIND = "packages"
"""The folder of the layer that holds what one repository declares."""


@dataclass(frozen=True)
class Kind:
    """``pins`` are the versions of what its own requirements name, ``brings`` those of its parents too.

    ``beside`` are versions of what it does not hold, and of which only one goes with what it holds.
    """

    name: str
    parent: str
    frameworks: tuple[str, ...]
    kinds: tuple[str, ...]
    modules: tuple[str, ...]
    folder: Path
    pins: Mapping[str, str]
    brings: Mapping[str, str]
    beside: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Period:
    """Where something that is gone is still to be found: a kind, or older packages."""

    kind: str = ""
    packages: tuple[str, ...] = ()


@dataclass(frozen=True)
class CpuBuilds:
    """Packages whose builds for the CPU (``==1.2+cpu``) are on an index of their own; ``""``: on none."""

    index: str = ""
    packages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kinds:
    """All kinds in the order of the table; ``stands_for`` maps a name that is asked for to the one held.

    ``for_gpus`` maps a distribution that is held to the one in its place where trials get GPUs.
    """

    kinds: Mapping[str, Kind]
    period: Mapping[str, Period] = field(default_factory=dict)
    stands_for: Mapping[str, str] = field(default_factory=dict)
    cpu_builds: CpuBuilds = CpuBuilds()
    for_gpus: Mapping[str, str] = field(default_factory=dict)

    def chain(self, name: str) -> tuple[Kind, ...]:
        """Return a kind and what it stands on, the lowest first."""
        kind = self.kinds[name]
        return (*(self.chain(kind.parent) if kind.parent else ()), kind)

    def held(self, distribution: str) -> str:
        """Return the name under which our images hold a distribution (its canonical one for most)."""
        name = canonical(distribution)
        return self.stands_for.get(name, name)


def images_folder() -> Path:
    """Return the folder with the Dockerfiles: in an installed package, or at the root of the sources."""
    package = Path(__file__).parents[1]
    for folder in (package / "images", package.parents[1] / "images"):
        if (folder / "kinds.toml").is_file():
            return folder
    raise MachineError("pushtune's folder of images is not there", fix="install pushtune again")


@cache
def load_kinds() -> Kinds:
    """Return what ``images/kinds.toml`` says."""
    return read_kinds(images_folder())


def read_kinds(folder: Path) -> Kinds:
    """Return the kinds of one folder."""
    table = tomllib.loads((folder / "kinds.toml").read_text(encoding="utf-8"))
    kinds: dict[str, Kind] = {}
    waiting = dict(table["kinds"])
    while waiting:
        name = next(name for name, row in waiting.items() if row.get("parent", "") in ("", *kinds))
        kinds[name] = _kind(folder, name, waiting.pop(name), kinds)
    return Kinds(
        {name: kinds[name] for name in table["kinds"]},
        {
            last: Period(row.get("kind", ""), tuple(row.get("packages", ())))
            for last, row in table["period"].items()
        },
        {asked: held for held, names in table["stands_for"].items() for asked in names},
        _cpu_builds(table.get("cpu_builds", {})),
        table.get("for_gpus", {}),
    )


def _cpu_builds(row: Mapping[str, Any]) -> CpuBuilds:
    return CpuBuilds(row.get("index", ""), tuple(row.get("packages", ())))


def _kind(folder: Path, name: str, row: Mapping[str, Any], known: Mapping[str, Kind]) -> Kind:
    parent = row.get("parent", "")
    pins = _pins(folder / name / "requirements.txt")
    return Kind(
        name=name,
        parent=parent,
        frameworks=tuple(row.get("frameworks", ())),
        kinds=tuple(row.get("kinds", ())),
        modules=tuple(row["modules"]),
        folder=folder / name,
        pins=pins,
        brings={**(known[parent].brings if parent else {}), **pins},
        beside={**(known[parent].beside if parent else {}), **_pinned(row.get("beside", ()))},
    )


def _pins(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return _pinned(line for line in lines if line)


def _pinned(lines: Iterable[str]) -> dict[str, str]:
    return {canonical(name): version for name, _, version in (line.partition("==") for line in lines)}
