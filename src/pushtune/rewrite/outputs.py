"""Which layers give a model its output: their width and activation belong to the task, not to the search."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pushtune.rewrite.applied import is_inner
from pushtune.rewrite.base import Context
from pushtune.source import Module
from pushtune.source.tracing import literal_value

_TASK_ACTIVATIONS = ("softmax", "sigmoid", "linear")


def output_calls(context: Context) -> frozenset[ast.Call]:
    """Return the calls of layers that are, or may be, the output of a model.

    Layers of a model that was read in full are told by their place. For all others the last wide layer
    of each class or function counts as the output, and so does every one that ends like a task does.
    """
    known = {
        call
        for model in context.models
        for layer in model.layers
        for call in (layer.call, layer.inner)
        if call
    }
    outputs = {
        call
        for model in context.models
        for layer in model.layers
        if layer.is_output and not is_inner(context, model)
        for call in (layer.call, layer.inner)
        if call
    }
    settled = {
        _home(model.module, model.node)
        for model in context.models
        if any(layer.is_output and _is_wide(context, model.module, layer.call) for layer in model.layers)
    }
    for module in context.program.modules:
        outputs.update(_guessed(context, module, known, settled))
    return frozenset(outputs)


def _guessed(
    context: Context, module: Module, known: set[ast.Call], settled: set[ast.AST]
) -> Iterator[ast.Call]:
    last: dict[ast.AST, ast.Call] = {}
    for call in module.calls:
        if call in known:
            continue
        name = context.names.call(module, call)
        if (
            (name or "").startswith("keras.")
            and context.catalogue.group(name) == "layer"
            and _ends_like_a_task(call)
        ):
            yield call
        if not _is_wide(context, module, call):
            continue
        home = _home(module, call)
        if home not in settled and name == "keras.layers.Dense":
            last[home] = call
    yield from last.values()


def _home(module: Module, call: ast.Call) -> ast.AST:
    """Return the class around ``call``, or else the function, or else the file."""
    around = list(module.around(call))
    for kinds in (ast.ClassDef, (ast.FunctionDef, ast.AsyncFunctionDef)):
        for outer in around:
            if isinstance(outer, kinds):
                return outer
    return module.source.tree


def _is_wide(context: Context, module: Module, call: ast.Call | None) -> bool:
    if call is None:
        return False
    entry = context.catalogue.callables.get(context.names.call(module, call) or "")
    return entry is not None and entry.wide


def _ends_like_a_task(call: ast.Call) -> bool:
    """Whether the layer has one unit, or an activation that a loss asks for."""
    first = literal_value(call.args[0]) if call.args else None
    for keyword in call.keywords:
        value = literal_value(keyword.value)
        if keyword.arg == "units":
            first = value
        if keyword.arg == "activation" and value is not None and value[0] in _TASK_ACTIVATIONS:
            return True
    given = [literal_value(argument) for argument in call.args[:2]]
    return first == (1,) or any(value is not None and value[0] in _TASK_ACTIVATIONS for value in given)
