"""How a domain grows from the author's value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pushtune.model.space import Domain, Value

GrowthType = Literal["int", "float", "choice", "powers", "budget"]


@dataclass(frozen=True)
class Growth:
    """A rule that makes a domain from a value.

    ``int`` and ``float``: from value ÷ ``down`` to value x ``up`` where these are given, else from
    ``low`` to ``high``; always clipped to ``low`` and ``high`` but never so that the value falls out.
    ``choice``: ``choices``, and the value where it is not among them. ``powers``: powers of two between
    value ÷ ``down`` and value x ``up``, and the value. ``budget``: epochs, see ``rewrite.epochs``.
    ``closed`` choices take no value from outside: an author who wrote one of another sort had a reason.
    """

    type: GrowthType
    low: float | None = None
    high: float | None = None
    down: float | None = None
    up: float | None = None
    log: bool = False
    choices: tuple[Value, ...] = ()
    closed: bool = False


def grow(growth: Growth, value: Value) -> Domain | None:
    """Return the domain around ``value``; None where the rule does not fit a value of this kind."""
    if growth.type == "choice":
        return _choices(growth, value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if growth.type == "float":
        return _range(growth, float(value))
    if not isinstance(value, int):
        return None
    return _powers(growth, value) if growth.type == "powers" else _range(growth, value)


def _range(growth: Growth, value: float) -> Domain | None:
    if growth.log and value <= 0:
        return None
    low, high = growth.low, growth.high
    if growth.down is not None:
        low = max(value / growth.down, growth.low if growth.low is not None else value / growth.down)
    if growth.up is not None:
        high = min(value * growth.up, growth.high if growth.high is not None else value * growth.up)
    assert low is not None
    assert high is not None
    low, high = min(low, value), max(high, value)
    if growth.type == "float":
        return Domain("float", _tidy(low, value), _tidy(high, value), growth.log) if low < high else None
    first, last = max(round(low), 1 if growth.log else round(low)), round(high)
    return Domain("int", min(first, int(value)), max(last, int(value)), growth.log) if first < last else None


def _tidy(bound: float, value: float) -> float:
    """Cut floating-point dust off a bound (0.001 x 100), but never past the author's value."""
    return value if bound == value else float(f"{bound:.12g}")


def _powers(growth: Growth, value: int) -> Domain | None:
    if value < 1:
        return None
    low = max(growth.low or 1, value / (growth.down or 1))
    high = min(growth.high or value * 8, value * (growth.up or 1))
    powers = [2**exponent for exponent in range(24) if low <= 2**exponent <= high]
    choices = tuple(sorted({*powers, value}))
    return Domain("categorical", choices=choices) if len(choices) > 1 else None


def _choices(growth: Growth, value: Value) -> Domain | None:
    kinds = {type(choice) for choice in growth.choices}
    if type(value) not in kinds and not (type(value) is int and float in kinds):
        return None
    same = [choice for choice in growth.choices if type(choice) is type(value) and choice == value]
    if growth.closed and not same:
        return None
    choices = growth.choices if same else _inserted(growth.choices, value)
    return Domain("categorical", choices=choices) if len(choices) > 1 else None


def _inserted(choices: tuple[Value, ...], value: Value) -> tuple[Value, ...]:
    """Return the choices with ``value`` in its place by size, or first where they have no size."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return (value, *choices)
    place = sum(
        1 for choice in choices
        if not isinstance(choice, (int, float)) or isinstance(choice, bool) or choice < value
    )  # fmt: skip
    return (*choices[:place], value, *choices[place:])
