"""The state of a search: its trials and what was told of them. Strategies only read it."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import takewhile

from pushtune.model.analysis import Direction
from pushtune.model.jobs import Job, Outcome, OutcomeKind, RunProgram
from pushtune.model.space import Assignment, Space, canonical
from pushtune.model.target import Target
from pushtune.tune.settings import SearchSettings

FAILURES = frozenset(
    {
        OutcomeKind.FAILED,
        OutcomeKind.OUT_OF_MEMORY,
        OutcomeKind.TIMED_OUT,
        OutcomeKind.DIVERGED,
        OutcomeKind.LOST,
    }
)


@dataclass
class Trial:
    """One candidate as the search sees it. Only ``Study`` changes it.

    ``configuration`` leaves out the epochs; ``limit`` is what its source says about them (None: the script
    runs in one piece); ``asked`` is where it was told to end its script. ``ordinal`` counts the
    configurations started up to it. ``again`` is the trial whose best epoch this one trains anew, or None.
    Goodness is the value turned so that more is better. ``levels``: goodness at the epochs where it was
    told; ``curve``: goodness after each epoch, empty where only a proxy was seen.
    """

    number: int
    configuration: Assignment
    limit: int | None
    ordinal: int = 0
    again: int | None = None
    running: Job | None = None
    kind: OutcomeKind | None = None
    epoch: int = 0
    asked: int | None = None
    goodness: float | None = None
    curve: tuple[float, ...] = ()
    levels: dict[int, float] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether it ended in a way that no candidate should."""
        if self.kind is OutcomeKind.FINISHED:
            return self.goodness is None
        return self.kind in FAILURES

    @property
    def paused(self) -> bool:
        """Whether it stands at a rung and could go on."""
        return self.kind is OutcomeKind.PAUSED and self.running is None

    @property
    def finished(self) -> bool:
        """Whether its script ran to the end and gave a value."""
        return self.kind is OutcomeKind.FINISHED and self.goodness is not None

    @property
    def source_epochs(self) -> int | None:
        """The number of epochs that a finished trial's source must say to give the same.

        That is where it was ended; a script that ended by itself before (early stopping) keeps what it said.
        """
        if self.asked is None or self.epoch < self.asked:
            return self.limit
        return self.asked


