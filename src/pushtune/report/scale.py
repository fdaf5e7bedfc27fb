"""Axes: from values to pixels, with ticks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Tick:
    """One mark on an axis: where it is in pixels, and what it says."""

    at: float
    label: str


@dataclass(frozen=True)
class Scale:
    """A straight line from ``[low, high]`` to the pixels ``[start, end]`` (``start`` may be the larger)."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the pixel of ``value``, to a tenth; values outside are put on the edge."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self, count: int = 5, *, whole: bool = False) -> tuple[Tick, ...]:
        """Return about ``count`` ticks at round numbers; ``whole`` keeps to integers."""
        step = _round_step((self.high - self.low) / max(count, 1))
        if whole:
            step = max(1.0, float(round(step)))
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return tuple(
            Tick(self.at(index * step), _label(index * step, step)) for index in range(first, last + 1)
        )


def scale(values: Iterable[float], start: float, end: float, *, margin: float = 0.06) -> Scale:
    """Return a scale that holds every finite value, with some air around; any input gives a usable scale."""
    finite = [value for value in values if math.isfinite(value) and abs(value) < 1e100]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    # A single value, or values closer than a float can tell apart at this size, still need a height.
    air = max((high - low) * margin, abs(high) * 1e-6, 1e-9)
    if high - low < 1e-9 * max(1.0, abs(high)):
        air = max(abs(high) * 0.05, 1e-6)
    return Scale(low - air, high + air, start, end)


def focused(values: Iterable[float], anchors: Iterable[float]) -> tuple[float, ...]:
    """Leave out the far bad tail of ``values``, so that one diverged run does not flatten the rest.

    ``anchors`` always stay. Values further than three times the interquartile range from the middle half
    (Tukey's far outliers) are dropped; the chart then draws them on its edge.
    """
    finite = sorted(value for value in values if math.isfinite(value))
    kept = tuple(value for value in anchors if math.isfinite(value))
    if len(finite) < 8:
        return kept + tuple(finite)
    first, third = finite[len(finite) // 4], finite[(3 * len(finite)) // 4]
    reach = 3 * max(third - first, 1e-12)
    return kept + tuple(value for value in finite if first - reach <= value <= third + reach)


def _round_step(raw: float) -> float:
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in _ROUND if raw <= factor * power * (1 + 1e-9))


def _label(value: float, step: float) -> str:
    if step >= 1e6 or step < 1e-6:
        return f"{value:.4g}"
    power = math.floor(math.log10(step) + 1e-9)
    halves = abs(step / 10.0**power - 2.5) < 1e-6
    return f"{value:.{max(0, halves - power)}f}"
