"""Which candidate leads, and with how many epochs: a result of the curves, never simply the most."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pushtune.model.jobs import Best
from pushtune.model.space import Assignment
from pushtune.tune.curves import WORTHWHILE, best_epoch, noise, smoothed
from pushtune.tune.optimism import optimism
from pushtune.tune.study import Study, Trial


@dataclass(frozen=True)
class Claim:
    """What one trial shows: its configuration with ``epochs`` epochs has this goodness.

    ``trial`` showed it. ``trained`` is false where that exact source was not run to its end. ``confirmed``
    says that the goodness is a mean over several seeds; otherwise it is expected to be too high by
    ``optimism``.
    """

    trial: Trial
    assignment: Assignment
    epochs: int | None
    goodness: float
    trained: bool
    optimism: float = 0.0
    confirmed: bool = False

    @property
    def expected(self) -> float:
        """The goodness that a confirmation is expected to find; claims are compared by it."""
        return self.goodness - self.optimism

    @property
    def steady(self) -> float:
        """What a target is held against: what is expected, where there is a curve smoothed over neighbours.

        One lucky epoch on a small validation set would otherwise end a search, and cost a confirmation.
        """
        curve = self.trial.curve
        if self.confirmed or self.epochs is None or not 0 < self.epochs <= len(curve):
            return self.expected
        return min(self.goodness, smoothed(curve)[self.epochs - 1]) - self.optimism


def best_of(study: Study) -> Best | None:
    """Return the best candidate so far, the author's script among them; None if nothing gave a value."""
    claim = leader(study)
    if claim is None:
        return None
    value = study.sign * claim.goodness
    return Best(claim.trial.number, claim.assignment, value, claim.epochs, claim.trained)


def leader(study: Study) -> Claim | None:
    """Return the best claim. On a tie a trained one leads, then fewer epochs, then the older.

    Where the leader's own curve says that far fewer epochs are as good within noise, these lead, trained
    or not; not once the target is met or time is up, when another training would be for neatness only.
    """
    best = min(claims(study), key=_order, default=None)
    if best is None or not best.trained or best.confirmed:
        return best
    if _settled(study, best):
        return best
    return _peak(study, best.trial) or best


def challenger(study: Study) -> Claim | None:
    """Return the best claim of a trial: the baseline may be ahead only because it had more epochs so far."""
    return min((claim for claim in claims(study) if claim.trial.number), key=_order, default=None)


def _order(claim: Claim) -> tuple[float, bool, int, int]:
    return -claim.expected, not claim.trained, claim.epochs or 0, claim.trial.number


def claims(study: Study) -> Iterator[Claim]:
    """Yield what each trial shows. Failed trials show nothing, whatever they reached before."""
    for trial in study.trials.values():
        if trial.failed:
            continue
        ended = _ended(study, trial)
        peak = _peak(study, trial)
        if ended is not None and not _same_with_fewer(study, trial):
            yield ended
        if peak is not None and not (ended is not None and _settled(study, ended)):
            yield peak


def _settled(study: Study, claim: Claim) -> bool:
    """Whether another training of the same trial is for neatness only: the target is met, or time is up."""
    return study.closed is not None or study.meets_target(claim.steady)


def _ended(study: Study, trial: Trial) -> Claim | None:
    if not trial.finished:
        return None
    assert trial.goodness is not None
    return _claim(study, trial, trial.source_epochs, trial.goodness, trained=True)


def _peak(study: Study, trial: Trial) -> Claim | None:
    """Return the claim of the curve's best epoch, unless it is the one that was trained to its end."""
    if study.space.epochs is None:
        return None  # nothing in the source says how many epochs: it cannot be given fewer
    if not trial.curve or trial.number == 0 or trial.again is not None:
        return None
    epochs = best_epoch(trial.curve)
    if trial.finished and epochs >= len(trial.curve):
        return None
    if any(trainings(study, trial, epochs)):
        return None  # tried: what came of it speaks for itself
    return _claim(study, trial, epochs, trial.curve[epochs - 1], trained=False)


def _same_with_fewer(study: Study, trial: Trial) -> bool:
    """Whether the same configuration was trained anew with fewer epochs and is as good, within noise."""
    if not trial.curve or trial.goodness is None:
        return False
    enough = trial.goodness - 2 * noise(trial.curve)
    return any(
        other.finished
        and other.goodness is not None
        and (other.limit or 0) <= WORTHWHILE * trial.epoch
        and other.goodness >= enough
        for other in study.candidates()
        if other.again is not None and other.configuration == trial.configuration
    )


def trainings(study: Study, trial: Trial, epochs: int) -> Iterator[Trial]:
    """Yield the trials that trained the same configuration anew with exactly ``epochs`` epochs."""
    for other in study.candidates():
        if other.again is not None and other.limit == epochs and other.configuration == trial.configuration:
            yield other


def _claim(study: Study, trial: Trial, epochs: int | None, goodness: float, *, trained: bool) -> Claim:
    assignment = study.source(trial, epochs)
    mean = study.confirmed.get(assignment.key)
    if mean is None:
        return Claim(trial, assignment, epochs, goodness, trained, optimism(study, trial))
    return Claim(trial, assignment, epochs, mean, trained, confirmed=True)
