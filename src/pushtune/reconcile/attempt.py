"""One live attempt, as the reconciler sees it: rebuilt from the ledger and the runtime whenever needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pushtune.ledger import AttemptRow
from pushtune.model.ports import Handle
from pushtune.trial import Progress, Watcher


@dataclass
class LiveAttempt:
    """A process that lives, or did when it was last looked at.

    ``training_since`` is when it began to train (unix seconds), None while it waits at a rung;
    ``trained`` the seconds of training before that. ``peak`` is in bytes.
    """

    row: AttemptRow
    handle: Handle
    folder: Path
    watcher: Watcher
    order: int
    training_since: float | None
    trained: float = 0.0
    peak: int = 0
    beaten_at: float = 0.0
    looked_at: float = 0.0
    progress: Progress = field(default_factory=Progress)

    @property
    def waits(self) -> bool:
        """Whether it is blocked at its rung, having taken up its newest order."""
        return self.progress.paused_at is not None and self.progress.order_obeyed == self.order

    def training_seconds(self, now: float) -> float:
        """Return the seconds it has trained so far."""
        running = 0.0 if self.training_since is None else now - self.training_since
        return self.trained + running

    def stop_counting(self, now: float) -> None:
        """Note that it trains no longer (it came to a rung)."""
        self.trained = self.training_seconds(now)
        self.training_since = None
