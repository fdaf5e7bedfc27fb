"""Files that hide a package: ``torch.py`` beside a script that imports torch is what Python then imports."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pushtune.analyse.reading import Reading
from pushtune.model.analysis import Caution
from pushtune.model.distributions import known_distributions
from pushtune.source import Module


def hidden_package(reading: Reading) -> Iterator[Caution]:
    """Imports of a known package that find a file of the script's own, which has not what is wanted of it."""
    packages = {name.split(".")[0] for name in known_distributions()} | set(sys.stdlib_module_names)
    folder = PurePosixPath(reading.program.script.entry).parent
    told: set[str] = set()
    for module in reading.program.modules:
        for node in module.parents:
            for name, wanted in _wanted(module, node):
                path = _found_instead(reading, folder, name)
                if path is None or name not in packages or name in told or _has(reading, path, wanted):
                    continue
                told.add(name)
                yield _caution(module, node, name, path)


def _caution(module: Module, node: ast.AST, name: str, path: str) -> Caution:
    text = f"{path} hides the package {name}: Python imports that file instead; rename it"
    return Caution("hidden-package", getattr(node, "lineno", 0) if module.is_entry else 0, text)


def _wanted(module: Module, node: ast.AST) -> Iterator[tuple[str, set[str]]]:
    """Yield the first names of the modules that a statement imports, with what is wanted of each."""
    if isinstance(node, ast.ImportFrom) and not node.level and node.module:
        first, _, rest = node.module.partition(".")
        names = {alias.name for alias in node.names if alias.name != "*"}
        yield first, {rest.split(".")[0]} if rest else names
    elif isinstance(node, ast.Import):
        for alias in node.names:
            first, _, rest = alias.name.partition(".")
            bound = alias.asname or first
            used = set() if rest and alias.asname else {
                outer.attr
                for load in module.loads.get(bound, ())
                if isinstance(outer := module.parents.get(load), ast.Attribute) and outer.value is load
            }  # fmt: skip
            yield first, used | ({rest.split(".")[0]} if rest else set())


def _found_instead(reading: Reading, folder: PurePosixPath, name: str) -> str | None:
    """Return the file beside the entry file that ``import name`` finds before any package."""
    root = Path(reading.program.script.root)
    for place in (folder / f"{name}.py", folder / name / "__init__.py"):
        if (root / place).is_file():
            return place.as_posix().removeprefix("./")
    return None


def _has(reading: Reading, path: str, wanted: set[str]) -> bool:
    """Whether the file has all that is wanted of it: then it is the script's own, and meant."""
    found = next((module for module in reading.program.modules if module.path == path), None)
    if found is None or found.scope.stars or not wanted:
        return True
    folder = Path(reading.program.script.root, path).parent
    package = path.endswith("/__init__.py")
    return all(
        name in found.scope.bindings
        or (package and ((folder / f"{name}.py").is_file() or (folder / name).is_dir()))
        for name in wanted
    )
