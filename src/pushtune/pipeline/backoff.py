"""How long to wait before something that failed is tried again."""

from __future__ import annotations

FIRST = 5.0
LONGEST = 300.0


def seconds_to_wait(tries: int, *, first: float = FIRST, longest: float = LONGEST) -> float:
    """Return the seconds to wait after ``tries`` failures in a row (from 0): each time twice as long."""
    return min(longest, first * 2.0 ** min(tries, 30))


def waits(retry_at: float | None, now: float) -> bool:
    """Whether it is too early to try again; a time further off was written before the clock was set back."""
    return retry_at is not None and 0 < retry_at - now <= LONGEST
