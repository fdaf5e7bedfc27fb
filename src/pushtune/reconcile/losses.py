"""Attempts that were lost: how long to wait before the next one, and when to give the trial up.

Both are read from the ledger's rows, so that our own death changes nothing. An attempt is lost when its
process died or hung while it trained, through no fault that the script reported.
"""

from __future__ import annotations

from collections.abc import Sequence

from pushtune.ledger import AttemptRow
from pushtune.model.states import AttemptState
from pushtune.trial import TrialFolder, has_checkpoints

FIRST_WAIT = 1.0
WAIT_GROWS = 5.0
LONGEST_WAIT = 300.0
"""Seconds before a lost attempt is followed by another: 1, 5, 25, 125, 300, 300 …"""

MOST_LOST = 50
"""Attempts of one trial that may be lost altogether: a crash loop with progress ends too."""

INTERRUPTED = "interrupted"
"""Note of an attempt that we ended because we were told to end ourselves."""

NOT_STARTED = "not started: "
"""How the note of an attempt begins whose process could not be started (the disk is full, no engine)."""

MACHINE = "the machine: "
"""How the note of an attempt begins that ended through the machine's fault (its disk is full)."""

_LOST = "lost: "
_NO_FAULT = (INTERRUPTED, NOT_STARTED, MACHINE)


def lost_note(why: str) -> str:
    """Return the note of an attempt that was lost."""
    return _LOST + why


def is_lost(attempt: AttemptRow) -> bool:
    """Whether an attempt has ended as a lost one."""
    return attempt.state is AttemptState.ENDED and attempt.note.startswith(_LOST)


def is_no_fault(attempt: AttemptRow) -> bool:
    """Whether the attempt ended through us or the machine, or never began."""
    return attempt.note.startswith(_NO_FAULT)


def fruitless_in_a_row(folder: TrialFolder, attempts: Sequence[AttemptRow]) -> int:
    """Return how many of the last attempts were lost without progress; ``attempts`` are oldest first.

    Those that ended through nobody's fault count neither way.
    """
    count = 0
    for attempt in reversed(attempts):
        if is_no_fault(attempt):
            continue
        if not is_lost(attempt) or has_checkpoints(folder.attempt(attempt.number)):
            break
        count += 1
    return count


def is_backing_off(folder: TrialFolder, attempts: Sequence[AttemptRow], now: float) -> bool:
    """Whether it is too early (``now``, unix seconds) for another attempt after those that were lost."""
    if not attempts or not is_lost(attempts[-1]) or attempts[-1].ended is None:
        return False
    grown = FIRST_WAIT * WAIT_GROWS ** max(0, min(fruitless_in_a_row(folder, attempts), 10) - 1)
    wait = min(grown, LONGEST_WAIT)
    # A clock that was set back must not make it wait for hours.
    return 0 < attempts[-1].ended + wait - now <= wait
