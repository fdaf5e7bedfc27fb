"""Which image a script gets, and what speaks for it. Pure: it decides from records alone.

In this order: what the repository names itself, if that is allowed; the time that it was written in; what it
declares; what it imports; the image of its kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from pushtune.environment.choice_packages import is_contrary, wanted_packages
from pushtune.environment.choice_period import KERAS2, Period, period_of
from pushtune.environment.choice_records import DEFAULT_PYTHON, Choice, Reason
from pushtune.environment.declared import Declared
from pushtune.environment.declared_lines import Line
from pushtune.environment.image_kinds import ROOT_KIND, Kind, Kinds
from pushtune.errors import UsageError
from pushtune.model.needs import Needs
from pushtune.settings.environment import EnvironmentRules, EnvironmentSettings

__all__ = ["Choice", "Reason", "choose"]


def choose(
    needs: Needs,
    declared: Declared,
    settings: EnvironmentSettings,
    rules: EnvironmentRules,
    kinds: Kinds,
    dockerfiles: Sequence[str] = (),
) -> Choice:
    """Return the image for a script. ``dockerfiles`` are those at the repository's root.

    Raises ``UsageError`` where the repository asks for what is not allowed, or where an import or a declared
    name is not known: it is asked for, never installed.
    """
    modules = tuple(dict.fromkeys(needs.modules))
    offline = "none" in (settings.network, rules.network)
    own = _own_image(settings, rules, dockerfiles)
    if own is not None:
        return replace(own, modules=modules, python=settings.python or DEFAULT_PYTHON, offline=offline)
    period, reasons = period_of(needs, declared, kinds)
    wanted, more = wanted_packages(needs, declared, settings, kinds, period)
    kind, why = _kind_for(needs, kinds, period, wanted)
    python, asked = _python(declared, settings)
    packages = [_beside(line, kind) for line in wanted if not _is_held(line, kind, kinds)]
    return Choice(
        source="kind",
        kind=kind.name,
        python=python,
        packages=tuple(dict.fromkeys(line.requirement for line in packages)),
        lines=tuple(line for line in packages if line.line),
        hashes=bool(packages) and all(line.hashes for line in packages),
        modules=modules,
        unsure=tuple(item.module for item in needs.requirements if not item.certain),
        reasons=(*_passed_over(dockerfiles), *reasons, *more, *why, *asked, *_gpu_reasons(settings)),
        refused=declared.refused,
        offline=offline,
        gpus=settings.gpus is not None,
    )


def _own_image(
    settings: EnvironmentSettings, rules: EnvironmentRules, dockerfiles: Sequence[str]
) -> Choice | None:
    if settings.image is not None:
        if not rules.images:
            raise UsageError(
                f"the image {settings.image} is not used: which images may be is the operator's to say",
                fix="take image out of [environment], or ask the operator",
            )
        why = Reason("pushtune.toml", 0, f"names the image {settings.image}")
        return Choice("image", image=settings.image, reasons=(why,))
    if settings.dockerfile is not None:
        if not rules.dockerfiles:
            raise UsageError(
                f"{settings.dockerfile} is not built: Dockerfiles are the operator's to allow",
                fix="take dockerfile out of [environment], or ask the operator",
            )
        why = Reason("pushtune.toml", 0, f"names the Dockerfile {settings.dockerfile}")
        return Choice("dockerfile", dockerfile=settings.dockerfile, reasons=(why,))
    if rules.found_dockerfiles and dockerfiles:
        why = Reason(dockerfiles[0], 0, "the repository brings its own Dockerfile")
        return Choice("dockerfile", dockerfile=dockerfiles[0], reasons=(why,))
    return None


def _passed_over(dockerfiles: Sequence[str]) -> list[Reason]:
    why = 'is there and not used: to build it say dockerfile = "{}" under [environment]'
    return [Reason(name, 0, why.format(name)) for name in dockerfiles[:1]]


def _kind_for(
    needs: Needs, kinds: Kinds, period: Period, wanted: Sequence[Line]
) -> tuple[Kind, list[Reason]]:
    """Return the image that comes nearest: the kind's own, or what it stands on where versions differ."""
    if period.kind:
        return kinds.kinds[period.kind], []
    of_kind = _of_framework(needs, kinds)
    kind = kinds.kinds[of_kind or _of_packages(wanted, kinds) or ROOT_KIND]
    what = f"{needs.framework} {needs.kind}" if of_kind else "by its packages"
    reasons = [Reason(needs.entry, 0, f"{what}: image {kind.name}")]
    chain = kinds.chain(kind.name)
    best = next((it for it in reversed(chain) if not _contrary(wanted, it, kinds)), chain[0])
    for line in _contrary(wanted, kind, kinds)[:1]:
        version = kind.brings[kinds.held(line.name)]
        why = f"{line.text}: {kind.name} has {version}; image {best.name} is the nearest without"
        reasons.append(Reason(line.file, line.line, why))
    return best, reasons


