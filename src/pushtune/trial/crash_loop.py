"""A trial that was started again and again and came to nothing: how that is said, and known again."""

from __future__ import annotations

from pushtune.ledger import TrialRow
from pushtune.model.states import TrialState

_WORDS = "crash loop: "


def crash_loop(attempts: int, why: str, *, fruitless: bool) -> str:
    """Return the message of a trial that was given up after ``attempts`` attempts.

    ``fruitless``: they ended in a row without a finished epoch; ``why`` says how the last one ended.
    """
    what = "attempts in a row ended without progress" if fruitless else "attempts were lost altogether"
    return f"{_WORDS}{attempts} {what}; the last one: {why}"


def is_crash_loop(trial: TrialRow) -> bool:
    """Whether the trial was given up because its process died, or hung, again and again."""
    return trial.state is TrialState.LOST and trial.message.startswith(_WORDS)
