"""How many epochs a trial may have where the time is limited, counted again when trials run side by side.

The baseline runs alone, and first: on a shared machine, with cold caches, it may take twice the time that
the same epochs take a minute later. The first trial is the author's own model again; where the baseline
had all the epochs that it allowed, the first trial is a larger model mostly, and the count a cautious one.
"""

from __future__ import annotations

from pushtune.ledger import TrialRow
from pushtune.model.space import Epochs
from pushtune.model.states import Purpose
from pushtune.pipeline.costs import most_epochs
from pushtune.pipeline.workbench import Workbench
from pushtune.trial import read_trial


def pace(bench: Workbench) -> None:
    """Fix the most epochs of the trials to come, once: when the first trial has come to its first rung.

    The search is told before the study's facts are changed; killed in between, it finds what it was told.
    """
    if bench.settings.time is None or bench.fact("first_max_epochs"):
        return
    epochs, baseline = bench.space.epochs, bench.baseline
    if epochs is None or baseline is None or not epochs.rungs:
        return
    told = [row for row in bench.of_purpose(Purpose.SEARCH) if row.told]
    again = next((row for row in told if epochs.maximum == epochs.author or _own(row, epochs)), None)
    if again is None:
        return
    seconds = [*_epoch_seconds(bench, baseline), *_epoch_seconds(bench, again)]
    maximum = bench.search.most_epochs_set()
    if maximum is None:
        maximum = most_epochs(bench, baseline, bench.fact("startup_seconds", 0.0), seconds)
        assert maximum is not None
        if maximum != epochs.maximum:
            bench.search.set_most_epochs(maximum)
            bench.say(f"as fast as trials run now, {maximum} {epochs.unit}s a trial fit into the time given")
    fastest = min((second for second in seconds if second > 0), default=None)
    bench.fix(first_max_epochs=epochs.maximum, max_epochs=maximum, own_epoch_seconds=fastest)


def _own(row: TrialRow, epochs: Epochs) -> bool:
    """Whether a trial has the author's own values, but for the number of epochs."""
    return row.assignment.source is None and set(row.assignment.as_dict()) <= {epochs.parameter}


def _epoch_seconds(bench: Workbench, row: TrialRow) -> tuple[float, ...]:
    return read_trial(bench.trial_folder(row.number)).epoch_seconds
