"""The one name of a metric and which way is better, by the rules of ``tables/metrics.toml``."""

from __future__ import annotations

import re
from functools import cache

from pushtune.analyse.tables import table
from pushtune.model.analysis import Direction
from pushtune.model.target import direction_of


def canonical_metric(written: str) -> tuple[str, Direction]:
    """Return the one name of a metric and which way is better; unknown names keep their own."""
    word = re.sub(r"[^a-z0-9_]+", "_", re.sub(r"@.*", "", written.lower())).strip("_")
    return canonical_names().get(word) or (word, direction_of(word))


@cache
def canonical_names() -> dict[str, tuple[str, Direction]]:
    """Return canonical name and direction of every name in the table."""
    rows = table("metrics")
    directions: tuple[Direction, ...] = ("max", "min")
    return {
        word: (canonical, direction)
        for direction in directions
        for canonical, words in rows[direction].items()
        for word in words
    }
