"""When a letter that could not be sent is tried again, and when it is given up. Pure; times are seconds."""

from __future__ import annotations

FIRST_WAIT = 60.0
LONGEST_WAIT = 3600.0
GIVE_UP_AFTER = 5 * 86400.0
"""Five days, as mail servers have it: a server that is down over a long weekend loses nothing."""
FEWEST_TRIES = 12


def wait_after(failures: int) -> float:
    """Return the seconds to wait after ``failures`` failures in a row: 1 min, doubled up to 1 h."""
    return min(FIRST_WAIT * 2.0 ** min(max(failures - 1, 0), 30), LONGEST_WAIT)


def next_try(failures: int, now: float) -> float:
    """Return the time of the next try after ``failures`` failures, the last of them ``now``."""
    return now + wait_after(failures)


def is_due(planned: float, now: float) -> bool:
    """Whether a try planned for ``planned`` is to be made.

    A time further off than the longest wait was written before the clock was set back: it is due.
    """
    return planned <= now or planned - now > LONGEST_WAIT


def hopeless(failures: int, written: float, now: float) -> bool:
    """Whether a letter written at ``written`` is given up after ``failures`` failures.

    It must be old and often tried: a machine that was off for a week, or a clock that jumped, must not
    throw away letters that were hardly tried.
    """
    return now - written >= GIVE_UP_AFTER and failures >= FEWEST_TRIES
