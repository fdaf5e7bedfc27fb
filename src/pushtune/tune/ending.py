"""When a search is over, and what is still worth finishing then."""

from __future__ import annotations

from pushtune.model.jobs import Ask, Job, Stop, Wait
from pushtune.tune.leader import Claim, challenger, claims, leader, trainings
from pushtune.tune.rungs import finish_here, go_on, next_rung, train_anew, worth_more
from pushtune.tune.study import Study, Trial

FINALISTS = 3
"""Trials that are finished at the end where only a proxy of the metric was seen on the way."""


def target_met(study: Study) -> Stop | None:
    """Return the stop if a finished trial meets the target. A confirmed candidate cannot stop it again."""
    for claim in claims(study):
        if claim.trial.number and claim.trained and not claim.confirmed and study.meets_target(claim.steady):
            value = study.sign * claim.goodness
            return Stop(f"target met by trial {claim.trial.number}: {value:.4g}")
    return None


def reason_to_end(study: Study) -> str | None:
    """Return why no further configuration is started, None while the search goes on."""
    used = budget_used(study)
    if used is not None:
        return used
    if study.idle >= study.patience:
        return f"nothing better in {study.idle} trials"
    return None


def budget_used(study: Study) -> str | None:
    """Return the reason to end if every configuration granted was started."""
    return f"budget of {study.budget} trials is used" if study.started >= study.budget else None


def finish_what_meets_the_target(study: Study) -> Job | None:
    """Return the job that ends the best unfinished candidate whose curve meets the target, None if none."""
    promising = [
        claim
        for claim in claims(study)
        if not claim.trained
        and not claim.confirmed
        and claim.trial.running is None
        and study.meets_target(claim.steady)
    ]
    if not promising:
        return None
    return finishing_job(study, max(promising, key=lambda claim: (claim.expected, -claim.trial.number)))


def more_epochs_for_a_near_miss(study: Study) -> Job | None:
    """Return the job that trains on what met the target once and missed it on confirmation, None if nothing.

    It was ended early because it seemed good enough. Where its curve still rose, the next rung is the
    obvious thing to try; having ended its script it must start anew.
    """
    if study.target is None or not study.uses_rungs:
        return None
    for claim in claims(study):
        rung = next_rung(study, claim.trial)
        missed = claim.confirmed and claim.trained and not study.meets_target(claim.goodness)
        hopeful = missed and claim.trial.number > 0 and worth_more(claim.trial)
        if hopeful and rung is not None and not any(trainings(study, claim.trial, rung)):
            return train_anew(study, claim.trial, rung)
    return None


def finishing_job(study: Study, claim: Claim) -> Job:
    """Return the job that runs exactly the claimed source to its end."""
    trial = claim.trial
    assert claim.epochs is not None
    exact = study.space.epochs is not None and study.space.epochs.prefix_exact
    if exact and trial.paused and trial.epoch == claim.epochs:
        return finish_here(study, trial)
    return train_anew(study, trial, claim.epochs)


def wind_down(study: Study, reason: str, *, further: bool) -> Ask:
    """Return the next step of a search that starts nothing new: see that the leader is trained, then stop.

    ``further`` allows more epochs where a curve still rises; without it only the leader is finished
    (with more epochs only where no trial has come to the last rung yet), and other trials that still run
    are not waited for.
    """
    raising = further or not _came_to_the_last_rung(study)
    job = _finish_proxies(study, further=further) or (_raise_the_challenger(study) if raising else None)
    if job is not None:
        return job
    claim = leader(study)
    if claim is not None and claim.trial.running is not None:
        return Wait()
    if claim is not None and not claim.trained:
        return finishing_job(study, claim)
    if _awaited(study, further=further):
        return Wait()
    return Stop(reason)


def _raise_the_challenger(study: Study) -> Job | None:
    """Return the job that gives the best trial more epochs while its curve rises, None when it is done."""
    claim = challenger(study)
    if claim is None or claim.trained or not claim.trial.paused or not worth_more(claim.trial):
        return None
    return go_on(study, claim.trial) if next_rung(study, claim.trial) else None


def _came_to_the_last_rung(study: Study) -> bool:
    """Whether some trial has all the epochs it may have, or is on its way there."""
    epochs = study.space.epochs
    if not study.uses_rungs or epochs is None:
        return True
    return any(
        trial.epoch >= epochs.maximum or (trial.running is not None and trial.running.finish)
        for trial in study.candidates()
    )


def _awaited(study: Study, *, further: bool) -> bool:
    if further:
        return study.running()
    # Out of time: only what ends its script now can still become the best.
    return any(trial.running is not None and trial.running.finish for trial in study.candidates())


def _finish_proxies(study: Study, *, further: bool) -> Job | None:
    """Finish the best of those that showed only a proxy: their own value is known at the end alone."""
    if not study.uses_rungs:
        return None
    for trial in _finalists(study)[: FINALISTS if further else 1]:
        if trial.paused and further and next_rung(study, trial):
            return go_on(study, trial)
        if trial.paused and not any(trainings(study, trial, trial.epoch)):
            return _end(study, trial)
    return _half_the_epochs(study) if further else None


def _finalists(study: Study) -> list[Trial]:
    """Return the trials without a curve, the best first: the highest rung, there the best value."""
    found = [
        trial
        for trial in study.candidates()
        if not trial.failed and not trial.curve and trial.levels and trial.again is None
    ]

    def rank(trial: Trial) -> tuple[int, float, int]:
        rung = max(trial.levels)
        return -rung, -trial.levels[rung], trial.number

    return sorted(found, key=rank)


def go_on_or_show(study: Study, trial: Trial) -> Job:
    """Return the next job of a promoted trial: more epochs, or its end where a proxy meets the target.

    A proxy (the training metric) is mostly flattering: when even that is reached, only the script's own
    last value can tell whether the target is.
    """
    shown = any(trainings(study, trial, trial.epoch))
    if not trial.curve and study.meets_target(trial.goodness) and not shown:
        return _end(study, trial)
    return go_on(study, trial)


def _end(study: Study, trial: Trial) -> Job:
    exact = study.space.epochs is not None and study.space.epochs.prefix_exact
    return finish_here(study, trial) if exact else train_anew(study, trial, trial.epoch)


def _half_the_epochs(study: Study) -> Job | None:
    """Try the leader with half its epochs, once: without a curve nothing else shows whether more helped."""
    claim = leader(study)
    if claim is None or not claim.trained or claim.trial.curve or claim.trial.again is not None:
        return None
    half = (claim.epochs or 0) // 2
    if claim.trial.number == 0 or half < 1 or study.running() or any(trainings(study, claim.trial, half)):
        return None
    return train_anew(study, claim.trial, half)
