"""One number per trial for the sampler, though trials were trained for different numbers of epochs."""

from __future__ import annotations

from pushtune.tune.study import Study, Trial


def merits(study: Study) -> dict[int, float]:
    """Return the merit of every trial that told something; more is better, only the order means anything.

    A trial that went further beats one that was left behind, among equals the better value wins, and a
    failed one comes last, so that the sampler keeps away from it.
    """
    told = [
        trial
        for trial in study.trials.values()
        if trial.again is None and trial.kind is not None and not _shown_by_trial_one(study, trial)
    ]
    ranked = sorted(told, key=_standing)
    return {trial.number: float(rank) for rank, trial in enumerate(ranked)}


def _shown_by_trial_one(study: Study, trial: Trial) -> bool:
    """Whether it is the baseline, while trial 1 shows the same configuration with more epochs."""
    epochs = study.space.epochs
    return trial.number == 0 and study.uses_rungs and epochs is not None and epochs.maximum > epochs.author


def _standing(trial: Trial) -> tuple[bool, int, float]:
    if trial.failed or trial.goodness is None:
        return False, 0, 0.0
    return True, trial.epoch, trial.goodness
