"""Literals as they stand: numbers with their sign, strings, booleans, None; and numbers written as a sum."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping

from pushtune.model.space import Value
from pushtune.source.program import Module

_LARGEST = 64
_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Pow: lambda a, b: a**b,
}


def literal_value(node: ast.expr) -> tuple[Value] | None:
    """Return the value of a plain literal, in a tuple (as None is a value); None if it is none."""
    if isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float, str, type(None))):
        return (node.value,)
    if (
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and isinstance(node.operand, ast.Constant)
        and isinstance(node.operand.value, (int, float))
        and not isinstance(node.operand.value, bool)
    ):
        return (-node.operand.value,)
    return None


def written_out(node: ast.expr) -> tuple[Value] | None:
    """Return the value of a literal or of a number written as ``10 ** -3``, ``1 / 255`` or ``128 // 2``.

    Whole products (``7 * 7 * 64``) are none: their factors are shapes more often than choices.
    """
    if not isinstance(node, ast.BinOp):
        return literal_value(node)
    number = _computed(node)
    if number is None or (isinstance(number, int) and isinstance(node.op, ast.Mult)):
        return None
    return (number,)


def stands_there(module: Module, node: ast.expr, value: Value) -> bool:
    """Whether the text at ``node`` is a literal that reads as ``value``: the last guard before an edit.

    Positions inside f-strings are wrong before Python 3.12, and adjacent strings are one node.
    """
    if any(isinstance(outer, ast.JoinedStr) for outer in module.around(node)):
        return False
    if module.document is not None:
        return module.document.reads(module.span(node), value)
    try:
        read = ast.parse(module.source.segment(module.span(node)), mode="eval").body
    except (ValueError, SyntaxError):
        return False
    found = written_out(read)
    return found is not None and type(found[0]) is type(value) and found[0] == value


def _computed(node: ast.expr) -> int | float | None:
    literal = literal_value(node)
    if literal is not None:
        number = literal[0]
        return number if isinstance(number, (int, float)) and not isinstance(number, bool) else None
    if not isinstance(node, ast.BinOp) or type(node.op) not in _OPERATORS:
        return None
    left, right = _computed(node.left), _computed(node.right)
    if left is None or right is None or (isinstance(node.op, ast.Pow) and abs(right) > _LARGEST):
        return None
    try:
        result = _OPERATORS[type(node.op)](left, right)
    except (ArithmeticError, ValueError):
        return None
    if isinstance(result, complex) or (isinstance(result, float) and not math.isfinite(result)):
        return None
    return result
