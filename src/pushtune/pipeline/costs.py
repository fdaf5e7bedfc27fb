"""What a trial costs and what the whole will cost, from what the baseline took."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pushtune.ledger import TrialRow
from pushtune.model.states import Purpose, TrialState
from pushtune.pipeline.prepare import slots
from pushtune.pipeline.workbench import Workbench

_ETA = 3
# How much dearer an epoch of a promising candidate is than one of the author's: bigger models win.
# Measured on the examples: winners take 1.2 to 2.5 times the baseline's time an epoch.
_GROWTH = 1.7
# Where the time is limited: how much dearer an epoch may be. The best candidates of `fashion_cnn` are two to
# three times as dear; with less room they were ended as too slow, with more there was no time for epochs.
_ROOM = 3.0
_FEWEST_STEPS = 300
_LATEST_FIRST_RUNG = 27
# The last rung is at most so many times the first.
_WIDEST_LADDER = 81
# Where the time is limited: the part of it that finishing the leader and confirming it may take. With more,
# a dozen trials were left of `fashion_cnn`'s half hour; with less, too few epochs for its target.
_SHARE_OF_THE_END = 0.5


@dataclass(frozen=True)
class Estimate:
    """Seconds: one trial in full, and the whole with its confirmation. ``epochs`` a trial at most."""

    trial: float
    whole: float
    epochs: int | None
    trials: int
    slots: int
    unit: str = "epoch"

    def sentence(self) -> str:
        """Say it to a person."""
        epochs = f" of {self.epochs} {self.unit}s" if self.epochs else ""
        return (
            f"a trial{epochs} costs about {span(self.trial)}; {self.trials} trials, {self.slots} at a time, "
            f"and a confirmation: about {span(self.whole)}"
        )


def span(seconds: float) -> str:
    """Return a length of time as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def estimate(bench: Workbench, baseline: TrialRow) -> Estimate:
    """Estimate the whole from the baseline. With rungs a third of the trials reaches each next rung."""
    epochs = bench.space.epochs
    trials = bench.fact("trials")
    width = slots(bench)
    if epochs is None or not epochs.rungs:
        trial = baseline.seconds
        whole = trial * trials / width
    else:
        startup = bench.fact("startup_seconds", 0.0)
        per_epoch = _GROWTH * (baseline.seconds - startup) / max(1, epochs.author)
        trial = startup + per_epoch * epochs.maximum
        trained = _rung_epochs(trials, epochs.maximum, bench.fact("first_rung"))
        whole = (trials * startup + per_epoch * trained) / width
    confirmation = confirmation_seconds(bench, trial, baseline)
    whole += confirmation
    if bench.settings.time is not None:
        whole = min(whole, bench.settings.time)
    most = epochs.maximum if epochs and epochs.rungs else None
    return Estimate(trial, whole, most, trials, width, epochs.unit if epochs else "epoch")


def _rung_epochs(trials: int, maximum: int, first: int) -> float:
    """Epochs trained in all, when a third goes on from each rung first, 3·first, …, maximum."""
    total, alive, done, rung = 0.0, float(trials), 0, first
    while done < maximum:
        reached = min(rung, maximum)
        total += max(alive, 1.0) * (reached - done)
        done, alive, rung = reached, alive / _ETA, rung * _ETA
    return total


def most_epochs(
    bench: Workbench, baseline: TrialRow, startup: float, epoch_seconds: Iterable[float]
) -> int | None:
    """Return the most epochs that one trial may train.

    What was asked for, else what the space says; but where the time is limited no more than lets the
    leader be trained in full and confirmed within its share of it. ``startup`` are the seconds that a run
    takes beside its epochs, ``epoch_seconds`` those of the author's own model, of which the fastest counts:
    other work on the machine makes some slower, and none faster.
    """
    epochs = bench.analysis.space.epochs
    if epochs is None:
        return None
    if bench.settings.max_epochs is not None:
        return bench.settings.max_epochs
    limit = bench.settings.time
    if limit is None:
        return epochs.maximum
    whole = baseline.seconds / max(1, epochs.author)
    fastest = min((seconds for seconds in epoch_seconds if seconds > 0), default=whole)
    a_run = _SHARE_OF_THE_END * limit / (1 + _runs_side_by_side(bench))
    affordable = int((a_run - startup) / (_ROOM * fastest))
    return max(epochs.author, min(epochs.maximum, affordable))


