"""Which arguments of a call give others their meaning: ``gamma`` has none where the kernel is linear."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from pushtune.model.space import Condition, Parameter, Value
from pushtune.rewrite.base import Context
from pushtune.rewrite.catalogue import Argument, grow
from pushtune.rewrite.uses import Target, splat_keys, written_argument


@dataclass(frozen=True, eq=False)
class Reading:
    """One argument of one call that reads a parameter."""

    target: Target
    argument: Argument


def has_meaning(context: Context, target: Target, argument: Argument) -> bool:
    """Whether some value of ``argument`` can matter in the call, as far as its other arguments tell."""
    if any(_is_given(context, target, name) for name in argument.unless):
        return False
    return all(_allows(context, target, other, values, argument) for other, values in argument.when)


def with_meanings(
    parameters: Iterable[Parameter], readings: Mapping[str, tuple[Reading, ...]]
) -> Iterator[Parameter]:
    """Yield the parameters, those that others give their meaning under the condition that they do."""
    parameters = list(parameters)
    by_name = {parameter.name: parameter for parameter in parameters}
    read_by: dict[tuple[ast.Call, str], Parameter] = {
        (reading.target.call, reading.argument.name): by_name[name]
        for name, found in readings.items()
        for reading in found
        if name in by_name
    }
    for parameter in parameters:
        conditions = {_condition(reading, read_by) for reading in readings.get(parameter.name, ())}
        single = conditions.pop() if len(conditions) == 1 else None
        known = parameter.condition is None and single is not None
        yield replace(parameter, condition=single) if known else parameter


def _condition(reading: Reading, read_by: Mapping[tuple[ast.Call, str], Parameter]) -> Condition | None:
    for other, values in reading.argument.when:
        parent = read_by.get((reading.target.call, other))
        if parent is None or parent.domain.type != "categorical":
            continue
        allowed = tuple(choice for choice in parent.domain.choices if _among(choice, values))
        if 0 < len(allowed) < len(parent.domain.choices):
            return Condition(parent.name, allowed)
    return None


def _allows(
    context: Context, target: Target, other: str, values: tuple[Value, ...], argument: Argument
) -> bool:
    """Whether the argument ``other`` has, or may get, one of ``values``."""
    controller = next(found for found in target.entry.arguments if found.name == other)
    standing = _standing(context, target, controller)
    if standing is None:
        return _is_given(context, target, argument.name)
    if _among(standing[0], values):
        return True
    offered = controller.implicit or _is_given(context, target, other)
    growth = context.catalogue.growths[controller.role_of(standing[0])]
    domain = grow(growth, standing[0]) if offered and has_meaning(context, target, controller) else None
    return domain is not None and any(_among(choice, values) for choice in domain.choices)


def _standing(context: Context, target: Target, argument: Argument) -> tuple[Value] | None:
    """Return the value that the call gives ``argument`` today, in a tuple; None if that cannot be told."""
    expression = written_argument(target.call, argument)
    if expression is not None:
        origins = context.tracer.trace(target.module, expression)
        return (origins[0].value,) if len(origins) == 1 else None
    keys = splat_keys(context, target)
    if keys is None:
        return None
    for keyword in target.call.keywords:
        if keyword.arg is None and argument.name in keys:
            origins = context.tracer.trace_entry(target.module, keyword.value, argument.name)
            return (origins[0].value,) if len(origins) == 1 else None
    return (argument.default,)


def _is_given(context: Context, target: Target, name: str) -> bool:
    known = next(
        (argument for argument in target.entry.arguments if argument.name == name), Argument(name, "")
    )
    return written_argument(target.call, known) is not None or name in (splat_keys(context, target) or ())


def _among(value: Value, values: Iterable[Value]) -> bool:
    return any(type(value) is type(other) and value == other for other in values)
