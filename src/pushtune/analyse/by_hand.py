"""Training that a script does in NumPy alone: parameters that are moved along a gradient in a loop."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pushtune.source import Module, Program
from pushtune.source.calls import CallIndex

_RATE = re.compile(r"(lr|l_?rate|learning_?rate|alpha|eta|step_?size|gamma)(_?\w)?", re.IGNORECASE)
_BIAS = re.compile(r"(b|c|bias|intercept)[_\d]*\w?", re.IGNORECASE)
_LOOPS = (ast.For, ast.While)


@dataclass(frozen=True, eq=False)
class Step:
    """One statement that moves a parameter, or each of ``several``, along its gradient."""

    module: Module
    node: ast.stmt
    parameter: str
    several: bool


def gradient_steps(program: Program) -> tuple[Step, ...]:
    """Return every step of gradient descent that is written out and can run, biases left out."""
    calls = CallIndex(program)
    return tuple(
        Step(module, node, name, several)
        for module in program.modules
        for node in module.parents
        if isinstance(node, (ast.Assign, ast.AugAssign))
        for name, several in _moved(node)
        if not _BIAS.fullmatch(name) and _repeats(module, node) and calls.reached(module, node)
    )


def _repeats(module: Module, node: ast.stmt) -> bool:
    """Whether the step stands in a loop, or in a function, which a loop may call."""
    around = (*_LOOPS, ast.FunctionDef)
    return any(isinstance(outer, around) for outer in module.around(node))


def _moved(node: ast.Assign | ast.AugAssign) -> Iterator[tuple[str, bool]]:
    """Yield the parameter that the statement moves: ``w -= rate * gradient``, ``w = w - rate * gradient``."""
    if isinstance(node, ast.AugAssign):
        if isinstance(node.op, (ast.Sub, ast.Add)) and _is_scaled(node.value):
            yield from _parameter(node.target)
        return
    target, value = node.targets[0], node.value
    if isinstance(value, ast.ListComp):
        if isinstance(value.elt, ast.BinOp) and _is_moved(value.elt):
            yield from ((name, True) for name, _ in _parameter(target))
    elif isinstance(value, ast.BinOp) and ast.unparse(value.left) == ast.unparse(target) and _is_moved(value):
        yield from _parameter(target)


def _is_moved(value: ast.BinOp) -> bool:
    return isinstance(value.op, (ast.Sub, ast.Add)) and _is_scaled(value.right)


def _parameter(target: ast.expr) -> Iterator[tuple[str, bool]]:
    """Yield the name of what is moved, and whether that is several at once (``weights[layer]``)."""
    if isinstance(target, (ast.Name, ast.Attribute)):
        yield _name(target), False
    elif isinstance(target, ast.Subscript):
        key = target.slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.value, False
        else:
            yield _name(target.value), True


def _is_scaled(value: ast.expr) -> bool:
    """Whether a learning rate stands as a factor in ``value``."""
    return isinstance(value, ast.BinOp) and any(
        _RATE.fullmatch(name) for part in _factors(value) if (name := _name(part))
    )


def _factors(value: ast.expr) -> Iterator[ast.expr]:
    if isinstance(value, ast.BinOp) and isinstance(value.op, (ast.Mult, ast.Div)):
        yield from _factors(value.left)
        yield from _factors(value.right)
    else:
        yield value


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
