"""Why a run of the unchanged script failed, as one of a few classes, each with what to do about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pushtune.analyse.removed import removed_text, replacement
from pushtune.analyse.tables import table
from pushtune.model.analysis import Requirement


@dataclass(frozen=True)
class Failed:
    """How a run ended. ``type`` and ``message`` are the exception's, ``source`` the script's own line."""

    type: str
    message: str
    file: str = ""
    source: str = ""


@dataclass(frozen=True)
class Cause:
    """The class of a failure (the code of the caution that reading may give for it), and the fix."""

    code: str
    fix: str


def cause_of(failed: Failed, requirements: Sequence[Requirement], interpreter: str) -> Cause | None:
    """Return why a run failed, or None where nothing tells. ``interpreter`` is the path of its Python."""
    for explain in (_removed, _listed):
        found = explain(failed)
        if found is not None:
            return found
    return _missing_module(failed, requirements, interpreter)


def _removed(failed: Failed) -> Cause | None:
    """An import, an attribute, a keyword or a method that the installed release no longer has."""
    for pattern, read in _FORMS:
        match = re.search(pattern, failed.message)
        found = read(match) if match else None
        if found is not None:
            return Cause("removed-api", found)
    return None


def _by_name(name: str) -> str | None:
    found = replacement(name)
    return None if found is None else removed_text(name, found[1], found[0])


def _of_module(match: re.Match[str]) -> str | None:
    return _by_name(match[1])


def _of_import(match: re.Match[str]) -> str | None:
    return _by_name(f"{match[2]}.{match[1]}")


def _of_attribute(match: re.Match[str]) -> str | None:
    return _by_name(f"{match[1]}.{match[2]}")


def _of_method(match: re.Match[str]) -> str | None:
    rows: dict[str, Any] = table("removed")
    owner, name = match[1], match[2]
    library = {"DataFrame": "pandas", "Series": "pandas"}.get(owner, "sklearn")
    new = rows["methods"].get(name) or rows["library_methods"].get(f"{library}.{name}")
    return None if new is None else removed_text(f".{name}", new, library if library == "pandas" else "keras")


def _of_keyword(match: re.Match[str]) -> str | None:
    for row in table("removed")["keywords"].values():
        if match[1] in row and match[1] not in ("callables", "library"):
            return removed_text(f"{match[1]}=…", str(row[match[1]]), str(row.get("library", "keras")))
    return None


_FORMS: tuple[tuple[str, Callable[[re.Match[str]], str | None]], ...] = (
    (r"No module named '([\w.]+)'", _of_module),
    (r"cannot import name '(\w+)' from '([\w.]+)'", _of_import),
    (r"module '([\w.]+)' has no attribute '(\w+)'", _of_attribute),
    (r"'(\w+)' object has no attribute '(\w+)'", _of_method),
    (r"unexpected keyword argument '(\w+)'", _of_keyword),
    (r"not recognized: \{'(\w+)'", _of_keyword),
    (r"[Uu]nrecognized keyword arguments?(?: passed to \w+)?: [\[{]'(\w+)'", _of_keyword),
)
"""How Python and Keras say that something is not there, and what to look up."""


def _listed(failed: Failed) -> Cause | None:
    said = f"{failed.type}: {failed.message}"
    rows: list[dict[str, str]] = table("preflight")["failure"]
    for row in rows:
        match = re.search(row["text"], said)
        if match and re.search(row.get("line", ""), failed.source):
            return Cause(row["code"], _filled(row["fix"], match, failed))
    return None


def _filled(fix: str, match: re.Match[str], failed: Failed) -> str:
    caught = [group for group in match.groups() if group]
    fix = fix.replace("{file}", failed.file or "FILE").replace("{name}", caught[0] if caught else "it")
    return re.sub(r"\{(\d)\}", lambda place: match[int(place[1])] or "", fix)


def _missing_module(failed: Failed, requirements: Sequence[Requirement], interpreter: str) -> Cause | None:
    match = re.search(r"No module named '([\w.]+)'", failed.message)
    if match is None:
        return None
    module = match[1].split(".")[0]
    for item in requirements:
        if item.module.split(".")[0] == module and item.certain:
            return Cause("missing-package", f"{interpreter} -m pip install {item.distribution}")
    fix = f"put {module}.py beside the script if it is a file of its own, else install what brings {module}"
    return Cause("missing-sibling", f"{fix}; pushtune does not guess")
