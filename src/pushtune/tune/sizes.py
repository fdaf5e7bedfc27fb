"""What makes a model bigger: its widths, and the copies of its blocks."""

from __future__ import annotations

from pushtune.model.space import Assignment, Parameter, Space, Value, canonical
from pushtune.tune.steps import bounds

WIDTHS = frozenset({"units", "filters", "n_estimators", "hidden_layer_sizes"})
"""The roles that say how wide a layer, or how large an ensemble, is."""


def all_wider(space: Space, factor: int) -> Assignment:
    """Return the author's script with every width ``factor`` times as large, as far as the domains go."""
    values = {item.name: widened(item, item.default, factor) for item in space.parameters}
    return canonical(space, Assignment.of(values))


def widened(item: Parameter, value: Value, factor: int) -> Value:
    """Return ``value`` times ``factor`` for a width, as far as its domain goes; others as they are."""
    if item.role not in WIDTHS or isinstance(value, bool) or not isinstance(value, int):
        return value
    return at_most(item, value * factor, value)


def at_most(item: Parameter, wanted: int, value: int) -> Value:
    """Return ``wanted``, or the largest value on offer below it; never less than ``value``."""
    if item.domain.type == "categorical":
        offered = [choice for choice in item.domain.choices if isinstance(choice, int) and choice <= wanted]
        return max([value, *offered])
    return max(value, min(wanted, int(bounds(item.domain)[1])))


def is_repeat(parameter: Parameter) -> bool:
    """Whether the parameter counts copies of a block, and more than the author's are on offer."""
    return parameter.role.startswith("move.") and one_more(parameter) is not None


def one_more(parameter: Parameter) -> int | None:
    """Return one copy more than the author's; None where there is no more, or nothing to count."""
    if isinstance(parameter.default, bool) or not isinstance(parameter.default, int):
        return None
    more = parameter.default + 1
    return more if parameter.domain.contains(more) else None
