"""Saying what strangers make us say, without letting them fill the log."""

from __future__ import annotations

from collections.abc import Callable

_MOST_LINES = 100


class Sparing:
    """Passes a line on, and the same line again only after a while, with how often it came meanwhile."""

    def __init__(self, every: float = 60.0) -> None:
        self._every = every
        self._said: dict[str, tuple[float, int]] = {}

    def say(self, note: Callable[[str], None], line: str, now: float) -> None:
        """Give ``line`` to ``note`` unless that was done within the last minute. ``now`` in unix seconds."""
        at, more = self._said.get(line, (None, 0))
        if at is not None and 0 <= now - at < self._every:
            self._said[line] = (at, more + 1)
            return
        if len(self._said) >= _MOST_LINES:
            self._said.clear()
        self._said[line] = (now, 0)
        note(f"{line} (and {more} times more since it was said last)" if more else line)
