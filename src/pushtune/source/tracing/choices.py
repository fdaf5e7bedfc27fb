"""Values that depend on a condition: each side may hold it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pushtune.model.analysis import COMMAND_LINE
from pushtune.source.program import Module
from pushtune.source.settled import settled
from pushtune.source.tracing.base import Follower, Found, Hop


def follow_ternary(
    tracer: Follower, module: Module, node: ast.IfExp, hop: Hop, depth: int
) -> Iterator[Found]:
    """Yield both sides of ``0.5 if big else 0.2``."""
    always = settled(module, node.test)
    if always is not None:
        yield from tracer.follow(module, node.body if always else node.orelse, hop, depth)
        return
    yield from _each(tracer, module, [node.body, node.orelse], hop, depth)


def follow_either(
    tracer: Follower, module: Module, node: ast.BoolOp, hop: Hop, depth: int
) -> Iterator[Found]:
    """Yield what ``given or 128`` may hold; of ``a and b`` only the last."""
    values = node.values if isinstance(node.op, ast.Or) else node.values[-1:]
    yield from _each(tracer, module, values, hop, depth)


def follow_walrus(
    tracer: Follower, module: Module, node: ast.NamedExpr, hop: Hop, depth: int
) -> Iterator[Found]:
    """Yield what ``(n := 64)`` holds, where nothing else can read the name afterwards."""
    if isinstance(node.target, ast.Name) and not module.loads.get(node.target.id):
        yield from tracer.follow(module, node.value, hop, depth)


def given_first(ways: list[list[Found]]) -> list[list[Found]]:
    """Return the ways to what the command line gives, all of them where it gives nothing.

    ``float(sys.argv[1]) if len(sys.argv) > 1 else 0.1``: what is given is given to be used.
    """
    given = [way for way in ways if way and all(end.module.path == COMMAND_LINE for end in way)]
    return given or ways


def _each(tracer: Follower, module: Module, sides: list[ast.expr], hop: Hop, depth: int) -> Iterator[Found]:
    """Yield the ends of every side; an unknown side is an end itself, so that no other seems the only one."""
    unsure = hop.maybe()
    ways = [
        list(tracer.follow(module, side, unsure, depth)) or [Found(module, side, unsure)] for side in sides
    ]
    for way in given_first(ways):
        yield from way
