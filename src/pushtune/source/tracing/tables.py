"""Values in dictionaries and lists that are written out and never changed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pushtune.source.program import Module
from pushtune.source.tracing.base import Follower, Found, Hop
from pushtune.source.tracing.options import follow_option, is_parsed

_CHANGES = ("update", "setdefault", "pop", "popitem", "clear", "append", "extend", "insert", "remove", "sort")


def follow_subscript(
    tracer: Follower, module: Module, node: ast.Subscript, hop: Hop, depth: int
) -> Iterator[Found]:
    """Yield the value of ``table["key"]`` or ``row[0]``; ``row[::-1]`` is the row itself."""
    if isinstance(node.slice, ast.Slice) and node.slice.lower is None and node.slice.upper is None:
        yield from tracer.follow(module, node.value, hop, depth)
    if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, (str, int)):
        yield from lookup(tracer, module, node.value, node.slice.value, hop, depth)


def lookup(
    tracer: Follower, module: Module, table: ast.expr, key: str | int, hop: Hop, depth: int
) -> Iterator[Found]:
    """Yield the value under ``key`` of the table that ``table`` names, if the table is written out."""
    if _changed(module, table):
        return
    for found in tracer.follow(module, table, hop, depth):
        base = found.hop.name or ast.unparse(table)
        if isinstance(found.node, (ast.List, ast.Tuple)):
            yield from _element(tracer, found, key, f"{base}_{key}", depth)
        elif isinstance(found.node, ast.Call) and is_vars(found.node):
            for parsed in tracer.follow(found.module, found.node.args[0], found.hop, depth):
                if isinstance(key, str) and is_parsed(tracer, parsed):
                    yield from follow_option(tracer, parsed.module, key, base, parsed.hop, depth)
        else:
            entries = [value for name, value in table_entries(found.node) if name == key]
            if len(entries) == 1:
                hop_here = found.hop.to("dict", f"{base}.{key}")
                yield from tracer.follow(found.module, entries[0], hop_here, depth)


def table_entries(node: ast.AST) -> Iterator[tuple[object, ast.expr]]:
    """Yield the keys and values of ``{…}`` or ``dict(…)``; a splat inside yields the key None."""
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            yield (key.value if isinstance(key, ast.Constant) else None), value
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "dict"
        and not node.args
    ):
        for keyword in node.keywords:
            yield keyword.arg, keyword.value


def is_vars(node: ast.Call) -> bool:
    """Whether ``node`` is ``vars(x)``."""
    return isinstance(node.func, ast.Name) and node.func.id == "vars" and len(node.args) == 1


def _element(tracer: Follower, found: Found, key: str | int, name: str, depth: int) -> Iterator[Found]:
    assert isinstance(found.node, (ast.List, ast.Tuple))
    elements = found.node.elts
    if isinstance(key, int) and -len(elements) <= key < len(elements):
        yield from tracer.follow(found.module, elements[key], found.hop.to(found.hop.style, name), depth)


def _changed(module: Module, table: ast.expr) -> bool:
    """Whether the file stores into the named table, deletes from it, or calls what changes it."""
    if not isinstance(table, ast.Name):
        return False
    for node in module.loads.get(table.id, ()):
        outer = module.parents[node]
        if isinstance(outer, ast.Subscript) and not isinstance(outer.ctx, ast.Load) and outer.value is node:
            return True
        if isinstance(outer, ast.Attribute) and outer.attr in _CHANGES:
            return True
    return False
