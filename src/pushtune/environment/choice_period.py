"""The time that a script was written in: the image, or the older packages, that still have what it calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from packaging.version import InvalidVersion, Version

from pushtune.environment.choice_records import Reason, allows_any, split_requirement
from pushtune.environment.declared import Declared
from pushtune.environment.declared_lines import Line, allows
from pushtune.environment.image_kinds import Kinds
from pushtune.model.needs import Needs, Outdated

_CURRENT = {"tensorflow-cpu": ("2.16.1", "2.18.0", "2.20.0"), "keras": ("3.0.5", "3.5.0", "3.10.0")}
"""Releases of our time: what allows none of them was declared in the years of Keras 2."""

KERAS2 = "keras2"


@dataclass(frozen=True)
class Period:
    """``kind`` is the image of that time, ``""`` for today; ``packages`` are older releases that it needs."""

    kind: str = ""
    packages: tuple[str, ...] = ()


def period_of(needs: Needs, declared: Declared, kinds: Kinds) -> tuple[Period, list[Reason]]:
    """Return the script's time by its outdated lines and by the versions that it declares, and why."""
    kind = ""
    packages: list[str] = []
    reasons: list[Reason] = []
    for last, lines in _by_last(needs.outdated).items():
        found = kinds.period.get(last)
        if found is not None:
            reasons.append(_reason(last, lines))
            kind = kind or found.kind
            packages += found.packages
    for line in declared.lines:
        if not kind and _is_of_keras2(line, kinds):
            kind = KERAS2
            reasons.append(Reason(line.file, line.line, f"{line.text} is of the years of Keras 2"))
    if kind:
        packages = [text for text in packages if not _holds(kinds, kind, text)]
    return Period(kind, tuple(dict.fromkeys(packages))), reasons


def in_time(line: Line, kinds: Kinds, period: Period) -> tuple[Line, Reason | None]:
    """Return the line without a version that the image of its time replaces, and the reason if it had one."""
    held = kinds.held(line.name)
    if not period.kind or held not in kinds.kinds[period.kind].brings or not line.specifier:
        return line, None
    version = kinds.kinds[period.kind].brings[held]
    if allows(line.specifier, version) or not (held in _CURRENT or _is_older(line, version)):
        return line, None
    why = f"{line.text}: {version} is what the image {period.kind} has"
    return replace(line, requirement=line.name, specifier="", hashes=()), Reason(line.file, line.line, why)


def _reason(last: str, lines: Sequence[Outdated]) -> Reason:
    more = f" (and {len(lines) - 1} more lines)" if len(lines) > 1 else ""
    first = lines[0]
    return Reason(
        first.file, first.line, f"{first.written} is gone since {first.release}: needs {last}{more}"
    )


def _by_last(outdated: Sequence[Outdated]) -> dict[str, list[Outdated]]:
    found: dict[str, list[Outdated]] = {}
    for item in outdated:
        found.setdefault(item.last, []).append(item)
    return found


def _is_of_keras2(line: Line, kinds: Kinds) -> bool:
    releases = _CURRENT.get(kinds.held(line.name))
    return releases is not None and bool(line.specifier) and not allows_any(line.specifier, releases)


def _holds(kinds: Kinds, kind: str, requirement: str) -> bool:
    name, specifier = split_requirement(requirement)
    version = kinds.kinds[kind].brings.get(name)
    return version is not None and allows(specifier, version)


def _is_older(line: Line, version: str) -> bool:
    """Whether a line names one version, and that is older."""
    if not line.specifier.startswith("==") or "," in line.specifier:
        return False
    try:
        return Version(line.specifier[2:].removesuffix(".*")) < Version(version)
    except InvalidVersion:
        return False
