"""What calls give back: conversions, environment variables, ``get`` with a default, local functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pushtune.source.program import Module
from pushtune.source.tracing.base import Follower, Found, Hop
from pushtune.source.tracing.documents import follow_document
from pushtune.source.tracing.inis import follow_ini
from pushtune.source.tracing.literals import literal_value
from pushtune.source.tracing.objects import member_of
from pushtune.source.tracing.tables import search

_PLAIN = (
    "builtins.int",
    "builtins.float",
    "builtins.str",
    "builtins.bool",
    "builtins.tuple",
    "builtins.list",
)
_VARIABLES = ("os.environ.get", "os.getenv")
_DEFAULTS = ("dataclasses.field", "pydantic.Field", "typer.Option", "typer.Argument", "click.Option",
             "attr.ib", "attrs.field")  # fmt: skip
_YIELDS = (ast.Yield, ast.YieldFrom)


def follow_call(tracer: Follower, module: Module, node: ast.Call, hop: Hop, depth: int) -> Iterator[Found]:
    """Follow through ``int(x)``, ``os.getenv("N", "3")``, ``table.get("key", 3)``; other calls are ends."""
    name = tracer.names.call(module, node)
    if name in _PLAIN and len(node.args) == 1 and not node.keywords:
        kind = name.rpartition(".")[2]
        yield from tracer.follow(module, node.args[0], hop.as_number(kind), depth)
    elif name in _VARIABLES and len(node.args) == 2:
        yield from _variable(tracer, module, node, hop, depth)
    elif name in _DEFAULTS:
        yield from _default(tracer, module, node, hop, depth)
    elif name == "builtins.getattr" and len(node.args) >= 2:
        yield from _getattr(tracer, module, node, hop, depth)
    elif _is_get(node):
        yield from follow_ini(tracer, module, node, hop, depth) or _get(tracer, module, node, hop, depth)
    else:
        yield from (
            follow_document(tracer, module, node, hop, depth)
            or follow_ini(tracer, module, node, hop, depth)
            or _returned(tracer, module, node, hop, depth)
            or [Found(module, node, hop)]
        )


def _variable(tracer: Follower, module: Module, node: ast.Call, hop: Hop, depth: int) -> Iterator[Found]:
    """Yield the default of an environment variable. Whether it is set only the run can tell."""
    key = literal_value(node.args[0])
    name = str(key[0]) if key is not None else ""
    yield from tracer.follow(module, node.args[1], hop.to("default", name, certain=False), depth)


def _default(tracer: Follower, module: Module, node: ast.Call, hop: Hop, depth: int) -> Iterator[Found]:
    """Yield the default of a field or an option that is declared by a call."""
    named = [keyword.value for keyword in node.keywords if keyword.arg == "default"]
    for value in (named or node.args[:1])[:1]:
        yield from tracer.follow(module, value, hop, depth)


def _getattr(tracer: Follower, module: Module, node: ast.Call, hop: Hop, depth: int) -> Iterator[Found]:
    name = literal_value(node.args[1])
    if name is None or not isinstance(name[0], str):
        return
    found = list(member_of(tracer, module, node.args[0], name[0], hop, depth))
    yield from found
    if not found and len(node.args) == 3:
        yield from tracer.follow(module, node.args[2], hop.to("default", name[0], certain=False), depth)


def _is_get(node: ast.Call) -> bool:
    key = literal_value(node.args[0]) if node.args else None
    method = isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "pop", "setdefault")
    return method and key is not None and isinstance(key[0], str)


def _get(tracer: Follower, module: Module, node: ast.Call, hop: Hop, depth: int) -> Iterator[Found]:
    """Yield the entry, or the default: sure where the table lacks the key, unsure where it is not known."""
    assert isinstance(node.func, ast.Attribute)
    key = literal_value(node.args[0])
    assert key is not None
    entries = search(tracer, module, node.func.value, str(key[0]), hop, depth)
    if entries:
        yield from entries
    elif len(node.args) == 2:
        name = f"{ast.unparse(node.func.value)}.{key[0]}"
        step = hop.to("default", name, certain=entries is not None)
        yield from tracer.follow(module, node.args[1], step, depth)


def returned(tracer: Follower, module: Module, node: ast.Call) -> list[tuple[Module, ast.expr]]:
    """Return what a local function may give back, with its file; not of generators and decorated ones."""
    definition = tracer.calls.resolve(module, node.func)
    if not isinstance(definition, ast.FunctionDef) or definition.decorator_list:
        return []
    home = tracer.program.homes[definition]
    scope = home.scopes[definition]
    inside = [inner for inner in ast.walk(definition) if isinstance(inner, (ast.Return, *_YIELDS))]
    inside = [inner for inner in inside if home.scope_of(inner) is scope]
    if any(isinstance(inner, _YIELDS) for inner in inside):
        return []
    return [
        (home, inner.value) for inner in inside if isinstance(inner, ast.Return) and inner.value is not None
    ]


def _returned(tracer: Follower, module: Module, node: ast.Call, hop: Hop, depth: int) -> list[Found]:
    """Return what a local function gives back; a part that is not known stays the call itself."""
    values = returned(tracer, module, node)
    if not values or values[0][1] in hop.trail:
        return []
    here = hop.over(values[0][1])
    here = here if len(values) == 1 else here.maybe()
    ways = [list(tracer.follow(home, value, here, depth)) for home, value in values]
    if not any(ways):
        return []
    unknown = [] if all(ways) else [Found(module, node, hop.maybe())]
    return [*(end for way in ways for end in way), *unknown]
