"""Layers that are given their weights: they are as large as what was trained before them, and stay so."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pushtune.rewrite.base import Context
from pushtune.rewrite.uses import Target, written_argument
from pushtune.source import Module

_CONSTANTS = ("keras.initializers.Constant", "keras.initializers.constant", "tensorflow.constant_initializer")
_ARRAYS = ("numpy.", "scipy.", "cupy.")


def pretrained_sizes(
    context: Context, module: Module, call: ast.Call, target: Target | None
) -> Iterator[tuple[Module, ast.expr]]:
    """Yield the expressions that must stay as they are since ``call`` puts given weights into a layer.

    These are the widths of the layer itself, or the sizes of the array that ``set_weights`` is given.
    """
    if isinstance(call.func, ast.Attribute) and call.func.attr == "set_weights":
        for given in call.args[:1]:
            yield from _array_sizes(context, module, given)
    elif target is not None and target.entry.group == "layer" and _is_given_weights(context, module, call):
        for argument in target.entry.arguments:
            written = written_argument(call, argument)
            if argument.name in target.entry.output and written is not None:
                yield module, written


def _is_given_weights(context: Context, module: Module, call: ast.Call) -> bool:
    for keyword in call.keywords:
        name = keyword.arg or ""
        if name == "weights" and not _is_plain(keyword.value):
            return True
        if name.endswith("_initializer") and _is_array(context, module, keyword.value):
            return True
    return False


def _is_array(context: Context, module: Module, initializer: ast.expr) -> bool:
    """Whether an initializer is a constant that is more than one number."""
    for found in context.tracer.ends(module, initializer):
        if isinstance(found.node, ast.Call) and context.names.call(found.module, found.node) in _CONSTANTS:
            given = [*found.node.args, *(keyword.value for keyword in found.node.keywords)]
            return any(not _is_plain(value) for value in given)
    return False


def _is_plain(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant)


def _array_sizes(context: Context, module: Module, given: ast.expr) -> Iterator[tuple[Module, ast.expr]]:
    parts = given.elts if isinstance(given, (ast.List, ast.Tuple)) else [given]
    for part in parts:
        for found in context.tracer.ends(module, part):
            made = found.node if isinstance(found.node, ast.Call) else None
            if made is not None and (context.names.call(found.module, made) or "").startswith(_ARRAYS):
                yield from ((found.module, argument) for argument in made.args)
