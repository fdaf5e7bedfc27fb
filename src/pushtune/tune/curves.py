"""Reading one learning curve: which epoch is best, and is it still rising?

Curves are given so that more is better, from epoch 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

WORTHWHILE = 2 / 3
"""Fewer epochs are worth another training only if they are at most this share of the ones trained."""


def smoothed(curve: Sequence[float]) -> list[float]:
    """Return the moving average over three epochs; an end weighs itself twice, its neighbour once."""
    if len(curve) < 3:
        return list(curve)
    inner = [(curve[i - 1] + curve[i] + curve[i + 1]) / 3 for i in range(1, len(curve) - 1)]
    return [(2 * curve[0] + curve[1]) / 3, *inner, (2 * curve[-1] + curve[-2]) / 3]


def noise(curve: Sequence[float]) -> float:
    """Return the standard deviation of one epoch's value, from the curve alone; 0 below six epochs.

    Third differences cancel a smooth curve's slope and bend; those of white noise have the standard
    deviation ``sqrt(20)`` times its own. The median (0.6745 of a normal deviate's size) withstands jumps.
    """
    if len(curve) < 6:
        return 0.0
    fours = (curve[start : start + 4] for start in range(len(curve) - 3))
    jumps = [abs(d - 3 * c + 3 * b - a) for a, b, c, d in fours]
    return median(jumps) / 0.6745 / math.sqrt(20)


def best_epoch(curve: Sequence[float]) -> int:
    """Return the fewest epochs that are as good as the best, within noise. ``ValueError`` if it is empty.

    The last epoch wins over one that would save less than a third.
    """
    smooth = smoothed(curve)
    enough = max(smooth) - noise(curve)
    first = next(epoch for epoch, value in enumerate(smooth, start=1) if value >= enough)
    if smooth[-1] >= enough and first > WORTHWHILE * len(curve):
        return len(curve)
    return first


def still_improving(curve: Sequence[float]) -> bool:
    """Whether more epochs can be expected to help: the best epoch is among the curve's last third."""
    return len(curve) < 3 or best_epoch(curve) > WORTHWHILE * len(curve)
