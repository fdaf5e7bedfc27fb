"""Values that come in as parameters: what the callers pass, or else the default."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pushtune.source.calls import argument_of
from pushtune.source.program import Module
from pushtune.source.scopes import Binding
from pushtune.source.tracing.base import Follower, Found, Hop
from pushtune.source.tracing.command_lines import made_by_command_line
from pushtune.source.tracing.declared import NUMBERS
from pushtune.source.tracing.documents import configured
from pushtune.source.tracing.given_values import named_value
from pushtune.source.tracing.literals import literal_value
from pushtune.source.tracing.options import click_value, is_given
from pushtune.source.tracing.tables import lookup

Function = ast.FunctionDef | ast.AsyncFunctionDef


def follow_parameter(
    tracer: Follower, module: Module, binding: Binding, hop: Hop, depth: int
) -> Iterator[Found]:
    """Yield what the parameter may hold: each caller's argument, and the default where one leaves it."""
    function = module.parents[module.parents[binding.node]]
    document = configured(tracer, module, function, binding.name, hop)
    if document is not None:
        yield document
        return
    for home, value, step in passed(tracer, module, binding, hop):
        yield from tracer.follow(home, value, step, depth)
    if not isinstance(function, Function):
        return
    for caller in tracer.calls.callers(function):
        if argument_of(caller, function, binding.name) is False:
            for keyword in caller.call.keywords:
                if keyword.arg is None:
                    yield from lookup(tracer, caller.module, keyword.value, binding.name, hop, depth)


def passed(
    tracer: Follower, module: Module, binding: Binding, hop: Hop
) -> Iterator[tuple[Module, ast.expr, Hop]]:
    """Yield the expressions that the parameter may hold, each with its file and the step to it."""
    function = module.parents[module.parents[binding.node]]
    if not isinstance(function, Function):
        return
    option = click_value(tracer, module, function, binding.name, hop)
    if option is not None:
        yield option.module, option.node, option.hop
        return
    callers = tracer.calls.callers(function)
    escapes = tracer.calls.escapes(function) or bool(function.decorator_list)
    escapes = escapes or made_by_command_line(tracer, module, function, binding.name)
    left = [caller for caller in callers if argument_of(caller, function, binding.name) is None]
    given = escapes and is_given(tracer, binding.name)
    for found in named_value(tracer, binding.name, _number(binding), hop) if given else ():
        yield found.module, found.node, found.hop
    if binding.value is not None and (left or escapes) and not given:
        name = f"{_owner(module, function)}.{binding.name}"
        yield module, binding.value, hop.to("default", name, certain=bool(left))
    for caller in callers:
        argument = argument_of(caller, function, binding.name)
        if isinstance(argument, ast.expr) and tracer.calls.reached(caller.module, caller.call):
            yield caller.module, argument, hop.to("literal", "")


def _number(binding: Binding) -> str:
    """Return ``int`` or ``float`` where the parameter is annotated so, or has such a default."""
    annotation = ast.unparse(getattr(binding.node, "annotation", None) or ast.Constant(None))
    default = literal_value(binding.value) if binding.value is not None else None
    kind = annotation if annotation in NUMBERS else "" if default is None else type(default[0]).__name__
    return kind if kind in NUMBERS else ""


def _owner(module: Module, function: Function) -> str:
    parent = module.parents.get(function)
    return parent.name if isinstance(parent, ast.ClassDef) and function.name == "__init__" else function.name
