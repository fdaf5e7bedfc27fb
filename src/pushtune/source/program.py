"""A whole script parsed: one module a file, with its scopes; names found across the files."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from pushtune.errors import UnparsableError
from pushtune.model.analysis import COMMAND_LINE, Script, Span
from pushtune.source.documents import Document, is_document, read_command_line, read_document
from pushtune.source.scopes import FUNCTIONS, Scope, ScopeReader
from pushtune.source.script import module_names
from pushtune.source.switches import NO_SWITCHES, Switches
from pushtune.source.text import SourceText

BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
"""The fields of a node that hold statements, or what holds statements."""


@dataclass(frozen=True, eq=False)
class Module:
    """One parsed file. ``scopes`` has an entry for each node that opens a scope.

    Of a configuration file, and of the command line, ``document`` tells its values; it has no names and
    no calls. ``switches`` are the whole program's.
    """

    source: SourceText
    names: tuple[str, ...]
    scope: Scope
    scopes: dict[ast.AST, Scope] = field(repr=False)
    parents: dict[ast.AST, ast.AST] = field(repr=False)
    calls: tuple[ast.Call, ...] = field(repr=False)
    is_entry: bool = False
    document: Document | None = None
    switches: Switches = NO_SWITCHES

    @property
    def path(self) -> str:
        """The file, relative to the script's root."""
        return self.source.path

    @cached_property
    def called(self) -> dict[str, list[ast.Call]]:
        """The calls by the last part of what they call; one of something computed is left out."""
        found: dict[str, list[ast.Call]] = {}
        for call in self.calls:
            function = call.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            found.setdefault(name, []).append(call)
        found.pop("", None)
        return found

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

    @cached_property
    def places(self) -> dict[ast.AST, tuple[list[ast.AST], int]]:
        """For every statement, handler and case: the list that it stands in, and where in it."""
        found: dict[ast.AST, tuple[list[ast.AST], int]] = {}
        for node in (self.source.tree, *self.parents):
            for name in BLOCKS:
                block = getattr(node, name, None)
                if isinstance(block, list):
                    found.update({item: (block, number) for number, item in enumerate(block)})
        return found

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the nodes around ``node``, innermost first."""
        at = self.parents.get(node)
        while at is not None:
            yield at
            at = self.parents.get(at)

    def scope_of(self, node: ast.AST) -> Scope:
        """Return the scope in which ``node`` is evaluated."""
        known, way, at = self._scopes_around, [], node
        while at not in known:
            way.append(at)
            parent = self.parents.get(at)
            if parent is None:
                known[at] = self.scope
            elif parent in self.scopes and not _evaluated_before(at, parent):
                known[at] = self.scopes[parent]
            else:
                at = parent
        found = known[at]
        known.update(dict.fromkeys(way, found))
        return found

    @cached_property
    def _scopes_around(self) -> dict[ast.AST, Scope]:
        """The scopes that were looked for, by node: most are asked for again, from below."""
        return {}

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
    """All files of a script, parsed; the entry file first. Imported files that do not parse are left out.

    ``documents`` are the configuration files that it reads, and its command line where one is given.
    """

    script: Script
    modules: tuple[Module, ...]
    documents: tuple[Module, ...] = ()

    @property
    def entry(self) -> Module:
        """The entry file's module."""
        return self.modules[0]

    @property
    def command_line(self) -> Module | None:
        """The arguments that the script is given, as a document; None where there are none."""
        return next((module for module in self.documents if module.path == COMMAND_LINE), None)

    def module(self, path: str) -> Module:
        """Return the module of the file ``path``; ``KeyError`` if it is not part of the script."""
        for module in (*self.modules, *self.documents):
            if module.path == path:
                return module
        raise KeyError(path)

    @cached_property
    def homes(self) -> dict[ast.AST, Module]:
        """The module of every node that opens a scope: where a function or a class is defined."""
        return {node: module for module in self.modules for node in module.scopes}

    @cached_property
    def _named(self) -> dict[str, Module]:
        return {name: module for module in reversed(self.modules) for name in module.names}

    def local(self, dotted: str) -> tuple[Module, str] | None:
        """Split a dotted name into the local module that it begins with and the rest (may be empty)."""
        parts = dotted.split(".")
        for length in range(len(parts), 0, -1):
            module = self._named.get(".".join(parts[:length]))
            if module is not None:
                return module, ".".join(parts[length:])
        return None


def parse_program(script: Script) -> Program:
    """Parse every file of ``script``; ``UnparsableError`` if the entry file does not parse."""
    modules: list[Module] = []
    documents = []
    switches = Switches(modules, script.args)
    for file in script.files:
        if is_document(file.path):
            document = read_document(file)
            documents += [_documented(document)] if document is not None else []
            continue
        try:
            source = SourceText.read(file)
        except UnparsableError:
            if file.path == script.entry:
                raise
            continue
        modules.append(_module(source, script, switches))
    given = read_command_line(script.args)
    documents += [_documented(given)] if given is not None else []
    return Program(script, tuple(modules), tuple(documents))


def _documented(document: Document) -> Module:
    reader = ScopeReader()
    scope = reader.read(document.source.tree, "")
    return Module(document.source, (), scope, reader.scopes, reader.parents, (), document=document)


def _module(source: SourceText, script: Script, switches: Switches) -> Module:
    reader = ScopeReader()
    names = module_names(source.path, script)
    inside = names[0].split(".") if names else []
    package = inside if source.path.endswith("/__init__.py") else inside[:-1]
    scope = reader.read(source.tree, ".".join(package))
    calls = [node for node in reader.parents if isinstance(node, ast.Call)]
    calls.sort(
        key=lambda call: (call.lineno, call.col_offset, -(call.end_lineno or 0), -(call.end_col_offset or 0))
    )
    return Module(
        source,
        names,
        scope,
        reader.scopes,
        reader.parents,
        tuple(calls),
        source.path == script.entry,
        switches=switches,
    )


def _evaluated_before(inner: ast.AST, outer: ast.AST) -> bool:
    """Whether ``inner``, a child of the scope's node ``outer``, is evaluated in the scope around it."""
    if isinstance(outer, FUNCTIONS):
        return inner is outer.args or inner in getattr(outer, "decorator_list", ())
    if isinstance(outer, ast.ClassDef):
        return inner in outer.bases or inner in outer.keywords or inner in outer.decorator_list
    return False
