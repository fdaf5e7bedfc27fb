"""When a trial is taken to hang: how long the study's own epochs show that it may say nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable

LONGER_THAN_NORMAL = 10.0
"""So many times the longest epoch seen a trial may take before it says something."""


def normal_seconds(epoch_seconds: Iterable[float], whole: float) -> float:
    """Return the longest that a run goes without a word: an epoch, or all of it where none was told.

    ``epoch_seconds`` may hold not-a-number for epochs that nobody timed; ``whole`` is the run's seconds.
    """
    longest = max((seconds for seconds in epoch_seconds if math.isfinite(seconds)), default=0.0)
    return longest if longest > 0 else whole


def silence_allowed(setting: float, normal: float) -> float:
    """Return the seconds after which a silent trial hangs, where ``normal`` is the longest silence known."""
    return max(setting, LONGER_THAN_NORMAL * normal)
