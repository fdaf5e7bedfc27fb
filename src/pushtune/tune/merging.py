"""Putting together what helped apart: changes that several trials showed to be good, in one configuration.

The first trials change few parameters each; what they gain mostly adds up. A sampler that models the whole
space finds that sum late, if at all, in a few dozen trials.
"""

from __future__ import annotations

from pushtune.model.space import Assignment, Value, canonical
from pushtune.tune.study import Study, Trial

AUTHOR = 1
"""The trial that has the author's own values, with more epochs."""


def merged(study: Study) -> Assignment | None:
    """Return the best trial's values, and those of all others that beat the author's where these are free.

    Each is compared at the highest epoch that both it and the author's values reached. None where there
    is nothing to put together, or where it was tried.
    """
    gains = [(gain, trial) for trial in study.candidates() if (gain := _gain(study, trial)) > 0]
    gains.sort(key=lambda item: (-item[0], item[1].number))
    values: dict[str, Value] = {}
    for _, trial in gains:
        for name, value in trial.configuration.values:
            values.setdefault(name, value)
    proposal = canonical(study.space, Assignment.of(values))
    return proposal if values and proposal.key not in study.seen() else None


def _gain(study: Study, trial: Trial) -> float:
    """Return how much better the trial was than the author's values after as many epochs; 0 if unknown."""
    author = study.trials.get(AUTHOR)
    if author is None or trial is author or trial.again is not None or trial.failed:
        return 0.0
    both = set(author.levels) & set(trial.levels)
    if both:
        last = max(both)
        return trial.levels[last] - author.levels[last]
    return 0.0
