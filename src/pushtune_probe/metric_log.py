"""Remembers the values that were reported, so that a printed copy of one is not counted again."""

import math
from collections import deque
from typing import Deque, Dict, Optional, Tuple

from pushtune_probe import wire

_REMEMBERED = 4000


class MetricLog:
    """The latest values that came from an API, under their canonical names."""

    def __init__(self) -> None:
        self._values: Deque[Tuple[str, float]] = deque(maxlen=_REMEMBERED)
        self.last: Dict[str, float] = {}

    def add(self, name: str, value: float) -> None:
        """Remember ``value``, reported by an API as ``name``."""
        canonical = wire.canonical_metric(name)[0]
        self._values.append((canonical, value))

    def note(self, name: str, value: float) -> None:
        """Remember the latest value of ``name``, whatever it came from."""
        self.last[wire.canonical_metric(name)[0]] = value

    def not_a_number(self, wanted: Optional[str]) -> str:
        """Return the name of the metric that ended as not a number, or nothing.

        That is the metric ``wanted``, or the loss; where neither was reported, every metric must have
        ended so.
        """
        bad = [name for name, value in self.last.items() if not math.isfinite(value)]
        telling = {"loss", wire.canonical_metric(wanted)[0] if wanted else "loss"} & set(self.last)
        if telling:
            return next(iter(telling & set(bad)), "")
        return bad[0] if bad and len(bad) == len(self.last) else ""

    def is_copy(self, name: str, value: float, tolerance: float) -> bool:
        """Whether ``value`` is one that an API reported, printed to within ``tolerance``.

        Two metrics that are both known by name and differ are no copies, however near their values.
        """
        canonical = wire.canonical_metric(name)[0]
        return any(
            abs(value - known) <= tolerance and _may_be_same(canonical, other)
            for other, known in reversed(self._values)
        )


def _may_be_same(name: str, other: str) -> bool:
    return name == other or name not in wire.SYNONYMS or other not in wire.SYNONYMS
