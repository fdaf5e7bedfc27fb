"""What a person who watches sees: a frozen picture of a study, taken between two steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pushtune.ledger import TrialRow
from pushtune.model.space import Assignment
from pushtune.model.states import StageName
from pushtune.model.target import Target


@dataclass(frozen=True)
class Snapshot:
    """A study now. ``elapsed`` and ``remaining`` are seconds; ``remaining`` is None where nobody can say."""

    study: str
    script: str
    metric: str
    target: Target | None
    stage: StageName | None
    trials: tuple[TrialRow, ...]
    budget: int | None
    slots: int
    max_epochs: int | None
    baseline: float | None
    best: float | None
    best_trial: int | None
    best_assignment: Assignment | None
    elapsed: float
    remaining: float | None


class Watcher(Protocol):
    """Whoever watches a study: a terminal, a pipe, a file of JSON lines. Called from one thread.

    ``draws``: whether it wants pictures; taking them costs a few per cent of a core.
    """

    draws: bool

    def say(self, line: str) -> None:
        """Take one line that stays."""

    def show(self, snapshot: Snapshot) -> None:
        """Take a picture that replaces the one before; called about twice a second, if it ``draws``."""
