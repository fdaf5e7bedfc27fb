"""The state machines. The transitions stand beside each enum; nothing else may be written."""

from __future__ import annotations

from enum import Enum


class StageName(str, Enum):
    """The stages of a push, in order. Pull, deliver and notify belong to watched repositories."""

    PULL = "pull"
    INSPECT = "inspect"
    PREPARE = "prepare"
    TRAIN = "train"
    TUNE = "tune"
    CONFIRM = "confirm"
    DELIVER = "deliver"
    NOTIFY = "notify"


WATCHED_ONLY = frozenset({StageName.PULL, StageName.DELIVER, StageName.NOTIFY})
"""The stages that a push made by `pushtune tune` leaves out."""


class StageState(str, Enum):
    """One stage of one push."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


STAGE_TRANSITIONS: dict[StageState, frozenset[StageState]] = {
    StageState.WAITING: frozenset({StageState.RUNNING, StageState.SKIPPED}),
    # Back to waiting: a confirmation that missed its target sends the push back to tune.
    StageState.RUNNING: frozenset({StageState.DONE, StageState.FAILED, StageState.WAITING}),
    StageState.DONE: frozenset({StageState.WAITING, StageState.RUNNING}),
    StageState.SKIPPED: frozenset({StageState.WAITING, StageState.RUNNING}),
    StageState.FAILED: frozenset({StageState.WAITING, StageState.RUNNING}),
}


class PushState(str, Enum):
    """One commit, or one command, on its way through the stages.

    QUEUED: nothing was done yet. SUPERSEDED: a newer push to the same branch came while it was queued.
    """

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"


PUSH_ENDS = frozenset({PushState.DONE, PushState.FAILED, PushState.CANCELLED, PushState.SUPERSEDED})

PUSH_TRANSITIONS: dict[PushState, frozenset[PushState]] = {
    PushState.QUEUED: frozenset({PushState.RUNNING, PushState.CANCELLED, PushState.SUPERSEDED}),
    PushState.RUNNING: frozenset({PushState.DONE, PushState.FAILED, PushState.CANCELLED}),
    # A larger budget extends a finished push; a mended machine retries a failed one; `pushtune retry` any.
    **{end: frozenset({PushState.RUNNING}) for end in PUSH_ENDS},
}


class MailState(str, Enum):
    """One letter in the outbox. SENT is written after the mail server took it, never before."""

    WAITING = "waiting"
    SENT = "sent"
    GIVEN_UP = "given up"


MAIL_TRANSITIONS: dict[MailState, frozenset[MailState]] = {
    MailState.WAITING: frozenset({MailState.SENT, MailState.GIVEN_UP}),
    MailState.SENT: frozenset(),
    MailState.GIVEN_UP: frozenset({MailState.WAITING}),
}


class TrialState(str, Enum):
    """One candidate being trained.

    WANTED: some stage wants it trained further (or for the first time). RUNNING: an attempt works on it.
    PAUSED: it reached its rung, alive or not. The rest are ends; they name an ``OutcomeKind``.
    """

    WANTED = "wanted"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    PRUNED = "pruned"
    FAILED = "failed"
    OUT_OF_MEMORY = "out_of_memory"
    TIMED_OUT = "timed_out"
    DIVERGED = "diverged"
    LOST = "lost"


TRIAL_ENDS = frozenset(
    {
        TrialState.FINISHED,
        TrialState.PRUNED,
        TrialState.FAILED,
        TrialState.OUT_OF_MEMORY,
        TrialState.TIMED_OUT,
        TrialState.DIVERGED,
        TrialState.LOST,
    }
)

TRIAL_FAILURES = TRIAL_ENDS - {TrialState.FINISHED, TrialState.PRUNED}

TRIAL_TRANSITIONS: dict[TrialState, frozenset[TrialState]] = {
    TrialState.WANTED: frozenset({TrialState.RUNNING, TrialState.PRUNED, TrialState.FAILED}),
    # Back to wanted: its attempt was lost and another must go on from the last checkpoint.
    TrialState.RUNNING: frozenset({TrialState.WANTED, TrialState.PAUSED}) | TRIAL_ENDS,
    TrialState.PAUSED: frozenset({TrialState.WANTED, TrialState.PRUNED}),
    **{end: frozenset() for end in TRIAL_ENDS},
    # A later command tries a failed baseline again: what was missing may be there now.
    **{end: frozenset({TrialState.WANTED}) for end in TRIAL_FAILURES},
}


class AttemptState(str, Enum):
    """One start of a trial's process. STARTING is written before the process is."""

    STARTING = "starting"
    RUNNING = "running"
    ENDED = "ended"


ATTEMPT_TRANSITIONS: dict[AttemptState, frozenset[AttemptState]] = {
    AttemptState.STARTING: frozenset({AttemptState.RUNNING, AttemptState.ENDED}),
    AttemptState.RUNNING: frozenset({AttemptState.ENDED}),
    AttemptState.ENDED: frozenset(),
}


class Purpose(str, Enum):
    """Why a trial exists."""

    BASELINE = "baseline"
    SEARCH = "search"
    CONFIRM_WINNER = "confirm-winner"
    CONFIRM_BASELINE = "confirm-baseline"
    EPOCHS_ONLY = "epochs-only"
