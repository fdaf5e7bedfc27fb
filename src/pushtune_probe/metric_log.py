"""Remembers the values that were reported, so that a printed copy of one is not counted again."""

import math
from collections import deque
from typing import Deque, Dict, Optional, Tuple

from pushtune_probe import wire
from pushtune_probe.metric_names import BEST

_REMEMBERED = 4000


class MetricLog:
    """The latest values that came from an API, under their canonical names."""

    def __init__(self) -> None:
        self._values: Deque[Tuple[str, float, str]] = deque(maxlen=_REMEMBERED)
        self.last: Dict[str, float] = {}

    def add(self, name: str, value: float, split: str = "unknown") -> None:
        """Remember ``value``, reported by an API as ``name``, measured on ``split``."""
        canonical = wire.canonical_metric(name)[0]
        self._values.append((canonical, value, split))

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

    def is_copy(self, name: str, value: float, tolerance: float, split: str = "unknown") -> bool:
        """Whether ``value`` is one that an API reported, printed to within ``tolerance``.

        Two metrics that are both known by name and differ are no copies, however near their values. A text
        that tells the data (``split``) of a value whose data the API could not tell says more than a copy.
        """
        canonical = wire.canonical_metric(name)[0]
        told = [
            known_split
            for other, known, known_split in reversed(self._values)
            if abs(value - known) <= tolerance and _may_be_same(canonical, other)
        ]
        return bool(told) and (split == "unknown" or any(known != "unknown" for known in told))


def _may_be_same(name: str, other: str) -> bool:
    # The best of a history is a copy of one of its values.
    name = name[len(BEST) :] if name.startswith(BEST) else name
    return name == other or name not in wire.SYNONYMS or other not in wire.SYNONYMS
