"""Why a letter is written, and who wants to hear of it: triggers as a CI server has them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from pushtune.model.states import PushState


class Failure(str, Enum):
    """Why a push failed. SCRIPT: the script, or what its repository sets, is the author's to mend."""

    SCRIPT = "script"
    CRASH_LOOP = "crash-loop"
    MACHINE = "machine"


class Outcome(str, Enum):
    """How a push came out, as far as letters go. TEST: no push at all, `pushtune notify --test`."""

    SUCCESS = "success"
    TARGET_MISSED = "target-missed"
    SCRIPT_FAILS = "script-fails"
    CRASH_LOOP = "crash-loop"
    MACHINE_TROUBLE = "machine-trouble"
    TEST = "test"


ALWAYS = "always"
FIXED = "fixed"
_OF_FAILURE = {
    Failure.SCRIPT: Outcome.SCRIPT_FAILS,
    Failure.CRASH_LOOP: Outcome.CRASH_LOOP,
    Failure.MACHINE: Outcome.MACHINE_TROUBLE,
}


@dataclass(frozen=True)
class Finished:
    """How a push ended. ``target_met`` is None where there was no target; ``failure`` belongs to FAILED."""

    state: PushState
    target_met: bool | None = None
    failure: Failure | None = None


@dataclass(frozen=True)
class Occasion:
    """Why a letter is written. ``fixed``: the branch's previous finished push failed, this one did not."""

    outcome: Outcome
    fixed: bool = False

    @property
    def word(self) -> str:
        """One word for the outbox: a push has at most one letter for each."""
        return FIXED if self.fixed else self.outcome.value


def occasion_of(this: Finished, previous: Finished | None) -> Occasion | None:
    """Return the occasion of a push that ended; None where there is nothing to write of.

    ``previous`` is the end of the push before on the same branch that was done or failed, None if there
    was none. A push that was cancelled, superseded or still runs is no occasion.
    """
    if this.state is PushState.FAILED:
        return Occasion(_OF_FAILURE[this.failure or Failure.MACHINE])
    if this.state is not PushState.DONE:
        return None
    outcome = Outcome.TARGET_MISSED if this.target_met is False else Outcome.SUCCESS
    return Occasion(outcome, previous is not None and previous.state is PushState.FAILED)


def wanted(occasion: Occasion, triggers: Collection[str]) -> bool:
    """Whether ``triggers`` ask for a letter on this occasion. A test letter is always wanted."""
    words = {ALWAYS, occasion.outcome.value} | ({FIXED} if occasion.fixed else set())
    return occasion.outcome is Outcome.TEST or not words.isdisjoint(triggers)
