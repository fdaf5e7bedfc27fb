"""Literals as they stand: numbers with their sign, strings, booleans, None."""

from __future__ import annotations

import ast

from pushtune.model.space import Value
from pushtune.source.program import Module


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


def stands_there(module: Module, node: ast.expr, value: Value) -> bool:
    """Whether the text at ``node`` is a literal that reads as ``value``: the last guard before an edit.

    Positions inside f-strings are wrong before Python 3.12, and adjacent strings are one node.
    """
    if any(isinstance(outer, ast.JoinedStr) for outer in module.around(node)):
        return False
    try:
        read = ast.literal_eval(module.source.segment(module.span(node)))
    except (ValueError, SyntaxError):
        return False
    return type(read) is type(value) and read == value
