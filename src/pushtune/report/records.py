"""What a report is made from: plain frozen records, filled by whoever holds the ledger.

Values are in the metric's own unit (an accuracy of 0.98 is ``0.98``), times in seconds. Every text may
come from a stranger's script; the renderers treat all of it as text.
"""

from __future__ import annotations

import math
import shlex
import statistics
from dataclasses import dataclass, field

from pushtune.model.analysis import Direction
from pushtune.model.space import Assignment, Value
from pushtune.model.states import Purpose, TrialState
from pushtune.model.target import Target


@dataclass(frozen=True)
class Arm:
    """One program measured on several seeds: the winner, the author's script, or a control.

    ``values`` holds one *report* value a seed, ``data`` says what they were measured on (``"test set"``).
    ``trials`` are the trials' numbers in the same order, where they are known.
    """

    name: str
    values: tuple[float, ...]
    data: str
    epochs: int | None = None
    trials: tuple[int, ...] = ()

    @property
    def mean(self) -> float | None:
        """The mean over the seeds, None without a finite value."""
        values = self._finite()
        return statistics.fmean(values) if values else None

    @property
    def std(self) -> float | None:
        """The sample standard deviation (divided by n - 1), None for fewer than two seeds."""
        values = self._finite()
        return statistics.stdev(values) if len(values) > 1 else None

    def _finite(self) -> list[float]:
        return [value for value in self.values if math.isfinite(value)]


@dataclass(frozen=True)
class TrialRecord:
    """One trial as the report shows it.

    ``value`` is the selection value (what the search saw), ``report`` what the script itself ended with.
    ``curve`` holds the selection value after each epoch, from epoch 1. ``epochs`` is None where the
    script has none. ``message`` says why it failed, in one line.
    """

    number: int
    purpose: Purpose
    state: TrialState
    assignment: Assignment = field(default_factory=Assignment)
    seed: int = 0
    epochs: int | None = None
    value: float | None = None
    report: float | None = None
    seconds: float = 0.0
    curve: tuple[float, ...] = ()
    message: str = ""


@dataclass(frozen=True)
class Change:
    """One knob or move that the winner sets otherwise than the author; ``line`` 0 where there is none."""

    name: str
    before: Value
    after: Value
    file: str = ""
    line: int = 0
    what: str = ""


@dataclass(frozen=True)
class CommandLine:
    """How the script is started, where the winner is started with other arguments: no patch holds them.

    ``start`` is the command without its arguments (``python train.py``).
    """

    start: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def yours(self) -> str:
        """The author's command, as a shell reads it."""
        return " ".join(filter(None, (self.start, shlex.join(self.before))))

    @property
    def winners(self) -> str:
        """The winner's command, as a shell reads it."""
        return " ".join(filter(None, (self.start, shlex.join(self.after))))


@dataclass(frozen=True)
class Demoted:
    """A candidate that led the search and lost its lead when it was trained again.

    ``searched`` is the value that the search saw, None where it is not known; ``arm`` holds all its runs.
    """

    arm: Arm
    assignment: Assignment
    trial: int | None = None
    searched: float | None = None


@dataclass(frozen=True)
class ReportFile:
    """A file that the study wrote, as the user should type its path, and what it is."""

    path: str
    what: str


@dataclass(frozen=True)
class StudyReport:
    """A whole study, for a reader who was not there.

    ``metric_source`` says in words where the metric was read and why that one; ``chosen_on`` what data the
    search measured on, ``looks`` how often it did. ``winner`` is None where nothing better than the
    author's script was found (or the script met the target by itself); ``confirmed`` says that winner
    and baseline were run on further seeds. ``controls`` are arms shown beside them, such as the author's
    script with only its epochs changed. ``command`` is there where the winner's arguments are others than
    the author's. ``demoted`` are candidates that further seeds did not bear out. ``started`` is a date in
    words or ISO form.
    """

    study: str
    title: str
    script: str
    metric: str
    direction: Direction
    baseline: Arm | None
    winner: Arm | None
    trials: tuple[TrialRecord, ...]
    why_stopped: str
    target: Target | None = None
    winner_trial: int | None = None
    confirmed: bool = False
    controls: tuple[Arm, ...] = ()
    changes: tuple[Change, ...] = ()
    diff: str = ""
    command: CommandLine | None = None
    demoted: tuple[Demoted, ...] = ()
    metric_source: str = ""
    chosen_on: str = ""
    looks: int = 0
    reproduce: tuple[str, ...] = ()
    files: tuple[ReportFile, ...] = ()
    next_command: str = ""
    warnings: tuple[str, ...] = ()
    machine: str = ""
    versions: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0
    started: str = ""

    @property
    def best(self) -> Arm | None:
        """What is returned to the author: the winner, or else their own script."""
        return self.winner or self.baseline

    @property
    def arms(self) -> tuple[Arm, ...]:
        """Every arm, the winner first and the author's script second."""
        return tuple(arm for arm in (self.winner, self.baseline) if arm is not None) + self.controls

    @property
    def gain(self) -> float | None:
        """How much better the winner's mean is than the baseline's; positive is better either way."""
        if self.winner is None or self.baseline is None:
            return None
        after, before = self.winner.mean, self.baseline.mean
        if after is None or before is None:
            return None
        return after - before if self.direction == "max" else before - after

    @property
    def noise(self) -> float | None:
        """The larger standard deviation of winner and baseline over their seeds, None if unknown."""
        deviations = [
            arm.std for arm in (self.winner, self.baseline) if arm is not None and arm.std is not None
        ]
        return max(deviations) if deviations else None

    @property
    def within_noise(self) -> bool:
        """Whether there is a winner whose gain may be the seed's doing: less than twice what seeds do.

        One run of each says nothing about that.
        """
        if self.gain is None:
            return False
        return self.noise is None or self.gain < 2 * self.noise

    @property
    def target_met(self) -> bool | None:
        """Whether the best arm's mean reaches the target; None without a target."""
        if self.target is None:
            return None
        return self.best is not None and self.target.met_by(self.best.mean)
