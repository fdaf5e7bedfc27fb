"""A script's calls with the names they resolve to: what all rules of `analyse/` look at."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from pushtune.model.analysis import Script
from pushtune.rewrite.catalogue import load_catalogue
from pushtune.source import Module, Names, Program, Vocabulary, parse_program
from pushtune.source.calls import CallIndex


@dataclass(frozen=True, eq=False)
class Called:
    """One call. ``name`` is canonical, ``spelled`` what the imports alone make of it; both may be empty.

    ``method`` is the attribute called (``fit`` of ``model.fit``), or empty.
    """

    module: Module
    node: ast.Call
    name: str
    spelled: str
    method: str

    @property
    def line(self) -> int:
        """The line on which the call begins."""
        return self.node.lineno

    @property
    def last(self) -> str:
        """The last part of what is called, as written."""
        return self.method or (self.node.func.id if isinstance(self.node.func, ast.Name) else "")

    def argument(self, position: int, *keywords: str) -> ast.expr | None:
        """Return the argument given by position (from 0; -1 for none) or by one of ``keywords``."""
        for keyword in self.node.keywords:
            if keyword.arg in keywords:
                return keyword.value
        plain = self.node.args[: position + 1]
        if 0 <= position < len(self.node.args) and not any(isinstance(item, ast.Starred) for item in plain):
            return self.node.args[position]
        return None

    @property
    def receiver(self) -> ast.expr | None:
        """What the method is called on."""
        return self.node.func.value if isinstance(self.node.func, ast.Attribute) else None


@dataclass(frozen=True, eq=False)
class Reading:
    """A parsed script and all its calls, in the order of files and lines."""

    program: Program
    names: Names
    calls: tuple[Called, ...] = field(repr=False)

    @cached_property
    def callers(self) -> CallIndex:
        """Who calls which function of the script, and what of it can run."""
        return CallIndex(self.program)

    def named(self, *prefixes: str) -> Iterator[Called]:
        """Yield the calls whose canonical name is one of ``prefixes`` or lies below one."""
        for call in self.calls:
            if any(call.name == prefix or call.name.startswith(prefix + ".") for prefix in prefixes):
                yield call

    def methods(self, *names: str) -> Iterator[Called]:
        """Yield the calls of methods called ``names`` on objects (not of functions of modules)."""
        for call in self.calls:
            if call.method in names and not call.name:
                yield call

    def text(self, module: Module, line: int) -> str:
        """Return one source line without the white space around it."""
        return module.source.lines[line - 1].strip()

    def maker(self, module: Module, expression: ast.expr | None, depth: int = 4) -> str:
        """Return the canonical name of the call that made what ``expression`` is, or ``""``."""
        if isinstance(expression, ast.Call):
            made = self.names.call(module, expression)
            return made or self._returned(module, expression, depth)
        for value in values_of(module, expression) if depth else ():
            made = self.maker(module, value, depth - 1)
            if made:
                return made
        return ""

    def _returned(self, module: Module, call: ast.Call, depth: int) -> str:
        """``model.fit(…)`` and the like give back what they were called on."""
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("fit", "set_params"):
            return self.maker(module, call.func.value, depth - 1)
        return ""


def read(script: Script) -> Reading:
    """Parse ``script`` and resolve its calls. Raises ``UnparsableError``."""
    program = parse_program(script)
    return reading_of(program, Names(program, load_catalogue().vocabulary))


def reading_of(program: Program, names: Names) -> Reading:
    """Resolve the calls of a program that is parsed already."""
    plain = Names(program, Vocabulary())
    calls = []
    for module in program.modules:
        for node in module.calls:
            method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            spelled = plain.call(module, node) or ""
            name = names.call(module, node) or _by_name(names, module, node.func)
            calls.append(Called(module, node, name, spelled, method))
    return Reading(program, names, tuple(calls))


def _by_name(names: Names, module: Module, function: ast.expr) -> str:
    """Return ``torchvision.models.*`` for ``models.__dict__[name](…)`` and ``getattr(models, name)(…)``."""
    table = function.value if isinstance(function, ast.Subscript) else None
    if isinstance(table, ast.Attribute) and table.attr == "__dict__":
        whole = names.qualify(module, table.value)
    elif isinstance(function, ast.Call) and getattr(function.func, "id", "") == "getattr" and function.args:
        whole = names.qualify(module, function.args[0])
    else:
        return ""
    return f"{whole}.*" if whole is not None else ""


def values_of(module: Module, expression: ast.expr | None) -> Iterator[ast.expr]:
    """Yield the expressions that are assigned to the name ``expression`` in its scope."""
    if not isinstance(expression, ast.Name):
        return
    found = module.scope_of(expression).find(expression.id)
    for binding in found[1] if found else ():
        if binding.value is not None and binding.kind == "assign":
            yield binding.value
