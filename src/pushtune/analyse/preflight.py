"""What a script needs before it can run: Python 3, files beside it, arguments, a GPU, an account, a network.

Each rule is a function; all are in one list.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

from pushtune.analyse.guards import is_tried
from pushtune.analyse.preflight_arguments import needs_arguments
from pushtune.analyse.preflight_hidden import hidden_package
from pushtune.analyse.preflight_machine import needs_account, needs_gpu, needs_variable
from pushtune.analyse.preflight_network import needs_network
from pushtune.analyse.reading import Reading
from pushtune.analyse.requirements import is_optional, requirements
from pushtune.analyse.tables import table
from pushtune.model.analysis import Caution
from pushtune.source import Module


def preflight(reading: Reading) -> Iterator[Caution]:
    """Yield what would keep the script from running on this machine, as far as reading can tell."""
    for rule in RULES:
        yield from rule(reading)


def python_2(reading: Reading) -> Iterator[Caution]:
    """Names of Python 2 in a script that Python 3 can parse."""
    rows: dict[str, list[str]] = table("removed")["python2"]
    for module in reading.program.modules:
        for line, word in sorted(_words_of_python_2(module, rows)):
            text = f"{word} is Python 2; `2to3 -w {module.path}` turns the script into Python 3"
            yield Caution("python-2", line, text)
            return


def _words_of_python_2(module: Module, rows: dict[str, list[str]]) -> Iterator[tuple[int, str]]:
    for name in rows["names"]:
        for node in module.loads.get(name, ()):
            if module.scope_of(node).find(name) is None and not is_tried(module, node):
                yield node.lineno, name
    for name in rows["methods"]:
        yield from ((node.lineno, f".{name}()") for node in module.attributes.get(name, ()))
    for statement in module.parents:
        if isinstance(statement, ast.Import) and not is_tried(module, statement):
            yield from (
                (statement.lineno, f"module {a.name}") for a in statement.names if a.name in rows["modules"]
            )
        elif (
            isinstance(statement, ast.ImportFrom)
            and statement.module in rows["modules"]
            and not is_tried(module, statement)
        ):
            yield statement.lineno, f"module {statement.module}"


def missing_sibling(reading: Reading) -> Iterator[Caution]:
    """Imports that are neither a file beside the script nor a package that anybody knows."""
    unknown = {item.module for item in requirements(reading.program) if not item.certain}
    old = set(table("removed")["python2"]["modules"])
    for module in reading.program.modules:
        for node in module.parents:
            if not isinstance(node, (ast.Import, ast.ImportFrom)):
                continue
            if is_tried(module, node) or is_optional(module, node):
                continue
            for name in _missing_names(reading, module, node, unknown - old):
                text = f"{name} is imported, but no file of that name is here and no known package brings it"
                yield Caution(
                    "missing-sibling", node.lineno, f"{text}: put {_file_of(name)} beside the script"
                )


def _file_of(name: str) -> str:
    return name.lstrip(".").replace(".", "/") + ".py"


def _missing_names(
    reading: Reading, module: Module, node: ast.Import | ast.ImportFrom, unknown: set[str]
) -> list[str]:
    if isinstance(node, ast.ImportFrom) and node.level:
        return [] if _relative_exists(reading, module, node) else [node.module or node.names[0].name]
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    return [name for name in names if name.split(".")[0] in unknown and not _importable(name.split(".")[0])]


def _relative_exists(reading: Reading, module: Module, node: ast.ImportFrom) -> bool:
    folder = (Path(reading.program.script.root) / module.path).parent
    for _ in range(node.level - 1):
        folder = folder.parent
    place = folder / (node.module or node.names[0].name).replace(".", "/")
    return place.is_dir() or place.with_name(place.name + ".py").exists() or (folder / "__init__.py").exists()


def _importable(name: str) -> bool:
    """Whether pushtune's own interpreter could import it: often it is the trials' too."""
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


RULES: tuple[Callable[[Reading], Iterator[Caution]], ...] = (
    python_2,
    hidden_package,
    missing_sibling,
    needs_arguments,
    needs_gpu,
    needs_account,
    needs_variable,
    needs_network,
)
"""All of them, the gravest first."""
