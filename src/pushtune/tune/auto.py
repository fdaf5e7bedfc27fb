"""The default strategy: rungs under a sampler that learns, the author's own values first."""

from __future__ import annotations

from collections.abc import Callable

from pushtune.model.jobs import Ask, Job, OutcomeKind
from pushtune.model.space import Assignment
from pushtune.tune.ending import (
    finish_what_meets_the_target,
    go_on_or_show,
    more_epochs_for_a_near_miss,
    reason_to_end,
    wind_down,
)
from pushtune.tune.proposals import propose
from pushtune.tune.rungs import ladder, promotable
from pushtune.tune.study import Study

_MOST_STARTS = 2
"""A configuration that is cut short again and again is cut short for its own sake."""

Sampler = Callable[[Study], "Assignment | None"]
"""Returns a configuration that was not tried yet, without epochs; None if there is none left."""


class Auto:
    """ASHA over epochs where the script can be paused, else one piece a trial; ``sampler`` proposes."""

    name = "auto"

    def __init__(self, sampler: Sampler = propose) -> None:
        self._sampler = sampler

    def next(self, study: Study) -> Ask:
        """Return the next step: finish what meets the target, promote, start, or wind down."""
        if study.closed is not None:
            return wind_down(study, study.closed, further=False)
        job = finish_what_meets_the_target(study) or more_epochs_for_a_near_miss(study)
        if job is not None:
            return job
        if study.uses_rungs and (trial := promotable(study)) is not None:
            return go_on_or_show(study, trial)
        over = reason_to_end(study)
        if over is None:
            configuration = self._next_configuration(study)
            if configuration is not None:
                return start(study, configuration)
            over = "every configuration was tried"
        return wind_down(study, over, further=True)

    def _next_configuration(self, study: Study) -> Assignment | None:
        epochs = study.space.epochs
        if study.started == 0 and study.uses_rungs and epochs is not None and epochs.maximum > epochs.author:
            return Assignment()  # the author's own values, with more time than the author gave them
        return _cut_short(study) or self._sampler(study)


def _cut_short(study: Study) -> Assignment | None:
    """Return a configuration that was ended before it showed anything, None if there is none.

    Another one had met the target then; that this one is asked for again says that it lost it since.
    """
    lost = [trial for trial in study.candidates() if trial.kind is OutcomeKind.PRUNED and not trial.levels]
    others = {trial.configuration.key for trial in study.candidates() if trial not in lost}
    tried = [trial.configuration for trial in lost]
    return next((one for one in tried if one.key not in others and tried.count(one) < _MOST_STARTS), None)


def start(study: Study, configuration: Assignment) -> Job:
    """Return the job that starts a new trial: to the first rung, or in one piece where there are none."""
    if not study.uses_rungs or study.space.epochs is None:
        return Job(study.asks, study.next_number, configuration, 0, None, finish=True)
    epochs = study.space.epochs
    first = ladder(study)[0]
    values = configuration.as_dict()
    if epochs.maximum != epochs.author:
        values[epochs.parameter] = epochs.maximum
    return Job(study.asks, study.next_number, Assignment.of(values), 0, first, finish=first == epochs.maximum)
