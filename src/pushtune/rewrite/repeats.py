"""How often a loop adds layers: ``for _ in range(depth): model.add(Dense(64))`` makes ``depth`` a knob."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pushtune.rewrite.base import Context
from pushtune.rewrite.catalogue import Argument
from pushtune.rewrite.uses import Target, Use

_TRAINING = ("fit", "fit_generator", "compile", "evaluate", "apply_gradients", "train_on_batch")
_SHRINKING = ("Pooling", "MaxPool", "AvgPool", "Cropping")
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def repeated(context: Context, target: Target) -> Iterator[Use]:
    """Yield where the number of rounds stands of the innermost loop that makes the layer ``target``.

    Only a number that has a name: a literal ``range(3)`` mostly counts what the rest of the model relies on.
    Where each round shrinks the feature map there may be fewer rounds, never more.
    """
    if target.entry.framework != "keras" or target.entry.group != "layer":
        return
    loop = _loop(target)
    if loop is None or any(_called(call) in _TRAINING for call in _calls(loop)):
        return
    rounds = _rounds(loop)
    if rounds is None:
        return
    shrinks = any(_shrinks(call) for call in _calls(loop)) and not _treats_one_round_apart(loop)
    role = "shrinking_rounds" if shrinks else "rounds_of_layers"
    for origin in context.tracer.trace(target.module, rounds):
        if origin.style != "literal":
            yield Use(target, Argument("repeats", role), origin, target.module, rounds)


def _loop(target: Target) -> ast.For | None:
    inner: ast.AST = target.call
    for outer in target.module.around(target.call):
        if isinstance(outer, _DEFINITIONS):
            return None
        if isinstance(outer, ast.For) and inner in outer.body:
            return outer
        inner = outer
    return None


def _treats_one_round_apart(loop: ast.For) -> bool:
    """Whether something is done in one round only: ``if block == 0: strides = 2``."""
    return isinstance(loop.target, ast.Name) and any(
        isinstance(node, ast.Compare)
        and isinstance(node.left, ast.Name)
        and node.left.id == loop.target.id
        and isinstance(node.ops[0], ast.Eq)
        and isinstance(node.comparators[0], ast.Constant)
        for inner in ast.walk(loop)
        if isinstance(inner, (ast.If, ast.IfExp))
        for node in ast.walk(inner.test)
    )


def _rounds(loop: ast.For) -> ast.expr | None:
    call = loop.iter
    plain = isinstance(call, ast.Call) and _called(call) == "range" and not call.keywords
    return call.args[0] if isinstance(call, ast.Call) and plain and len(call.args) == 1 else None


def _calls(loop: ast.For) -> Iterator[ast.Call]:
    return (node for node in ast.walk(loop) if isinstance(node, ast.Call))


def _called(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))


def _shrinks(call: ast.Call) -> bool:
    strided = any(keyword.arg in ("strides", "subsample") for keyword in call.keywords)
    return strided or any(word in _called(call) for word in _SHRINKING)
