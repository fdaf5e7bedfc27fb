"""What is ended when a search is over, and what is let come to its end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from house import House

from pushtune.ledger import new_trial
from pushtune.model.space import Assignment
from pushtune.model.states import Purpose, TrialState
from pushtune.pipeline.pruning import nearly_done, prune, unfinished


@pytest.mark.parametrize(
    ("to_epoch", "epochs", "finish", "nearly"),
    [
        (12, 11, True, True),
        (12, 9, True, True),
        (12, 8, True, False),
        (9, 8, False, False),
        (None, 3, True, False),
    ],
)
def test_a_trial_that_soon_ends_its_script_is_nearly_done(
    to_epoch: int | None, epochs: int, finish: bool, nearly: bool
) -> None:
    trial = new_trial("s", 1, Purpose.SEARCH, Assignment(), seed=0, now=1.0)
    assert nearly_done(replace(trial, to_epoch=to_epoch, epochs=epochs, finish=finish)) is nearly


def test_what_is_ended_keeps_what_it_showed(tmp_path: Path) -> None:
    house = House(tmp_path, {"trials": "3", "confirm": "no"})
    house.run()
    wanted = new_trial("s", 90, Purpose.SEARCH, Assignment(), seed=0, now=1.0)
    house.bench.trials.want(wanted)
    assert [row.number for row in unfinished(house.bench)] == [90]
    prune(house.bench, unfinished(house.bench))
    assert house.trials()[-1].state is TrialState.PRUNED
    assert unfinished(house.bench) == []
