"""One live attempt, as the reconciler sees it: rebuilt from the ledger and the runtime whenever needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pushtune.ledger import AttemptRow
from pushtune.model.ports import Handle
from pushtune.trial import Progress, Watcher, merge

LONGEST_GAP = 600.0
"""Seconds between two looks beyond which the clock was set or the machine slept: nobody trained then."""


@dataclass
class LiveAttempt:
    """A process that lives, or did when it was last looked at.

    ``training``: it is not waiting at a rung. ``trained`` are the seconds of training of its trial so far,
    ``silent`` those since it last told or printed anything. ``counted_at`` is when they were last added up
    (unix seconds). ``said_last`` are the seconds since it said its last word. ``peak`` is in bytes.
    ``unsent``: its newest order could not be written yet. ``full`` is the place whose full disk it ended for.
    ``written_off``: the ledger knows of its end. ``earlier`` is what the attempts before it told.
    """

    row: AttemptRow
    handle: Handle
    folder: Path
    watcher: Watcher
    order: int
    counted_at: float
    trained: float = 0.0
    training: bool = False
    silent: float = 0.0
    peak: int = 0
    beaten_at: float = 0.0
    looked_at: float = 0.0
    unsent: bool = False
    full: str = ""
    written_off: bool = False
    said_last: float = 0.0
    printed: tuple[int, int] = (0, 0)
    earlier: tuple[Progress, ...] = ()
    progress: Progress = field(default_factory=Progress)

    @property
    def waits(self) -> bool:
        """Whether it is blocked at its rung, having taken up its newest order."""
        return self.progress.paused_at is not None and self.progress.order_obeyed == self.order

    def count_time(self, now: float) -> None:
        """Add up the time since the last look, if it trained."""
        passed = now - self.counted_at
        self.counted_at = now
        if self.training and 0 <= passed <= LONGEST_GAP:
            self.trained += passed
            self.silent += passed
        if 0 <= passed <= LONGEST_GAP and (self.progress.finished or self.progress.failed is not None):
            self.said_last += passed

    @property
    def told(self) -> Progress:
        """What all attempts of its trial told so far, joined."""
        return merge([*self.earlier, self.progress])

    def read(self, *, all_of_it: bool = False) -> Progress:
        """Read what it has told since the last look (``all_of_it``: it has ended); return what was known."""
        before = self.progress
        self.progress = self.watcher.read(all_of_it=all_of_it)
        printed = self.watcher.printed()
        if self.progress is not before or printed != self.printed:
            self.silent = 0.0
        self.printed = printed
        return before

    def train_from(self, now: float) -> None:
        """Note that it trains from now on."""
        self.training, self.counted_at, self.silent = True, now, 0.0
