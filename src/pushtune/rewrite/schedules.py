"""Numbers inside a function that ``LearningRateScheduler`` calls each epoch: rates, factors, milestones."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pushtune.rewrite.base import Context
from pushtune.rewrite.catalogue import Argument
from pushtune.rewrite.uses import Target, Use
from pushtune.source import Module

CALLBACK = "keras.callbacks.LearningRateScheduler"
_RATE = re.compile(r"(^|_)(lr|lrate|rate|alpha|eta)($|_|\d)|learning", re.IGNORECASE)
_FACTOR = re.compile(r"drop|factor|decay|gamma|scale", re.IGNORECASE)
_EPOCHS = re.compile(r"epoch|step|every|warm|milestone", re.IGNORECASE)
_ROLES = {"rate": "learning_rate", "factor": "schedule_factor", "milestone": "milestone"}


def scheduled(context: Context, target: Target) -> Iterator[Use]:
    """Yield the numbers in the function that the callback ``target`` is given."""
    given = [*target.call.args[:1], *(k.value for k in target.call.keywords if k.arg == "schedule")]
    for expression in given[:1]:
        for module, function in _functions(context, target.module, expression):
            numbers: dict[str, int] = {}
            for kind, node in _numbers(function):
                numbers[kind] = numbers.get(kind, 0) + 1
                part = f"_{numbers[kind]}" if numbers[kind] > 1 else ""
                yield from _use(context, target, module, kind, node, part)


def _functions(
    context: Context, module: Module, expression: ast.expr
) -> Iterator[tuple[Module, ast.FunctionDef | ast.Lambda]]:
    definition = context.tracer.calls.resolve(module, expression)
    if isinstance(definition, ast.FunctionDef):
        yield context.program.homes[definition], definition
        return
    for found in context.tracer.ends(module, expression):
        if isinstance(found.node, ast.Lambda):
            yield found.module, found.node


def _use(
    context: Context, target: Target, module: Module, kind: str, node: ast.expr, part: str
) -> Iterator[Use]:
    for origin in context.tracer.trace(module, node):
        if isinstance(origin.value, (int, float)) and not isinstance(origin.value, bool):
            yield Use(target, Argument(kind, _ROLES[kind]), origin, module, node, part)


def _numbers(function: ast.FunctionDef | ast.Lambda) -> Iterator[tuple[str, ast.expr]]:
    """Yield the numbers in source order, each with what it is."""
    epoch = function.args.args[0].arg if function.args.args else ""
    for node in sorted(ast.walk(function), key=_place):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            yield from _assigned(node.targets[0].id, node.value)
        elif isinstance(node, ast.AugAssign) and isinstance(node.op, (ast.Mult, ast.Div)):
            yield from _factor(node.op, node.value)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Pow)):
            yield from _scaled(node)
        elif isinstance(node, ast.Compare) and _is_name(node.left, epoch) and len(node.comparators) == 1:
            if _is_number(node.comparators[0]):
                yield "milestone", node.comparators[0]
        elif isinstance(node, ast.Return) and node.value is not None and _is_small(node.value):
            yield "rate", node.value


def _assigned(name: str, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if _EPOCHS.search(name) and _is_number(value):
        yield "milestone", value
    elif _FACTOR.search(name) and _is_small(value):
        yield "factor", value
    elif _RATE.search(name) and _is_small(value):
        yield "rate", value


def _scaled(node: ast.BinOp) -> Iterator[tuple[str, ast.expr]]:
    """Yield the factor of ``lr * 0.5`` and the rate of ``0.01 * 0.9 ** epoch``."""
    if isinstance(node.op, ast.Pow):
        if _is_small(node.left):
            yield "factor", node.left
    elif _is_small(node.left):
        yield "rate", node.left
    elif _is_small(node.right):
        yield "factor", node.right


def _factor(operator: ast.operator, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(operator, ast.Mult) and _is_small(value):
        yield "factor", value


def _place(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_number(node: ast.expr) -> bool:
    value = getattr(node, "value", None)
    return isinstance(node, ast.Constant) and isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_small(node: ast.expr) -> bool:
    """Whether ``node`` is a number up to 1, not 0: a rate or a factor, never an epoch."""
    return isinstance(node, ast.Constant) and isinstance(node.value, float) and 0 < node.value <= 1
