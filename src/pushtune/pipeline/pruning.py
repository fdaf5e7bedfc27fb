"""Ending what still runs for a search that is over."""

from __future__ import annotations

from collections.abc import Iterable

from pushtune.ledger import TrialRow
from pushtune.model.jobs import Outcome, OutcomeKind
from pushtune.model.states import Purpose, TrialState
from pushtune.pipeline.workbench import Workbench

_NEARLY = 0.75
"""A trial that has so much of its last rung behind it is let come to its end."""


def nearly_done(row: TrialRow) -> bool:
    """Whether a trial soon ends its script: if the winner is not confirmed, it may be the next."""
    return row.finish and row.to_epoch is not None and row.epochs >= _NEARLY * row.to_epoch


def unfinished(bench: Workbench) -> list[TrialRow]:
    """Return the search's trials that are wanted or run."""
    return [
        row
        for row in bench.of_purpose(Purpose.SEARCH)
        if row.state in (TrialState.WANTED, TrialState.RUNNING)
    ]


def prune(bench: Workbench, rows: Iterable[TrialRow]) -> None:
    """End trials; what they showed stays true."""
    for row in rows:
        outcome = Outcome(OutcomeKind.PRUNED, row.value, None, row.epochs, row.curve, row.seconds)
        bench.trials.conclude(row.number, outcome, now=bench.now(), memory=row.memory)
