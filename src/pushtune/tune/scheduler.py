"""The search as the rest of the house sees it: ask for the next job, tell what came of it.

Pure and deterministic: no clock, no files, no threads (one caller at a time). Every call but ``best`` and
``history`` is an event; the same events in the same order give the same state and the same next answer,
so replaying the ledger rebuilds a search. ``Wait`` and ``Stop`` change nothing: they need not be recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pushtune.errors import UsageError
from pushtune.model.analysis import Direction
from pushtune.model.jobs import Ask, Best, HistoryRow, Job, Outcome, RunProgram
from pushtune.model.space import Assignment, Space
from pushtune.model.target import Target
from pushtune.tune.auto import Auto
from pushtune.tune.base import Strategy
from pushtune.tune.ending import target_met
from pushtune.tune.grow import Grow
from pushtune.tune.leader import best_of
from pushtune.tune.program import Program, history
from pushtune.tune.settings import SearchSettings
from pushtune.tune.study import Study

STRATEGIES: Mapping[str, Strategy] = MappingProxyType(
    {strategy.name: strategy for strategy in (Auto(), Grow(), Program())}
)
"""Every strategy by its name on the command line."""


class Scheduler:
    """One search. ``baseline`` is what trial 0, the untouched script, came to; trials count from 1."""

    def __init__(
        self,
        space: Space,
        direction: Direction,
        target: Target | None,
        settings: SearchSettings,
        baseline: Outcome,
        *,
        strategies: Mapping[str, Strategy] = STRATEGIES,
    ) -> None:
        """Begin a search. ``UsageError`` if ``strategies`` has none of the name in ``settings``."""
        if settings.strategy not in strategies:
            raise UsageError(
                f"there is no strategy called {settings.strategy!r}",
                fix=f"choose one of {', '.join(strategies)}",
            )
        self._strategy = strategies[settings.strategy]
        self._study = Study(space, direction, target, settings, baseline)

    def ask(self) -> Ask:
        """Return what to do with a free slot.

        ``Wait``: nothing can start before something is told. ``Stop``: the search is over; jobs still out
        may be told or left, and a larger budget or a confirmation that missed may open it again.
        """
        study = self._study
        stop = target_met(study)
        if stop is not None:
            return stop
        step = self._strategy.next(study)
        if isinstance(step, Job):
            study.begin(step)
        elif isinstance(step, RunProgram):
            study.begin_program()
        return step

    def tell(self, job: Job, outcome: Outcome) -> None:
        """Say what came of a job. ``ValueError`` if that job is not out.

        ``PRUNED`` says that a trial was ended from outside and cannot go on; what it showed stays true.
        """
        self._study.tell(job, outcome)

    def tell_program(self, request: RunProgram, assignment: Assignment | None, message: str) -> None:
        """Say what the tweak program gave, None for nothing. ``ValueError`` if it was not asked."""
        self._study.tell_program(request, assignment, message)

    def tell_confirmation(self, assignment: Assignment, mean: float) -> None:
        """Replace a candidate's single value by its mean over several seeds.

        ``assignment`` is the one that ``best`` gave. The search can go on; it cannot be stopped by
        this candidate again.
        """
        self._study.confirm(assignment, mean)

    def set_budget(self, trials: int) -> None:
        """Set the number of configurations to start; more than were used opens a finished search again."""
        self._study.set_budget(trials)

    def set_most_epochs(self, maximum: int) -> None:
        """Set how many epochs a trial may train, from the next that starts."""
        self._study.set_most_epochs(maximum)

    def close(self, reason: str) -> None:
        """Time is up: start nothing new, finish the best candidate, then stop for ``reason``."""
        self._study.closed = reason

    def best(self) -> Best | None:
        """Return the best candidate so far, the author's script among them; None if nothing gave a value."""
        return best_of(self._study)

    def history(self) -> tuple[HistoryRow, ...]:
        """Return the last thing told of every trial, the baseline first."""
        return history(self._study)
