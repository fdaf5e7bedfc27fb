"""What an attempt is made from: the study's recipe, and what is wanted of its trial."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pushtune.ledger import TrialRow
from pushtune.model.ports import Limits
from pushtune.model.states import Purpose
from pushtune.reconcile.recipe import Recipe
from pushtune.trial import AttemptRequest, TrialFolder, read_candidate


def request_for(recipe: Recipe, study: Path, trial: TrialRow, number: int, label: str) -> AttemptRequest:
    """Return what attempt ``number`` of ``trial`` is made from. ``study`` is the study's folder.

    Its source is what was written for the trial: what runs is what was recorded. Raises ``OSError`` where
    nothing was written.
    """
    return AttemptRequest(
        study=str(study),
        script=recipe.script,
        candidate=read_candidate(TrialFolder.of(study, trial.number), recipe.script),
        trial=trial.number,
        attempt=number,
        label=label,
        seed=trial.seed,
        threads=recipe.threads,
        python=recipe.interpreter,
        variables={**recipe.defaults, **recipe.environment.variables(recipe.threads, trial.seed)},
        limits=untimed(recipe.limits),
        container=recipe.container,
        metric=recipe.wanted_metric,
        pause_at=None if trial.finish else trial.to_epoch,
        finish_at=trial.to_epoch if trial.finish else None,
        record=recipe.record,
        max_parameters=recipe.max_parameters,
        patience=recipe.patience,
        loops=recipe.loops,
        # Places are those of the author's source: edits move them.
        watch=recipe.places if trial.purpose is Purpose.BASELINE else (),
    )


def untimed(limits: Limits) -> Limits:
    """Return the limits that a runtime enforces: time is counted by us, who know when an attempt waits."""
    return replace(limits, seconds=None)
