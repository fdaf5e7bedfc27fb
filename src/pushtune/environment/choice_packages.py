"""Which packages a script wants: named in the settings, declared, imported, or of its time. Never a guess."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from pushtune.environment.choice_period import Period, in_time
from pushtune.environment.choice_records import Reason, line_of
from pushtune.environment.declared import Declared
from pushtune.environment.declared_lines import Line, allows
from pushtune.environment.image_kinds import Kinds
from pushtune.errors import UsageError
from pushtune.model.distributions import canonical, known_distributions
from pushtune.model.needs import Needs
from pushtune.settings.environment import EnvironmentSettings

_ALWAYS_THERE = ("setuptools", "pip", "wheel")


def wanted_packages(
    needs: Needs, declared: Declared, settings: EnvironmentSettings, kinds: Kinds, period: Period
) -> tuple[list[Line], list[Reason]]:
    """Return what must be there, and what spoke for it.

    Raises ``UsageError`` where an import is not known, or a declared name looks like a slip of a known one.
    """
    declared, reasons = _as_meant(declared)
    _refuse_slips(declared, kinds)
    _ask_for_unknown(needs, declared, settings)
    reasons += _declared_reasons(declared)
    named = [line_of(text, "pushtune.toml") for text in settings.packages]
    known = {kinds.held(line.name) for line in (*named, *declared.lines)}
    imported = [
        line_of(item.distribution)
        for item in needs.requirements
        if item.certain and kinds.held(item.distribution) not in known
        and canonical(item.distribution) not in _ALWAYS_THERE
    ]  # fmt: skip
    if imported:
        names = ", ".join(dict.fromkeys(line.name for line in imported))
        reasons.append(Reason(needs.entry, 0, f"imports what {names} bring{'s' * (len(imported) == 1)}"))
    older = [line_of(text) for text in period.packages]
    replaced = {line.name for line in older}
    lines = []
    for line in (*declared.lines, *imported):
        kept, reason = in_time(line, kinds, period)
        reasons += [reason] if reason else []
        if line.specifier or line.name not in replaced:
            lines.append(_held_name(kept, kinds))
    return [*named, *lines, *older], reasons


def _held_name(line: Line, kinds: Kinds) -> Line:
    """Return the line under the name that our images hold it by: the same modules, and no GPU libraries."""
    held = kinds.held(line.name)
    if held == line.name:
        return line
    return replace(line, name=held, requirement=f"{held}{line.specifier}", hashes=())


def _declared_reasons(declared: Declared) -> list[Reason]:
    reasons = [Reason(name, 0, f"is not read: {declared.file} comes first") for name in declared.others]
    if declared.lines:
        count = len(declared.lines)
        reasons.append(Reason(declared.file, 0, f"declares {count} package{'s' * (count != 1)}"))
    return [
        *reasons,
        *(Reason(it.file, it.line, f"{it.text}: {it.note}") for it in declared.lines if it.note),
    ]


def _as_meant(declared: Declared) -> tuple[Declared, list[Reason]]:
    """Return the declared lines with distributions in the place of import names."""
    lines, reasons = [], []
    for line in declared.lines:
        held = _meant().get(line.name)
        if held is not None:
            name = canonical(held)
            reasons.append(Reason(line.file, line.line, f"{line.text}: the package is called {held}"))
            line = replace(line, name=name, requirement=f"{name}{line.specifier}", hashes=())
        lines.append(line)
    return replace(declared, lines=tuple(lines)), reasons


def _refuse_slips(declared: Declared, kinds: Kinds) -> None:
    ours = {*kinds.stands_for, *(name for kind in kinds.kinds.values() for name in kind.pins)}
    for line in declared.lines:
        near = near_name(line.name) if line.name not in ours else ""
        if near:
            raise UsageError(
                f"{line.file}:{line.line} asks for {line.name!r}, which is not known and looks like "
                f"{near!r}: it is not installed",
                fix=f"write {near}; or, if it is meant, take the line out and say "
                f'packages = ["{line.name}"] under [environment] in pushtune.toml',
            )


@cache
def _known() -> frozenset[str]:
    return frozenset(canonical(item) for item in known_distributions().values())


@cache
def _meant() -> dict[str, str]:
    """Map import names that people write for distributions: ``sklearn``, ``cv2``, ``PIL``."""
    pairs = ((canonical(name), held) for name, held in known_distributions().items() if "." not in name)
    return {name: held for name, held in pairs if name not in _known()}


def near_name(name: str) -> str:
    """Return the known distribution that an unknown name is one slip away from, or ``""``.

    A slip: one letter more, less, or other, or two neighbours exchanged.
    """
    if name in _known() or len(name) < 5:
        return ""
    return next((other for other in sorted(_known()) if len(other) >= 5 and _is_slip(name, other)), "")


def _is_slip(name: str, other: str) -> bool:
    if abs(len(name) - len(other)) > 1:
        return False
    start = next(
        (i for i, (a, b) in enumerate(zip(name, other, strict=False)) if a != b), min(len(name), len(other))
    )
    rest, wanted = name[start:], other[start:]
    return (
        rest[1:] == wanted[1:]
        or rest[1:] == wanted
        or rest == wanted[1:]
        or (rest[:2] == wanted[:2][::-1] and rest[2:] == wanted[2:])
    )


def _ask_for_unknown(needs: Needs, declared: Declared, settings: EnvironmentSettings) -> None:
    """Refuse to guess what brings an import. What is named may bring it: the finished image shows."""
    unknown = [item.module for item in needs.requirements if not item.certain]
    if not unknown or settings.packages or any(line.name not in _known() for line in declared.lines):
        return
    it = "it" if len(unknown) == 1 else "them"
    raise UsageError(
        f"{needs.entry} imports {', '.join(unknown)}, and no known package brings {it}; none is guessed",
        fix=f'name the package: packages = ["…"] under [environment] in pushtune.toml; '
        f"or put {unknown[0]}.py beside the script",
    )


def is_contrary(line: Line, version: str | None) -> bool:
    """Whether a package of ``version`` is there already and is not what the line asks for."""
    return version is not None and bool(line.specifier) and not allows(line.specifier, version)
