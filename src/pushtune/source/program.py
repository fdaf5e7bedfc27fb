"""A whole script parsed: one module a file, with its scopes; names found across the files."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from pushtune.errors import UnparsableError
from pushtune.model.analysis import Script, Span
from pushtune.source.scopes import FUNCTIONS, Scope, ScopeReader
from pushtune.source.script import module_names
from pushtune.source.text import SourceText


@dataclass(frozen=True, eq=False)
class Module:
    """One parsed file. ``scopes`` has an entry for each node that opens a scope."""

    source: SourceText
    names: tuple[str, ...]
    scope: Scope
    scopes: dict[ast.AST, Scope] = field(repr=False)
    parents: dict[ast.AST, ast.AST] = field(repr=False)
    calls: tuple[ast.Call, ...] = field(repr=False)

    @property
    def path(self) -> str:
        """The file, relative to the script's root."""
        return self.source.path

    @cached_property
    def loads(self) -> dict[str, list[ast.Name]]:
        """Every place that reads a name, by name."""
        found: dict[str, list[ast.Name]] = {}
        for node in self.parents:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                found.setdefault(node.id, []).append(node)
        return found

    @cached_property
    def attributes(self) -> dict[str, list[ast.Attribute]]:
        """Every attribute access, reading or storing, by the attribute's name."""
        found: dict[str, list[ast.Attribute]] = {}
        for node in self.parents:
            if isinstance(node, ast.Attribute):
                found.setdefault(node.attr, []).append(node)
        return found

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the nodes around ``node``, innermost first."""
        at = self.parents.get(node)
        while at is not None:
            yield at
            at = self.parents.get(at)

    def scope_of(self, node: ast.AST) -> Scope:
        """Return the scope in which ``node`` is evaluated."""
        inner = node
        for outer in self.around(node):
            scope = self.scopes.get(outer)
            if scope is not None and not _evaluated_before(inner, outer):
                return scope
            inner = outer
        return self.scope

    def statement(self, node: ast.AST) -> ast.stmt:
        """Return the innermost statement that holds ``node``."""
        for outer in (node, *self.around(node)):
            if isinstance(outer, ast.stmt):
                return outer
        raise ValueError("a node outside every statement")

    def span(self, node: ast.AST) -> Span:
        """Return where ``node`` stands."""
        return self.source.span(node)


@dataclass(frozen=True, eq=False)
class Program:
    """All files of a script, parsed; the entry file first. Imported files that do not parse are left out."""

    script: Script
    modules: tuple[Module, ...]

    @property
    def entry(self) -> Module:
        """The entry file's module."""
        return self.modules[0]

    def module(self, path: str) -> Module:
        """Return the module of the file ``path``; ``KeyError`` if it is not part of the script."""
        for module in self.modules:
            if module.path == path:
                return module
        raise KeyError(path)

    def local(self, dotted: str) -> tuple[Module, str] | None:
        """Split a dotted name into the local module that it begins with and the rest (may be empty)."""
        best: tuple[Module, str] | None = None
        longest = -1
        for module in self.modules:
            for name in module.names:
                if (dotted == name or dotted.startswith(name + ".")) and len(name) > longest:
                    best, longest = (module, dotted[len(name) + 1 :]), len(name)
        return best


def parse_program(script: Script) -> Program:
    """Parse every file of ``script``; ``UnparsableError`` if the entry file does not parse."""
    modules = []
    for file in script.files:
        try:
            source = SourceText.read(file)
        except UnparsableError:
            if file.path == script.entry:
                raise
            continue
        modules.append(_module(source, script))
    return Program(script, tuple(modules))


def _module(source: SourceText, script: Script) -> Module:
    reader = ScopeReader()
    names = module_names(source.path, script)
    inside = names[0].split(".") if names else []
    package = inside if source.path.endswith("/__init__.py") else inside[:-1]
    scope = reader.read(source.tree, ".".join(package))
    calls = [node for node in reader.parents if isinstance(node, ast.Call)]
    calls.sort(
        key=lambda call: (call.lineno, call.col_offset, -(call.end_lineno or 0), -(call.end_col_offset or 0))
    )
    return Module(source, names, scope, reader.scopes, reader.parents, tuple(calls))


def _evaluated_before(inner: ast.AST, outer: ast.AST) -> bool:
    """Whether ``inner``, a child of the scope's node ``outer``, is evaluated in the scope around it."""
    if isinstance(outer, FUNCTIONS):
        return inner is outer.args or inner in getattr(outer, "decorator_list", ())
    if isinstance(outer, ast.ClassDef):
        return inner in outer.bases or inner in outer.keywords or inner in outer.decorator_list
    return False
