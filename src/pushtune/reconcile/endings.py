"""What came of an attempt, in the words of the scheduler; and whether its trial must go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pushtune.ledger import AttemptRow, TrialRow
from pushtune.model.jobs import Outcome, OutcomeKind
from pushtune.model.ports import Exit
from pushtune.model.states import Purpose
from pushtune.reconcile.recipe import Recipe
from pushtune.trial import Progress, TrialFolder, choose_metric, missing_metric, outcome_of, read_trial

MOST_FRUITLESS = 3
"""Attempts in a row that are lost without a finished epoch before the trial is given up."""

MOST_LOST = 50
"""Attempts of one trial that may be lost altogether: a crash loop with progress ends too."""


@dataclass(frozen=True)
class Ending:
    """``again``: the attempt was lost, and the trial goes on from its last checkpoint."""

    outcome: Outcome
    again: bool


def ending_of(
    folder: TrialFolder,
    trial: TrialRow,
    attempts: Sequence[AttemptRow],
    exit_: Exit | None,
    recipe: Recipe,
    *,
    seconds: float,
) -> Ending:
    """Return what the events and the end of the newest attempt say. ``exit_`` is None while it lives.

    While it trains the outcome is of kind PAUSED: how far it has come. ``seconds`` are those trained.
    """
    progress = read_trial(folder)
    order = attempts[-1].order
    outcome = outcome_of(
        progress,
        exit_,
        wanted=recipe.wanted_metric,
        guess=recipe.guess,
        limits=recipe.limits,
        order=order,
        seconds=seconds,
    )
    if outcome is None:
        return Ending(_so_far(progress, recipe, seconds), again=False)
    if outcome.kind is OutcomeKind.FINISHED and outcome.value is None:
        outcome = replace(outcome, message=missing_metric(progress, recipe.wanted_metric, recipe.guess)[0])
    if outcome.kind is OutcomeKind.FAILED and trial.purpose is Purpose.BASELINE and progress.failed:
        outcome = replace(outcome, message=f"{progress.failed.traceback}\n{outcome.message}".strip())
    lost = outcome.kind is OutcomeKind.LOST or (exit_ is not None and outcome.kind is OutcomeKind.PAUSED)
    return Ending(outcome, again=lost and not _is_hopeless(folder, attempts))


def _so_far(progress: Progress, recipe: Recipe, seconds: float) -> Outcome:
    choice = choose_metric(progress, recipe.wanted_metric, recipe.guess)
    curve = () if choice is None else choice.curve
    value = None if choice is None else curve[-1] if curve else choice.proxy
    return Outcome(OutcomeKind.PAUSED, value, None, progress.epochs_done, curve, seconds)


def _is_hopeless(folder: TrialFolder, attempts: Sequence[AttemptRow]) -> bool:
    ended = [row for row in attempts if row.note != "interrupted"]
    if len(ended) >= MOST_LOST:
        return True
    last = ended[-MOST_FRUITLESS:]
    return len(last) == MOST_FRUITLESS and not any(
        folder.attempt(row.number).joinpath("checkpoints").is_dir()
        and any(folder.attempt(row.number).joinpath("checkpoints").iterdir())
        for row in last
    )
