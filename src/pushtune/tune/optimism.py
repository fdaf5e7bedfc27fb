"""By how much the search's own value flatters a candidate, learnt from those whose real value is known.

The search looks at a small validation set, many times, and the best of many looks is partly luck. The
baseline shows what it saw beside the script's own last word, and so does each confirmation beside its mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import mean

from pushtune.model.space import Assignment
from pushtune.tune.study import Study, Trial


def optimism(study: Study, trial: Trial) -> float:
    """Return by how much the goodness that ``trial`` showed is expected to be too high, never below 0.

    A configuration that was confirmed has its own difference, with whatever number of epochs. For others it
    is the mean difference over the *k* that are known, times *k* / (*k* + 1): as though one more had none.
    """
    known = list(_known(study))
    own = [difference for configuration, difference in known if configuration == trial.configuration]
    if own:
        return max(0.0, mean(own))
    return max(0.0, sum(difference for _, difference in known) / (len(known) + 1))


def _known(study: Study) -> Iterator[tuple[Assignment, float]]:
    """Yield the configurations whose real goodness is known, and what the search saw above that."""
    yield study.trials[0].configuration, study.baseline_optimism
    for trial in study.candidates():
        real = study.confirmed_goodness(trial)
        if trial.finished and trial.goodness is not None and real is not None:
            yield trial.configuration, trial.goodness - real
