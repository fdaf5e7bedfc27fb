"""From values to pixels, with marks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Axis:
    """A straight line from the values ``low`` … ``high`` to the pixels ``start`` … ``end``."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the pixel of ``value``; what lies outside is put on the edge."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def marks(self, count: int, *, whole: bool = False) -> list[tuple[float, str]]:
        """Return about ``count`` pixels with their labels."""
        step = _round_step((self.high - self.low) / count)
        if whole:
            step = max(1.0, float(round(step)))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        decimals = _decimals(step)
        # Very large and very small numbers are shorter with an exponent.
        short = step >= 1e5 or decimals > 9 or max(abs(self.low), abs(self.high)) < 1e-3
        values = [index * step for index in range(first, last + 1)]
        return [
            (self.at(value), f"{value:.4g}" if short else f"{value + 0.0:.{decimals}f}") for value in values
        ]


def axis(values: Iterable[float], start: float, end: float) -> Axis:
    """Return an axis that holds every finite value, with some air; any input gives a usable one."""
    usable = [value for value in values if math.isfinite(value) and abs(value) < 1e100] or [0.0, 1.0]
    low, high = min(usable), max(usable)
    # Values closer than a float can tell apart at this size still need a height.
    near = high - low < 1e-6 * max(1e-6, abs(high))
    air = max(abs(high) * 0.05, 1e-6) if near else (high - low) * 0.06
    return Axis(low - air, high + air, start, end)


def without_outliers(values: list[float]) -> list[float]:
    """Leave out the far bad tail (Tukey: 3 interquartile ranges), so that one divergence flattens nothing."""
    ordered = sorted(value for value in values if math.isfinite(value))
    if len(ordered) < 8:
        return ordered
    first, third = ordered[len(ordered) // 4], ordered[3 * len(ordered) // 4]
    reach = 3 * max(third - first, 1e-12)
    return [value for value in ordered if first - reach <= value <= third + reach]


def _round_step(raw: float) -> float:
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in _ROUND if raw <= factor * power * (1 + 1e-9))


def _decimals(step: float) -> int:
    """Return how many decimals tell multiples of a round step apart: 2 for 0.02, 3 for 0.025."""
    power = math.floor(math.log10(step) + 1e-9)
    halves = abs(step / 10.0**power - 2.5) < 1e-6
    return max(0, halves - power)
