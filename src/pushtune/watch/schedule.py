"""Who is to be looked at when. Pure: the time comes in, numbers of repositories go out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

LONGEST_PAUSE = 3600.0
"""Seconds between two looks at a repository that does not answer, at most."""

_JITTER = 0.1


@dataclass(frozen=True)
class _Turn:
    """When a repository is due (None: not now known), and how often in a row it did not answer.

    ``away``: it is being looked at. ``hurried``: news of it was announced since.
    """

    interval: float | None
    due: float | None
    failures: int = 0
    away: bool = False
    hurried: bool = False


def _is_due(turn: _Turn, due: float, now: float) -> bool:
    # What is further off than any pause was planned before the clock was set back.
    return due <= now or due - now > 1.2 * max(turn.interval or 0.0, LONGEST_PAUSE)


class Schedule:
    """Spreads the looks at many repositories over their intervals. For one thread; times are unix seconds."""

    def __init__(self) -> None:
        self._turns: dict[int, _Turn] = {}

    def keep(self, intervals: Mapping[int, float | None], now: float) -> None:
        """Watch exactly these. ``intervals`` is in seconds; None: only when hurried.

        A new one is due at once, whatever its interval: what happened before we looked is found out so. A
        changed interval counts from now.
        """
        self._turns = {number: self._kept(number, interval, now) for number, interval in intervals.items()}

    def _kept(self, number: int, interval: float | None, now: float) -> _Turn:
        turn = self._turns.get(number)
        if turn is None:
            return _Turn(interval, now)
        if turn.interval == interval:
            return turn
        due = None if turn.away else _next(number, interval, now, 0)
        return _Turn(interval, due, turn.failures, turn.away, turn.hurried)

    def take(self, now: float, most: int, among: Callable[[int], bool] = lambda number: True) -> list[int]:
        """Return at most so many that are due: hurried ones first, then the longest due.

        They are away until ``back`` is called.
        """
        due = sorted(
            (not turn.hurried, turn.due, number)
            for number, turn in self._turns.items()
            if turn.due is not None and _is_due(turn, turn.due, now) and among(number)
        )
        numbers = [number for _, _, number in due[:most]]
        for number in numbers:
            turn = self._turns[number]
            self._turns[number] = _Turn(turn.interval, None, turn.failures, away=True)
        return numbers

    def hurry(self, number: int, now: float) -> None:
        """Make a repository due now; one that is away is looked at again when it is back."""
        turn = self._turns.get(number)
        if turn is not None:
            due = None if turn.away else now
            self._turns[number] = _Turn(turn.interval, due, turn.failures, turn.away, hurried=True)

    def back(self, number: int, now: float, *, answered: bool) -> None:
        """Say that a look is over. After one without an answer the pauses grow, up to an hour."""
        turn = self._turns.get(number)
        if turn is None:
            return
        failures = 0 if answered else turn.failures + 1
        again = turn.hurried and answered
        due = now if again else _next(number, turn.interval, now, failures)
        self._turns[number] = _Turn(turn.interval, due, failures, hurried=again)

    def failures(self, number: int) -> int:
        """Return how often in a row a repository did not answer."""
        turn = self._turns.get(number)
        return 0 if turn is None else turn.failures

    def next_due(self) -> float | None:
        """Return when somebody is due next; None: nobody is, until somebody is back or hurried."""
        times = [turn.due for turn in self._turns.values() if turn.due is not None]
        return min(times, default=None)


def _next(number: int, interval: float | None, now: float, failures: int) -> float | None:
    """Return when to look next: on the repository's own second of the interval, so that all are spread."""
    if failures:
        pause = min((interval or LONGEST_PAUSE / 60) * 2.0 ** min(failures, 20), LONGEST_PAUSE)
        # One that nobody polls is tried again too: its news was announced and not found yet.
        return now + pause * (1 + _JITTER * _share(number))
    if interval is None:
        return None
    return now + _until(interval * _share(number), now, interval)


def _until(offset: float, now: float, interval: float) -> float:
    """Return the seconds until the next turn, which is ``offset`` after a multiple of ``interval``.

    Never less than half an interval: a repository that answered just before its turn has had it.
    """
    pause: float = (offset - now) % interval
    return pause if pause >= interval / 2 else pause + interval


def _share(number: int) -> float:
    """Return a number from 0 to 1 that is a repository's own, the same in every process."""
    return int.from_bytes(hashlib.sha256(str(number).encode()).digest()[:4], "big") / 2**32
