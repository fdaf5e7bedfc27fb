"""The rows as frozen records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pushtune.model.space import Assignment
from pushtune.model.states import (
    TRIAL_ENDS,
    AttemptState,
    Purpose,
    PushState,
    StageName,
    StageState,
    TrialState,
)


@dataclass(frozen=True)
class StudyRow:
    """One study. ``spent`` is in seconds; ``facts`` are fixed while it lives (threads, slots, epochs)."""

    id: str
    key: str
    root: str
    entry: str
    workdir: str
    args: tuple[str, ...]
    target: str | None
    metric: str | None
    strategy: str
    seed: int
    created: float
    spent: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PushRow:
    """One way through the stages."""

    id: int
    study: str
    state: PushState
    created: float
    ended: float | None
    reason: str


@dataclass(frozen=True)
class StageRow:
    """One stage of one push."""

    push: int
    name: StageName
    state: StageState
    started: float | None
    ended: float | None
    message: str


@dataclass(frozen=True)
class Exchange:
    """One call of the scheduler, as it was recorded before or as it was made."""

    number: int
    kind: str
    body: dict[str, Any]


@dataclass(frozen=True)
class TrialRow:
    """One trial: what is wanted of it, and what it reached. ``memory`` is its peak in bytes."""

    study: str
    number: int
    purpose: Purpose
    seed: int
    assignment: Assignment
    state: TrialState
    to_epoch: int | None
    finish: bool
    job: int | None
    told: bool
    epochs: int
    value: float | None
    report: float | None
    seconds: float
    memory: int
    curve: tuple[float, ...]
    message: str
    created: float
    ended: float | None

    @property
    def over(self) -> bool:
        """Whether it has come to one of its ends."""
        return self.state in TRIAL_ENDS


@dataclass(frozen=True)
class AttemptRow:
    """One start of a trial's process. ``order`` is the number of the newest order given to it."""

    study: str
    trial: int
    number: int
    label: str
    identity: str
    state: AttemptState
    order: int
    from_epoch: int
    started: float
    ended: float | None
    code: int | None
    note: str
