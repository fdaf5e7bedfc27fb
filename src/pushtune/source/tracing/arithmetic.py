"""Values that are computed from others: which side of a product, a quotient or a sum is the choice."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pushtune.source.program import Module
from pushtune.source.tracing.base import Follower, Found, Hop
from pushtune.source.tracing.literals import literal_value, written_out

LISTS = (ast.List, ast.Tuple, ast.Dict, ast.ListComp)
_COUNTS = ("num_replicas_in_sync", "size", "world_size", "device_count", "num_gpus", "n_gpu", "ngpus", "gpus")
"""What counts devices: the number beside it is meant for each of them."""


def follow_arithmetic(
    tracer: Follower, module: Module, node: ast.BinOp, hop: Hop, depth: int
) -> Iterator[Found]:
    """Follow the side that is chosen: ``UNITS`` in ``UNITS * 2``, ``1e-3`` in ``1e-3 * batch / 256``."""
    for found in _sides(tracer, module, node, hop, depth):
        # A sum or a multiple of a list is another list.
        yield Found(module, node, hop) if isinstance(found.node, LISTS) else found


def _sides(tracer: Follower, module: Module, node: ast.BinOp, hop: Hop, depth: int) -> Iterator[Found]:
    if written_out(node) is not None:
        yield Found(module, node, hop)
    elif isinstance(node.op, (ast.Mult, ast.FloorDiv, ast.Div)):
        yield from _product(tracer, module, node, hop, depth)
    elif isinstance(node.op, (ast.Add, ast.Sub)):
        if literal_value(node.right) is not None and literal_value(node.left) is None:
            yield from tracer.follow(module, node.left, hop, depth)
        elif isinstance(node.op, ast.Add) and literal_value(node.right) is None and literal_value(node.left):
            yield from tracer.follow(module, node.right, hop, depth)
    elif isinstance(node.op, ast.BitOr):
        yield Found(module, node, hop)


def _product(tracer: Follower, module: Module, node: ast.BinOp, hop: Hop, depth: int) -> Iterator[Found]:
    sides = [node.left, node.right] if isinstance(node.op, ast.Mult) else [node.left]
    if any(_number(side) is None and literal_value(side) is not None for side in sides):
        return  # a text, repeated
    written = [side for side in sides if _number(side) is not None]
    named = [side for side in sides if _number(side) is None]
    if len(named) == 2:
        yield from _rate(tracer, module, named, hop, depth)
    elif written and named:
        ends = list(tracer.follow(module, named[0], hop, depth))
        if _scales(written[0], named[0], ends) and not _is_rounded(module, node):
            yield Found(module, written[0], hop)
        else:
            yield from ends
    elif named:
        ends = list(tracer.follow(module, named[0], hop, depth))
        yield from [Found(module, node, hop)] if _is_path(tracer, node, ends) else ends
    elif isinstance(_number(written[0]), float):
        yield Found(module, written[0], hop)


def _rate(tracer: Follower, module: Module, sides: list[ast.expr], hop: Hop, depth: int) -> Iterator[Found]:
    """Yield the one of two named factors that is a fraction where the other one counts something."""
    ways = [list(tracer.follow(module, side, hop, depth)) for side in sides]
    fractions = [way for way in ways if way and all(_is_fraction(end) for end in way)]
    if len(fractions) == 1:
        yield from fractions[0]


def _scales(written: ast.expr, named: ast.expr, ends: list[Found]) -> bool:
    """Whether the number that is written is the choice, and what it is multiplied with a mere count."""
    if isinstance(_number(written), float):
        return not any(_is_fraction(end) for end in ends)
    return any(
        getattr(part, "attr", getattr(part, "id", "")) in _COUNTS
        for part in ast.walk(named)
        if isinstance(part, (ast.Attribute, ast.Name))
    )


def _is_path(tracer: Follower, node: ast.BinOp, ends: list[Found]) -> bool:
    """Whether ``node`` is ``Path("configs") / name``."""
    if not isinstance(node.op, ast.Div):
        return False
    right = literal_value(node.right)
    return (
        not ends
        or (right is not None and isinstance(right[0], str))
        or any(
            isinstance(end.node, ast.BinOp)
            or (
                isinstance(end.node, ast.Call)
                and (tracer.names.call(end.module, end.node) or "").startswith("pathlib.")
            )
            for end in ends
        )
    )


def _number(node: ast.expr) -> int | float | None:
    value = written_out(node)
    number = value[0] if value is not None else None
    return number if isinstance(number, (int, float)) and not isinstance(number, bool) else None


def _is_fraction(end: Found) -> bool:
    value = written_out(end.node)
    return value is not None and (isinstance(value[0], float) or end.hop.number == "float")


def _is_rounded(module: Module, node: ast.expr) -> bool:
    """Whether ``int(…)`` stands around the product: then it counts something itself."""
    outer = module.parents.get(node)
    while isinstance(outer, ast.BinOp):
        outer = module.parents.get(outer)
    return isinstance(outer, ast.Call) and ast.unparse(outer.func) in ("int", "round", "math.ceil")