class Study:
    """All that was asked and told, in memory. Built anew from the ledger by replaying the same calls."""

    def __init__(
        self,
        space: Space,
        direction: Direction,
        target: Target | None,
        settings: SearchSettings,
        baseline: Outcome,
    ) -> None:
        self.space = space
        self.target = target
        self.settings = settings
        self.sign = 1.0 if direction == "max" else -1.0
        self.budget = settings.trials
        self.closed: str | None = None
        self.confirmed: dict[str, float] = {}
        self.asks = 0
        self.misses = 0
        self.program_says = ""
        self.program_asked = False
        self.answer: Assignment | None = None
        self._newest_better = 0
        self._records: dict[tuple[bool, int], float] = {}
        author = None if space.epochs is None else space.epochs.author
        self.trials: dict[int, Trial] = {0: Trial(0, Assignment(), author, asked=author)}
        self._note(self.trials[0], baseline)
        seen, real = self._goodness(baseline.value), self._goodness(baseline.report)
        self.baseline_optimism = 0.0 if seen is None or real is None else seen - real

    @property
    def uses_rungs(self) -> bool:
        """Whether trials pause between epochs to be compared."""
        return self.space.epochs is not None and self.space.epochs.rungs and self.settings.rungs

    @property
    def patience(self) -> int:
        """Started trials without anything better before the search gives up."""
        given = self.settings.patience
        return max(12, self.budget // 2) if given is None else given

    @property
    def started(self) -> int:
        """Configurations started; the baseline and second trainings of one configuration do not count."""
        return sum(1 for trial in self.candidates() if trial.again is None)

    @property
    def idle(self) -> int:
        """How many configurations in a row, up to the last started, brought nothing better."""
        return self.started - self._newest_better

    @property
    def next_number(self) -> int:
        """The number of the next trial."""
        return len(self.trials)

    def candidates(self) -> Iterator[Trial]:
        """Yield every trial but the baseline, in order."""
        return (trial for number, trial in self.trials.items() if number > 0)

    def running(self) -> bool:
        """Whether any job is out."""
        return any(trial.running is not None for trial in self.trials.values())

    def chance(self) -> random.Random:
        """Return the present ask's generator; it depends on the study's seed and the ask's number only."""
        return random.Random(f"{self.settings.seed}:{self.asks}")  # noqa: S311 - reproducible on purpose

    def seen(self) -> set[str]:
        """Return the keys of all configurations that were started, the baseline's too."""
        return {trial.configuration.key for trial in self.trials.values()}

    def source(self, trial: Trial, epochs: int | None) -> Assignment:
        """Return the trial's assignment with ``epochs`` written into it (None: the author's)."""
        budget = self.space.epochs
        if budget is None or epochs is None or epochs == budget.author:
            return trial.configuration
        return trial.configuration.with_value(budget.parameter, epochs)

    def confirmed_goodness(self, trial: Trial) -> float | None:
        """Return the mean goodness over several seeds of a finished trial's source, None if not confirmed."""
        return self.confirmed.get(self.source(trial, trial.source_epochs).key)

    def meets_target(self, goodness: float | None) -> bool:
        """Whether a goodness reaches the target, if there is one."""
        return self.target is not None and goodness is not None and self.target.met_by(self.sign * goodness)

    def begin(self, job: Job) -> None:
        """Note that ``job`` was handed out. A trial that is not known yet is started."""
        self.asks += 1
        self.answer = None
        trial = self.trials.get(job.trial)
        if trial is None:
            trial = self._start(job)
        trial.running = job

    def tell(self, job: Job, outcome: Outcome) -> None:
        """Note what came of ``job``. ``ValueError`` if that job is not out."""
        trial = self.trials.get(job.trial)
        if trial is None or trial.running != job:
            raise ValueError(f"job {job.number} of trial {job.trial} is not out")
        trial.running = None
        trial.asked = job.to_epoch if job.finish else trial.limit
        self._note(trial, outcome)

    def begin_program(self) -> None:
        """Note that the tweak program was asked."""
        self.asks += 1
        self.program_asked = True

    def tell_program(self, request: RunProgram, assignment: Assignment | None, message: str) -> None:
        """Note the program's answer; one that was tried counts as none. ``ValueError`` if not asked."""
        if not self.program_asked or request.number != self.asks - 1:
            raise ValueError(f"the tweak program was not asked under number {request.number}")
        self.program_asked = False
        self.program_says = message
        self.answer = assignment if assignment is not None and self._is_news(assignment) else None
        self.misses = self.misses + 1 if self.answer is None else 0

    def _is_news(self, assignment: Assignment) -> bool:
        """Whether an assignment names parameters of this space only and was not tried."""
        names = {parameter.name for parameter in self.space.parameters}
        if self.space.epochs is not None:
            names.add(self.space.epochs.parameter)
        known = names.issuperset(assignment.as_dict())
        return known and all(self.source(trial, trial.limit) != assignment for trial in self.trials.values())

    def confirm(self, assignment: Assignment, mean: float) -> None:
        """Note a candidate's mean over several seeds, as it is told (not yet turned)."""
        self.confirmed[assignment.key] = self.sign * mean

    def set_budget(self, trials: int) -> None:
        """Note a new budget. It opens a closed search, and patience begins anew."""
        self.budget = trials
        self.closed = None
        self._newest_better = self.started

    def set_most_epochs(self, maximum: int) -> None:
        """Note how many epochs new trials may train; those that started keep what their source says."""
        if self.space.epochs is not None:
            self.space = replace(self.space, epochs=replace(self.space.epochs, maximum=maximum))

    def _start(self, job: Job) -> Trial:
        budget = self.space.epochs
        values = job.assignment.as_dict()
        limit = None
        if budget is not None:
            limit = int(values.pop(budget.parameter, None) or budget.author)
        configuration = canonical(self.space, Assignment.of(values, source=job.assignment.source))
        again = None
        if job.finish and job.to_epoch is not None:
            same = (trial.number for trial in self.candidates() if trial.configuration == configuration)
            again = next(same, None)
        ordinal = self.started + (again is None)
        trial = Trial(job.trial, configuration, limit, ordinal, again)
        self.trials[job.trial] = trial
        return trial

    def _note(self, trial: Trial, outcome: Outcome) -> None:
        goodness = self._goodness(outcome.value)
        kind = outcome.kind
        if kind is OutcomeKind.PRUNED:
            trial.kind = kind
            return
        if goodness is None and kind is OutcomeKind.PAUSED:
            kind = OutcomeKind.DIVERGED  # a value that is not a number: nothing to compare it by
        trial.kind, trial.goodness = kind, goodness
        trial.epoch = max(trial.epoch, outcome.epochs)
        trial.curve = self._curve(outcome)
        if goodness is not None and (kind is OutcomeKind.PAUSED or trial.curve):
            trial.levels[trial.epoch] = goodness
        self._note_progress(trial)

    def _note_progress(self, trial: Trial) -> None:
        """Remember the newest configuration that was the best so far at the epoch it had reached."""
        if trial.failed or trial.goodness is None or trial.again is not None:
            return
        # Proxies and real values are not on one scale, nor are values after different epochs.
        real = trial.finished or bool(trial.curve)
        level = (real, trial.epoch if self.uses_rungs else 0)
        if trial.goodness > self._records.get(level, -math.inf):
            self._records[level] = trial.goodness
            self._newest_better = max(self._newest_better, trial.ordinal)

    def _curve(self, outcome: Outcome) -> tuple[float, ...]:
        """Return the curve as goodness, up to the first value that is not a number."""
        values = (self._goodness(value) for value in outcome.curve)
        return tuple(
            value for value in takewhile(lambda value: value is not None, values) if value is not None
        )

    def _goodness(self, value: float | None) -> float | None:
        if value is None or not math.isfinite(value):
            return None
        return self.sign * value
