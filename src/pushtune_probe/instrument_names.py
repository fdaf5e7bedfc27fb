"""The names that a loop carries from one iteration into the next, or out of the loop.

A resumed loop gets those back. Names that every iteration binds before it reads them, and that nobody reads
outside, are left alone: batches, iterators and progress bars are among them. In doubt a name is carried.
"""

import ast
from typing import Iterable, Iterator, List, Set

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_SCOPES = (*_FUNCTIONS, ast.ClassDef, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_LOOKS_AT_ALL = {"locals", "globals", "vars", "eval", "exec", "dir"}


def carried(loop: ast.stmt, scope: ast.AST) -> List[str]:
    """Return the names, sorted, that ``loop`` binds and somebody reads before they are bound anew.

    ``scope`` is the function or module whose statement ``loop`` is.
    """
    bound = set(bindings(loop)) - _global_names(scope)
    if _LOOKS_AT_ALL & _loads([scope]):
        return sorted(bound)
    body = _Flow()
    if isinstance(loop, ast.While):
        body.reads([loop.test], set())
    first = _targets(loop.target) if isinstance(loop, ast.For) else set()
    body.block(loop.body, set(first))  # type: ignore[attr-defined]
    outside = _loads(_outside(scope, loop))
    return sorted(name for name in bound if name in body.exposed or name in outside)


def bindings(node: ast.AST) -> Iterator[str]:
    """Return every name that ``node`` binds in the scope it stands in."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).partition(".")[0]
    elif type(node).__name__ in ("MatchAs", "MatchStar"):
        yield from filter(None, [node.name])  # type: ignore[attr-defined]
    elif type(node).__name__ == "MatchMapping":
        yield from filter(None, [node.rest])  # type: ignore[attr-defined]
    if isinstance(node, _SCOPES):
        # Only an assignment expression in a comprehension binds outside it.
        yield from _walrus(node)
        return
    for child in ast.iter_child_nodes(node):
        yield from bindings(child)


def _walrus(node: ast.AST) -> Iterator[str]:
    if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        return
    for item in ast.walk(node):
        if isinstance(item, ast.NamedExpr) and isinstance(item.target, ast.Name):
            yield item.target.id


def _outside(scope: ast.AST, loop: ast.stmt) -> Iterator[ast.AST]:
    """Return the parts of ``scope`` that are no part of what ``loop`` repeats."""
    for child in ast.iter_child_nodes(scope):
        if child is loop:
            yield from loop.orelse  # type: ignore[attr-defined]
        elif any(item is loop for item in ast.walk(child)):
            yield from _outside(child, loop)
        else:
            yield child


def _loads(nodes: Iterable[ast.AST]) -> Set[str]:
    names: Set[str] = set()
    for node in nodes:
        for item in ast.walk(node):
            if isinstance(item, ast.Name) and not isinstance(item.ctx, ast.Store):
                names.add(item.id)
            elif isinstance(item, ast.AugAssign) and isinstance(item.target, ast.Name):
                names.add(item.target.id)
            elif isinstance(item, (ast.Global, ast.Nonlocal)):
                names.update(item.names)
    return names


def _targets(node: ast.AST) -> Set[str]:
    return {
        item.id for item in ast.walk(node) if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)
    }


def _global_names(scope: ast.AST) -> Set[str]:
    return {name for item in ast.walk(scope) if isinstance(item, ast.Global) for name in item.names}


class _Flow:
    """Walks statements in the order they run in; ``exposed``: the names read before they are bound."""

    def __init__(self) -> None:
        self.exposed: Set[str] = set()

    def reads(self, nodes: Iterable[ast.AST], bound: Set[str]) -> None:
        """Take up the expressions (or whole statements) in ``nodes``."""
        self.exposed |= _loads(nodes) - bound

    def block(self, statements: Iterable[ast.stmt], bound: Set[str]) -> Set[str]:
        """Take up a block; return what is surely bound after it. ``bound`` is changed to that."""
        for statement in statements:
            self._statement(statement, bound)
        return bound

    def _statement(self, node: ast.stmt, bound: Set[str]) -> None:
        if isinstance(node, ast.If):
            self.reads([node.test], bound)
            bound |= self.block(node.body, set(bound)) & self.block(node.orelse, set(bound))
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            self.reads([node.iter], bound)
            self.block(node.body, bound | _targets(node.target))
            self.block(node.orelse, set(bound))
        elif isinstance(node, ast.While):
            self.reads([node.test], bound)
            self.block(node.body, set(bound))
            self.block(node.orelse, set(bound))
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                self.reads([item.context_expr], bound)
                bound |= _targets(item.optional_vars) if item.optional_vars else set()
            self.block(node.body, bound)
        elif isinstance(node, ast.Try):
            self._try(node, bound)
        else:
            self._simple(node, bound)

    def _try(self, node: ast.Try, bound: Set[str]) -> None:
        self.block([*node.body, *node.orelse], set(bound))
        for handler in node.handlers:
            self.block(handler.body, bound | {handler.name or ""})
        self.block(node.finalbody, bound)

    def _simple(self, node: ast.stmt, bound: Set[str]) -> None:
        # The value is read first, the targets are bound last.
        self.reads([node], bound)
        if isinstance(node, ast.Delete):
            bound -= {item.id for item in ast.walk(node) if isinstance(item, ast.Name)}
        elif type(node).__name__ not in ("Match", "TryStar"):
            bound |= set(bindings(node))
