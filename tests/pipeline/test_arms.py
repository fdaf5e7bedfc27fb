"""Whether another seed gives another run: known at the first epoch that differs, or when both have ended."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from pushtune.ledger import TrialRow, new_trial
from pushtune.model.space import Assignment, Domain, Epochs, Parameter, Space
from pushtune.model.states import Purpose, TrialState
from pushtune.pipeline.arms import Arm, seeds_matter

SPACE = Space((Parameter("units", "units", Domain("int", 8, 512, log=True), 64),), Epochs("epochs", 2, 9))
WIDE = Assignment.of({"units": 128, "epochs": 3})
ARMS = [Arm(Purpose.CONFIRM_WINNER, WIDE, (0, 1, 2)), Arm(Purpose.CONFIRM_BASELINE, Assignment(), (0, 1, 2))]


def row(number: int, purpose: Purpose, assignment: Assignment, seed: int, *curve: float) -> TrialRow:
    """Return a run with this curve; it has ended if the curve has three epochs."""
    state = TrialState.FINISHED if len(curve) == 3 else TrialState.RUNNING
    value = curve[-1] if curve else None
    made = new_trial("s", number, purpose, assignment, seed=seed, now=1.0)
    return replace(made, state=state, curve=curve, value=value, report=value)


def study(*rows: TrialRow) -> Any:
    return SimpleNamespace(space=SPACE, trials=SimpleNamespace(all=lambda: list(rows)))


OWN = row(0, Purpose.BASELINE, Assignment(), 0, 0.5, 0.6, 0.7)
BEST = row(10001, Purpose.CONFIRM_WINNER, WIDE, 0, 0.6, 0.7, 0.8)


@pytest.mark.parametrize("first_epoch", [(0.61,), (0.6, 0.71)])
def test_one_epoch_that_differs_is_enough(first_epoch: tuple[float, ...]) -> None:
    again = row(10002, Purpose.CONFIRM_WINNER, WIDE, 1, *first_epoch)
    assert seeds_matter(study(OWN, BEST, again), ARMS) is True


def test_equal_so_far_says_nothing_yet() -> None:
    again = row(10002, Purpose.CONFIRM_WINNER, WIDE, 1, 0.6, 0.7)
    assert seeds_matter(study(OWN, BEST, again), ARMS) is None


def test_that_seeds_do_not_matter_both_must_show_to_their_end() -> None:
    again = row(10002, Purpose.CONFIRM_WINNER, WIDE, 1, 0.6, 0.7, 0.8)
    own_again = row(10003, Purpose.CONFIRM_BASELINE, Assignment(), 1, 0.5, 0.6, 0.7)
    assert seeds_matter(study(OWN, BEST, again), ARMS) is None
    assert seeds_matter(study(OWN, BEST, again, own_again), ARMS) is False
