"""Models that are layers of other models: an encoder's output is a width, not the task's."""

from __future__ import annotations

import ast

from pushtune.rewrite.base import Context
from pushtune.rewrite.layers import Model
from pushtune.source import Module

_HARMLESS = ("summary", "save", "save_weights", "get_layer", "count_params", "plot_model")
_MODEL = "keras.Model"


def is_inner(context: Context, model: Model) -> bool:
    """Whether the output of ``model`` only ever goes into another model that sees nothing else.

    A discriminator that is trained on its own sees data too, and what feeds it must keep its shape.
    """
    receivers = [_receiver(context, model.module, call) for call in _applications(model.module, model.name)]
    return bool(receivers) and all(
        receiver is not None and _is_only_applied(context, model.module, receiver) for receiver in receivers
    )


def is_wiring(context: Context, module: Module, call: ast.Call) -> bool:
    """Whether ``call`` is the ``Input`` of a model that only other models feed: its shape is no data's."""
    statement = module.parents.get(call)
    if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
        return False
    name = statement.targets[0].id
    feeders = {model.name for model in context.models if model.module is module and is_inner(context, model)}
    return any(
        model.module is module and _reads(model, name) and _is_fed_by(module, model.name, feeders)
        for model in context.models
    )


def _applications(module: Module, name: str) -> list[ast.Call]:
    """Return the calls of the model ``name``: ``encoder(x)``."""
    return [call for call in module.calls if isinstance(call.func, ast.Name) and call.func.id == name]


def _receiver(context: Context, module: Module, call: ast.Call) -> str | None:
    """Return the variable of the model that is given what ``call`` returns."""
    places: list[ast.AST] = [call]
    parent = module.parents[call]
    if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name):
        places = list(module.loads.get(parent.targets[0].id, ()))
    found = set()
    for place in places:
        outer = module.parents[place]
        if isinstance(outer, ast.Call) and context.names.call(module, outer) != _MODEL:
            found.add(outer.func.id if isinstance(outer.func, ast.Name) else None)
    return found.pop() if len(found) == 1 else None


def _is_only_applied(context: Context, module: Module, name: str) -> bool:
    """Whether ``name`` is a model that is called or shown, and never trained or asked on its own."""
    if name not in {model.name for model in context.models if model.module is module}:
        return False
    for load in module.loads.get(name, ()):
        parent = module.parents[load]
        called = isinstance(parent, ast.Call) and parent.func is load
        if not called and not (isinstance(parent, ast.Attribute) and parent.attr in _HARMLESS):
            return False
    return True


def _reads(model: Model, name: str) -> bool:
    given = [*model.node.args[:1], *(k.value for k in model.node.keywords if k.arg in ("inputs", "input"))]
    return any(isinstance(expression, ast.Name) and expression.id == name for expression in given[:1])


def _is_fed_by(module: Module, name: str, feeders: set[str]) -> bool:
    """Whether every application of the model ``name`` is given what one of ``feeders`` returns."""
    calls = _applications(module, name)
    return bool(calls) and all(
        len(call.args) == 1
        and isinstance(call.args[0], ast.Call)
        and isinstance(call.args[0].func, ast.Name)
        and call.args[0].func.id in feeders
        for call in calls
    )
