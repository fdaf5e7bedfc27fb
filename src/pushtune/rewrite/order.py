"""What happens before what: whether a statement has surely run, may have run, or cannot have run."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Literal

from pushtune.source import Module
from pushtune.source.scopes import FUNCTIONS, Binding, Scope, is_main_guard

When = Literal["surely", "maybe", "never"]

_LOOPS = (ast.For, ast.AsyncFor, ast.While)


class Order:
    """The order of statements as seen from the place ``at`` of a file; None is the file's end."""

    def __init__(self, module: Module, at: ast.AST | None) -> None:
        self._module = module
        self._at = at
        self._around = [] if at is None else [at, *module.around(at)]
        # What a comprehension or a lambda sees is what the statement around it sees.
        self._scope = module.scope if at is None else module.scope_of(module.statement(at))

    def reaching(self, owner: Scope, bindings: Sequence[Binding]) -> Binding | None:
        """Return the binding of a name that holds at the place, None where that depends."""
        found: Binding | None = None
        if owner is not self._scope and len(bindings) > 1:
            return None
        for binding in bindings:
            if binding.kind == "parameter":
                found = binding
                continue
            when = self._when(self._module.statement(binding.node), owner)
            if when == "maybe":
                return None
            if when == "surely":
                found = binding
        return found

    def of(self, statement: ast.stmt, binding: Binding) -> When:
        """Return whether ``statement`` has run between ``binding`` and the place."""
        bound = self._module.scope_of(binding.node)
        after = binding.kind == "parameter" or _place(statement) > _place(binding.node)
        if bound is self._module.scope_of(statement) and not after:
            return "never"
        return self._when(statement, bound)

    def _when(self, statement: ast.stmt, owner: Scope) -> When:
        scope = self._module.scope_of(statement)
        if scope is not self._scope:
            # A function sees what the file around it has done by then: all of it, where it is called last.
            whole = scope is owner and self._surely_at_the_end(statement, scope)
            return "surely" if whole else "maybe"
        if self._at is None:
            return "surely" if self._surely_at_the_end(statement, scope) else "maybe"
        if _place(statement) < _place(self._at) and statement not in self._around:
            return self._before(statement)
        return "maybe" if self._in_one_loop(statement) and statement not in self._around else "never"

    def _before(self, statement: ast.stmt) -> When:
        """Judge a statement above the place: climb until one block holds both."""
        inner: ast.AST = statement
        outer = self._module.parents[inner]
        sure = True
        while outer not in self._around:
            sure = sure and _runs_through(outer)
            inner, outer = outer, self._module.parents[outer]
        ours = self._around[self._around.index(outer) - 1]
        if isinstance(outer, (ast.If, ast.Try)) and _block(outer, inner) != _block(outer, ours):
            return "never" if isinstance(outer, ast.If) and ours is not outer.test else "maybe"
        return "surely" if sure else "maybe"

    def _surely_at_the_end(self, statement: ast.stmt, scope: Scope) -> bool:
        at = self._module.parents[statement]
        while at is not scope.node:
            if not _runs_through(at):
                return False
            at = self._module.parents[at]
        return True

    def _in_one_loop(self, statement: ast.stmt) -> bool:
        for outer in self._module.around(statement):
            if isinstance(outer, FUNCTIONS):
                return False
            if isinstance(outer, _LOOPS) and outer in self._around:
                return True
        return False


def _runs_through(node: ast.AST) -> bool:
    """Whether what stands right below ``node`` surely runs when ``node`` does."""
    guard = isinstance(node, ast.If) and is_main_guard(node)
    return guard or isinstance(node, (ast.With, ast.AsyncWith, ast.Module))


def _block(node: ast.AST, inner: ast.AST) -> str:
    for name in ("body", "orelse", "handlers", "finalbody"):
        if inner in getattr(node, name, ()):
            return name
    return ""


def _place(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)
