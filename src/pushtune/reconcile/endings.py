"""What came of an attempt, in the words of the scheduler; and whether its trial must go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pushtune.ledger import AttemptRow, TrialRow
from pushtune.model.jobs import Outcome, OutcomeKind
from pushtune.model.ports import Exit
from pushtune.model.states import Purpose
from pushtune.reconcile.losses import MOST_LOST, fruitless_in_a_row, is_lost
from pushtune.reconcile.recipe import Recipe
from pushtune.trial import (
    Progress,
    TrialFolder,
    choose_metric,
    crash_loop,
    has_checkpoints,
    missing_metric,
    outcome_of,
)


@dataclass(frozen=True)
class Ending:
    """``lost``: the attempt died or hung while it trained; ``again``: the trial goes on from its last
    checkpoint. A trial that is lost and does not go on is a crash loop (``trial.is_crash_loop``).
    """

    outcome: Outcome
    lost: bool = False
    again: bool = False


def ending_of(
    folder: TrialFolder,
    trial: TrialRow,
    attempts: Sequence[AttemptRow],
    exit_: Exit | None,
    recipe: Recipe,
    progress: Progress,
    *,
    seconds: float,
    silent: float = 0.0,
) -> Ending:
    """Return what the events and the end of the newest attempt say. ``exit_`` is None while it lives.

    While it trains the outcome is of kind PAUSED: how far it has come. ``progress`` joins all attempts,
    ``seconds`` are those trained, ``silent`` those since it last gave a sign of life.
    """
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
        return Ending(_so_far(progress, recipe, seconds))
    if outcome.kind is OutcomeKind.FINISHED and outcome.value is None:
        outcome = replace(outcome, message=missing_metric(progress, recipe.wanted_metric, recipe.guess)[0])
    if outcome.kind is OutcomeKind.FAILED and trial.purpose is Purpose.BASELINE and progress.failed:
        outcome = replace(outcome, message=f"{progress.failed.traceback}\n{outcome.message}".strip())
    if exit_ is not None and exit_.killed_for == "silence" and outcome.kind is OutcomeKind.LOST:
        outcome = replace(outcome, message=f"it hung: for {silent:.0f} s it told and printed nothing")
    lost = outcome.kind is OutcomeKind.LOST or (exit_ is not None and outcome.kind is OutcomeKind.PAUSED)
    return _lost(folder, attempts, outcome, recipe) if lost else Ending(outcome)


def _lost(folder: TrialFolder, attempts: Sequence[AttemptRow], outcome: Outcome, recipe: Recipe) -> Ending:
    """Return what follows on an attempt that was lost: another one, or the end of its trial."""
    last, earlier = attempts[-1], attempts[:-1]
    why = outcome.message or "its process is gone"
    fruitless = 0 if has_checkpoints(folder.attempt(last.number)) else 1 + fruitless_in_a_row(folder, earlier)
    altogether = 1 + sum(1 for row in earlier if is_lost(row))
    if fruitless >= recipe.most_fruitless:
        message = crash_loop(fruitless, why, fruitless=True)
    elif altogether >= MOST_LOST:
        message = crash_loop(altogether, why, fruitless=False)
    else:
        return Ending(replace(outcome, message=why), lost=True, again=True)
    return Ending(replace(outcome, kind=OutcomeKind.LOST, message=message), lost=True)


def _so_far(progress: Progress, recipe: Recipe, seconds: float) -> Outcome:
    choice = choose_metric(progress, recipe.wanted_metric, recipe.guess)
    curve = () if choice is None else choice.curve
    value = None if choice is None else curve[-1] if curve else choice.proxy
    return Outcome(OutcomeKind.PAUSED, value, None, progress.epochs_done, curve, seconds)