def _of_framework(needs: Needs, kinds: Kinds) -> str:
    for kind in kinds.kinds.values():
        if needs.framework in kind.frameworks and (not kind.kinds or needs.kind in kind.kinds):
            return kind.name
    return ""


def _of_packages(wanted: Sequence[Line], kinds: Kinds) -> str:
    """Return the kind that holds most of what is wanted, of those the smallest; "" where none holds any."""

    def share(kind: Kind) -> tuple[int, int]:
        return sum(kinds.held(line.name) in kind.brings for line in wanted), -len(kind.brings)

    best = max((kind for kind in kinds.kinds.values() if kind.name != KERAS2), key=share)
    return best.name if share(best)[0] else ""


def _contrary(wanted: Sequence[Line], kind: Kind, kinds: Kinds) -> list[Line]:
    return [line for line in wanted if is_contrary(line, kind.brings.get(kinds.held(line.name)))]


def _is_held(line: Line, kind: Kind, kinds: Kinds) -> bool:
    version = kind.brings.get(kinds.held(line.name))
    return version is not None and not is_contrary(line, version) and "[" not in line.requirement


def _gpu_reasons(settings: EnvironmentSettings) -> list[Reason]:
    given = settings.gpus is not None
    return [Reason("pushtune.toml", 0, "gives trials GPUs: no builds for the CPU")] if given else []


def _beside(line: Line, kind: Kind) -> Line:
    """Return the line for the one release that goes with what the image holds, if it allows that."""
    version = kind.beside.get(line.name)
    if version is None or is_contrary(line, version) or line.hashes:
        return line
    return replace(line, requirement=f"{line.name}=={version}")


def _python(declared: Declared, settings: EnvironmentSettings) -> tuple[str, list[Reason]]:
    if settings.python is not None:
        return settings.python, [Reason("pushtune.toml", 0, f"asks for Python {settings.python}")]
    if not declared.python:
        return DEFAULT_PYTHON, []
    fitting = list(_fitting(declared.python))
    if DEFAULT_PYTHON in fitting:
        return DEFAULT_PYTHON, []
    said = f"asks for Python {declared.python}"
    if fitting:
        return fitting[-1], [Reason(declared.file, 0, said)]
    why = f"{said}, which trials do not run on; {DEFAULT_PYTHON} is tried"
    return DEFAULT_PYTHON, [Reason(declared.file, 0, why)]


def _fitting(specifier: str) -> Iterator[str]:
    """Yield the versions of Python that trials run on and that ``specifier`` allows, the newest last."""
    try:
        wanted = SpecifierSet(specifier)
    except InvalidSpecifier:
        return
    for minor in range(9, 15):
        if any(wanted.contains(f"3.{minor}.{patch}") for patch in (0, 20)):
            yield f"3.{minor}"
