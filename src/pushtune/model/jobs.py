"""What passes between the scheduler and the rest: jobs out, outcomes in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from pushtune.model.space import Assignment


class OutcomeKind(str, Enum):
    """How a piece of training ended. Each is data for the tuner."""

    PAUSED = "paused"
    FINISHED = "finished"
    PRUNED = "pruned"
    FAILED = "failed"
    OUT_OF_MEMORY = "out_of_memory"
    TIMED_OUT = "timed_out"
    DIVERGED = "diverged"
    LOST = "lost"


@dataclass(frozen=True)
class Job:
    """Train ``trial`` from the end of epoch ``from_epoch`` to the end of ``to_epoch``.

    ``from_epoch`` is 0 for a trial that starts. ``to_epoch`` is None where the script runs in one piece.
    ``finish`` says that the script ends there, as though its source said ``to_epoch``; otherwise it
    pauses. ``number`` counts the asks of a study from 0, so that replaying them rebuilds the scheduler.
    """

    number: int
    trial: int
    assignment: Assignment
    from_epoch: int
    to_epoch: int | None
    finish: bool


@dataclass(frozen=True)
class Outcome:
    """What came of a job.

    ``value`` is the *selection* value after ``epochs`` epochs (what the search sees), None where the
    trial gave none; ``report`` the value the script itself ends with (only when it finished). ``curve``
    holds the selection value after each epoch, from epoch 1; it may be empty.
    """

    kind: OutcomeKind
    value: float | None = None
    report: float | None = None
    epochs: int = 0
    curve: tuple[float, ...] = ()
    seconds: float = 0.0
    message: str = ""


@dataclass(frozen=True)
class Wait:
    """Nothing to start until an outcome is told."""


@dataclass(frozen=True)
class Stop:
    """The search is over, and why, in words for a person (``"budget of 40 trials is used"``)."""

    reason: str


@dataclass(frozen=True)
class HistoryRow:
    """One finished trial, as a tweak program sees it."""

    trial: int
    assignment: Assignment
    value: float | None
    kind: OutcomeKind


@dataclass(frozen=True)
class RunProgram:
    """Ask the developer's own tweak program for the next candidate. ``number`` counts asks."""

    number: int
    trial: int
    history: tuple[HistoryRow, ...]


Ask = Job | Wait | Stop | RunProgram


@dataclass(frozen=True)
class Best:
    """The best candidate so far: the assignment **with** its epochs set, and the trial that showed it.

    ``trained`` is false where the trial went past the best epoch, so that this exact source has not
    been run to its end yet.
    """

    trial: int
    assignment: Assignment
    value: float
    epochs: int | None
    trained: bool
