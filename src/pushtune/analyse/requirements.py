"""What a script needs: what its repository declares, and its imports turned into distributions."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pushtune.analyse.tables import parse_toml
from pushtune.model.analysis import Requirement, Script
from pushtune.model.distributions import canonical, known_distributions
from pushtune.source import Module, Program

_NAME = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*([^;#]*)")
_INLINE = re.compile(r"(?m)^# /// script\s*$\r?\n((?:^#(?:| .*)\r?$\n?)+?)^# ///\s*$")
_LOOKED_FOR = re.compile(r"TYPE_CHECKING$|available|find_spec|is_installed|has_module", re.IGNORECASE)
"""What a condition says that looks for a package before it is imported."""

_IMPORT_FAILS = ("ImportError", "ModuleNotFoundError", "Exception")


@dataclass(frozen=True)
class Declared:
    """A distribution that the repository says it needs. ``version`` is the specifier, as written."""

    distribution: str
    version: str
    file: str


def requirements(program: Program) -> tuple[Requirement, ...]:
    """Return the distributions behind the script's imports, sorted by import name.

    A name that is neither in the curated map nor declared by the repository comes with
    ``certain=False`` and its own name: it is to be asked for, never installed on a guess.
    """
    known = {canonical(item.distribution): item.distribution for item in declared(program.script)}
    found = {_requirement(name, known) for name in imported(program)}
    return tuple(sorted(found, key=lambda item: item.module.lower()))


def imported(program: Program) -> tuple[str, ...]:
    """Return the dotted modules that the script imports from outside itself and the standard library.

    Imports that the script itself guards are left out: it runs without them. It catches ``ImportError``, or
    looks first whether the package is there.
    """
    names = dict.fromkeys(name for module in program.modules for name in _imports(module))
    firsts = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names)
    foreign = {first for first in firsts if not _is_local(program, first)}
    return tuple(name for name in names if name.split(".")[0] in foreign)


def declared(script: Script) -> tuple[Declared, ...]:
    """Return what the script's block of inline metadata and the files at its root declare."""
    root = Path(script.root)
    folders = dict.fromkeys((root / PurePosixPath(script.entry).parent, root))
    found = list(_inline(script))
    for folder in folders:
        for path in sorted(folder.glob("requirements*.txt")):
            found += _from_requirements(path)
        found += _from_pyproject(folder / "pyproject.toml")
    return tuple(dict.fromkeys(found))


def _requirement(name: str, known: dict[str, str]) -> Requirement:
    parts = name.split(".")
    mapping = known_distributions()
    for length in range(len(parts), 0, -1):
        distribution = mapping.get(".".join(parts[:length]))
        if distribution is not None:
            module = parts[0] if length == 1 else ".".join(parts[:length])
            return Requirement(module, known.get(canonical(distribution), distribution), certain=True)
    own = known.get(canonical(parts[0]))
    return Requirement(parts[0], own or parts[0], certain=own is not None)


def _imports(module: Module) -> Iterator[str]:
    for node in module.parents:
        if isinstance(node, (ast.Import, ast.ImportFrom)) and not is_optional(module, node):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif not node.level and node.module:
                yield node.module


def is_optional(module: Module, node: ast.AST) -> bool:
    """Whether the script runs without what the import ``node`` brings."""
    for outer in module.around(node):
        if isinstance(outer, ast.Try) and any(_catches_import(handler) for handler in outer.handlers):
            return True
        if isinstance(outer, ast.If) and _LOOKED_FOR.search(ast.unparse(outer.test)):
            return True
    return False


def _catches_import(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or ast.unparse(kind) in _IMPORT_FAILS for kind in kinds)


def _is_local(program: Program, name: str) -> bool:
    """Whether ``name`` is a module beside the script. Folders of data are large: they are not listed."""
    root = Path(program.script.root)
    return any(name == own.split(".")[0] for module in program.modules for own in module.names) or any(
        (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file()
        for folder in (root, root / PurePosixPath(program.script.entry).parent)
    )


def _inline(script: Script) -> Iterator[Declared]:
    """Read the block of inline script metadata (PEP 723)."""
    data = script.files[0].data.decode("utf-8", "replace")
    match = _INLINE.search(data)
    if match is None:
        return
    body = "\n".join(line[1:].removeprefix(" ") for line in match.group(1).splitlines())
    for text in _strings(parse_toml(body).get("dependencies")):
        yield from _declared(text, script.entry)


def _from_requirements(path: Path) -> Iterator[Declared]:
    for line in _lines(path):
        if not line.lstrip().startswith(("-", "#", "http", "git+", ".", "/")):
            yield from _declared(line, path.name)


def _from_pyproject(path: Path) -> Iterator[Declared]:
    project = parse_toml("\n".join(_lines(path))).get("project")
    for text in _strings(project.get("dependencies") if isinstance(project, dict) else None):
        yield from _declared(text, path.name)


def _declared(text: str, file: str) -> Iterator[Declared]:
    match = _NAME.match(text)
    if match:
        yield Declared(match.group(1), match.group(2).strip(), file)


def _strings(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError:
        return []
