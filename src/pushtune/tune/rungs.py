"""Pause-and-resume successive halving, asynchronous (ASHA; Li et al. 2020, "A System for Massively Parallel
Hyperparameter Tuning"): who goes on from which rung."""

from __future__ import annotations

from pushtune.model.jobs import Job
from pushtune.tune.curves import still_improving
from pushtune.tune.study import Study, Trial


def rungs(maximum: int, eta: int, first: int = 1) -> tuple[int, ...]:
    """Return the epochs at which trials pause, first, eta·first, … below ``maximum``, and ``maximum`` itself.

    A rung closer to the end than half its own length would save nothing and is left out.
    """
    inner = []
    rung = first
    while rung * 1.5 <= maximum and rung < maximum:
        inner.append(rung)
        rung *= max(2, eta)
    return (*inner, maximum)


def ladder(study: Study) -> tuple[int, ...]:
    """Return the rungs of this study. ``ValueError`` if its space has no epochs."""
    if study.space.epochs is None:
        raise ValueError("a space without epochs has no rungs")
    settings = study.settings
    return rungs(study.space.epochs.maximum, settings.eta, settings.first_rung)


def next_rung(study: Study, trial: Trial) -> int | None:
    """Return the rung after the trial's epoch, None if it stands at the last.

    A trial that started when fewer epochs were allowed ends where its source says.
    """
    rung = next((rung for rung in ladder(study) if rung > trial.epoch), None)
    if rung is None or trial.limit is None or rung <= trial.limit:
        return rung
    return trial.limit if trial.limit > trial.epoch else None


def promotable(study: Study) -> Trial | None:
    """Return a paused trial among the best 1/eta of its rung, from the highest rung down; None if none.

    One whose curve has passed its best is not worth more epochs and is passed over.
    """
    for rung in reversed(ladder(study)[:-1]):
        reached = [trial for trial in study.candidates() if rung in trial.levels and trial.again is None]
        reached.sort(key=lambda trial: (-trial.levels[rung], trial.number))
        for trial in reached[: len(reached) // study.settings.eta]:
            if trial.paused and trial.epoch == rung and worth_more(trial):
                return trial
    return None


def worth_more(trial: Trial) -> bool:
    """Whether more epochs may help. A proxy's curve says nothing about that, so it may."""
    return still_improving(trial.curve) if trial.curve else True


def go_on(study: Study, trial: Trial) -> Job:
    """Return the job that takes a paused trial to its next rung; the last rung ends the script."""
    rung = next_rung(study, trial)
    if rung is None:
        raise ValueError(f"trial {trial.number} stands at the last rung")
    last = rung == trial.limit
    assignment = study.source(trial, trial.limit)
    return Job(study.asks, trial.number, assignment, trial.epoch, rung, finish=last)


def finish_here(study: Study, trial: Trial) -> Job:
    """Return the job that ends a paused trial's script at the epoch where it stands."""
    assignment = study.source(trial, trial.limit)
    return Job(study.asks, trial.number, assignment, trial.epoch, trial.epoch, finish=True)


def train_anew(study: Study, trial: Trial, epochs: int) -> Job:
    """Return the job that trains the trial's configuration from the start with exactly ``epochs`` epochs."""
    return Job(study.asks, study.next_number, study.source(trial, epochs), 0, epochs, finish=True)
