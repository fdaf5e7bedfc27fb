"""The space as a unit cube: every value has a place between 0 and 1, and every place a value.

Numbers lie on their (logarithmic) range, choices in their natural order. Values are rounded to what a
person would write, so that a patch reads well and near-duplicates fall together.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

from pushtune.model.space import Domain, Parameter, Space, Value


def place(domain: Domain, value: Value) -> float:
    """Return where ``value`` lies in its domain, from 0 to 1."""
    if domain.type == "categorical":
        return index_of(domain, value) / max(1, len(domain.choices) - 1)
    low, high = bounds(domain)
    if high <= low or not isinstance(value, (int, float)):
        return 0.5  # a value outside the range's own kind (a depth of None) stands in the middle
    number = float(value)
    if domain.log:
        return math.log(max(number, low) / low) / math.log(high / low)
    return (number - low) / (high - low)


def index_of(domain: Domain, value: Value) -> int:
    """Return the number of a choice; ``StopIteration`` if it is none. True is not 1 here."""
    choices = enumerate(domain.choices)
    return next(number for number, item in choices if type(item) is type(value) and item == value)


def value_at(domain: Domain, where: float) -> Value:
    """Return the value at ``where``; places outside 0 to 1 are taken to the nearest end."""
    where = min(1.0, max(0.0, where))
    if domain.type == "categorical":
        return domain.choices[round(where * (len(domain.choices) - 1))]
    low, high = bounds(domain)
    number = low * (high / low) ** where if domain.log else low + where * (high - low)
    return tidy(domain, number)


def tidy(domain: Domain, number: float) -> Value:
    """Round to three digits, whole numbers from 32 on in eights where the range is logarithmic."""
    low, high = bounds(domain)
    if domain.type == "int":
        whole = round(number / 8) * 8 if domain.log and number >= 32 else round(number)
        return int(min(math.floor(high), max(math.ceil(low), whole)))
    return min(high, max(low, float(f"{number:.3g}")))


def bounds(domain: Domain) -> tuple[float, float]:
    """Return the closed range of a number. ``ValueError`` for a domain of choices."""
    if domain.low is None or domain.high is None:
        raise ValueError("a domain of choices has no bounds")
    return float(domain.low), float(domain.high)


def ordered(domain: Domain) -> bool:
    """Whether the values have an order that a distance makes sense in."""
    if domain.type != "categorical":
        return True
    return all(isinstance(choice, (int, float)) and not isinstance(choice, bool) for choice in domain.choices)


def active_parameters(space: Space, values: Mapping[str, Value]) -> tuple[Parameter, ...]:
    """Return the parameters that matter under ``values``, those that others depend on first."""
    by_depth = sorted(space.parameters, key=lambda parameter: depth(space, parameter))
    return tuple(parameter for parameter in by_depth if space.active(parameter, values))


def depth(space: Space, parameter: Parameter) -> int:
    """Return how many parameters must be set before this one matters."""
    levels = 0
    while parameter.condition is not None:
        parameter = space.parameter(parameter.condition.parameter)
        levels += 1
    return levels


def stepped(parameter: Parameter, value: Value, chance: random.Random, distance: float) -> Value:
    """Return another value, ``distance`` of the domain away; any other where there is no order."""
    domain = parameter.domain
    if not ordered(domain):
        others = [choice for choice in domain.choices if choice != value]
        return chance.choice(others) if others else value
    if domain.type == "categorical":
        distance = max(distance, 1 / max(1, len(domain.choices) - 1))
    where = place(domain, value)
    up = where + distance <= 1.0 and (where - distance < 0.0 or chance.random() < 0.5)
    return value_at(domain, where + distance if up else where - distance)