def epoch_seconds_allowed(bench: Workbench) -> float | None:
    """Seconds that an epoch may take if a candidate is to be trained in full and confirmed in the time given.

    None where the time is not limited, or trials are not paused between epochs.
    """
    limit = bench.settings.time
    epochs = bench.space.epochs
    if limit is None or epochs is None or not epochs.rungs:
        return None
    return _SHARE_OF_THE_END * limit / (epochs.maximum * (1 + _runs_side_by_side(bench)))


def first_rung(steps: int | None, maximum: int) -> int:
    """Return the epoch at which trials are first compared: 1, 3, 9 … until some hundred steps are made.

    ``steps`` are the optimiser's an epoch (None: not known). Before that even a good learning rate cannot
    show itself, and starting a process costs more than the epochs saved. Counted in steps and not in
    seconds, so that the same study makes the same choice on a busy machine. Of hundreds of epochs at
    most (boosting's rounds) the first few say nothing.
    """
    rung = 1
    while rung * _WIDEST_LADDER < maximum:
        rung *= _ETA
    while steps is not None and rung * steps < _FEWEST_STEPS and rung < _LATEST_FIRST_RUNG:
        rung *= _ETA
    return rung


def _runs_side_by_side(bench: Workbench) -> float:
    """How many times a winner's run the confirmation takes, its runs spread over the slots."""
    if not bench.settings.confirm:
        return 0.0
    seeds = bench.settings.confirm_seeds
    return (seeds + (1 + seeds) / _ROOM) / slots(bench)


def confirmation_seconds(bench: Workbench, winner: float, baseline: TrialRow) -> float:
    """Seconds of wall time to confirm a winner that takes ``winner`` seconds a run.

    What an earlier confirmation trained already is not trained again.
    """
    if not bench.settings.confirm:
        return 0.0
    seeds = bench.settings.confirm_seeds
    own = own_seconds(bench, baseline)
    work = seeds * winner + _missing(bench, Purpose.CONFIRM_BASELINE, seeds) * own
    epochs = bench.space.epochs
    if epochs is not None and epochs.rungs:  # the author's script with the winner's epochs
        startup = bench.fact("startup_seconds", 0.0)
        trained = (own - startup) * epochs.maximum / max(1, epochs.author)
        work += _missing(bench, Purpose.EPOCHS_ONLY, 1 + seeds, epochs.maximum) * (startup + trained)
    return max(winner, work / slots(bench)) * 1.1


def own_seconds(bench: Workbench, baseline: TrialRow) -> float:
    """Seconds that the author's script takes: the baseline's, or as fast as its epochs were since."""
    epochs, fastest = bench.space.epochs, bench.fact("own_epoch_seconds")
    if epochs is None or fastest is None:
        return baseline.seconds
    startup: float = bench.fact("startup_seconds", 0.0)
    own: float = startup + fastest * max(1, epochs.author)
    return min(baseline.seconds, own)


def _missing(bench: Workbench, arm: Purpose, wanted: int, epochs: int | None = None) -> int:
    """How many of ``wanted`` runs of an arm, with so many epochs in its source, are not there yet."""
    budget = bench.space.epochs
    there = sum(
        1
        for row in bench.of_purpose(arm)
        if budget is None or epochs is None or row.assignment.get(budget.parameter) == epochs
    )
    return max(0, wanted - there)


def seconds_to_win(bench: Workbench, trial: TrialRow) -> float:
    """Seconds until a running trial could be the confirmed winner: the rest of its training, then that."""
    epochs, baseline = bench.space.epochs, bench.baseline
    assert baseline is not None
    if epochs is None or not epochs.rungs or not trial.epochs:
        return confirmation_seconds(bench, max(trial.seconds, own_seconds(bench, baseline)), baseline)
    in_full = trial.seconds / trial.epochs * epochs.maximum
    return in_full - trial.seconds + confirmation_seconds(bench, in_full, baseline)


def reserve(bench: Workbench) -> float:
    """Seconds to keep back: finishing the leader, and the confirmation."""
    baseline = bench.baseline
    assert baseline is not None
    best = bench.search.best()
    trials = {row.number: row for row in bench.of_purpose(Purpose.SEARCH)}
    epochs = bench.space.epochs
    if best is None or best.trial not in trials:
        return confirmation_seconds(bench, own_seconds(bench, baseline), baseline)
    leader = trials[best.trial]
    ended = leader.state is TrialState.FINISHED
    if epochs is None or not epochs.rungs or not leader.epochs or ended:
        return confirmation_seconds(bench, leader.seconds, baseline)
    in_full = leader.seconds / leader.epochs * epochs.maximum
    return in_full - leader.seconds + confirmation_seconds(bench, in_full, baseline)
