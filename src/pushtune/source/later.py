"""Functions that others are asked to call: ``Process(target=train, args=(rank, options))``."""

from __future__ import annotations

import ast

from pushtune.source.program import Module

_SPAWNING = ("spawn", "start_processes")


def called_later(module: Module, node: ast.expr) -> ast.Call | None:
    """Return the call of ``node`` that the call around it will make, as though it stood there.

    None where it will be called with what cannot be told. A process that is spawned gets its number first.
    """
    parent = module.parents.get(node)
    outer = module.parents.get(parent) if isinstance(parent, ast.keyword) else parent
    if not isinstance(outer, ast.Call) or outer.func is node:
        return None
    given = {keyword.arg: keyword.value for keyword in outer.keywords}
    name = getattr(outer.func, "attr", getattr(outer.func, "id", ""))
    positional = given.get("args")
    if given.get("target") is node:
        return _call(node, outer, _items(positional), given.get("kwargs"))
    first = outer.args[:1] == [node] or given.get("fn") is node
    if name in _SPAWNING and first:
        return _call(node, outer, [ast.Constant(...), *_items(positional or _second(outer))], None)
    if name == "submit" and first:
        return _call(node, outer, outer.args[1:], None, outer.keywords)
    return None


def _second(call: ast.Call) -> ast.expr | None:
    return call.args[1] if len(call.args) > 1 else None


def _items(node: ast.expr | None) -> list[ast.expr]:
    """Return what a tuple of arguments holds; a splat where it is not written out."""
    if node is None:
        return []
    return node.elts if isinstance(node, (ast.Tuple, ast.List)) else [ast.Starred(node, ast.Load())]


def _call(
    node: ast.expr, outer: ast.Call, args: list[ast.expr], table: ast.expr | None,
    keywords: list[ast.keyword] | None = None,
) -> ast.Call:  # fmt: skip
    splat = [ast.keyword(None, table)] if table is not None else []
    return ast.copy_location(ast.Call(node, args, [*(keywords or ()), *splat]), outer)
