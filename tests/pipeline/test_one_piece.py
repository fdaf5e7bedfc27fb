"""Trials are paused and compared only where the baseline told something to compare them by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from house import House

from pushtune.model.states import Purpose, TrialState
from pushtune.pipeline.costs import confirmation_seconds


def test_trials_run_in_one_piece_where_nothing_tells_paused_ones_apart(tmp_path: Path) -> None:
    house = House(tmp_path, {"trials": "4"}, told="loss")
    house.run()
    searched = [row for row in house.trials() if row.purpose is Purpose.SEARCH]
    assert [row.state for row in searched] == [TrialState.FINISHED] * 4
    assert "accuracy is not told after each epoch: trials run in one piece" in house.said
    assert house.summary()["winner"] is not None


def test_epochs_that_no_trial_may_have_are_not_counted_among_the_costs(tmp_path: Path) -> None:
    for name, told in (("paused", "accuracy"), ("whole", "loss")):
        (tmp_path / name).mkdir()
        house = House(tmp_path / name, {"trials": "4", "confirm": "no"}, told=told)
        house.run()
        house.bench.settings = replace(house.settings, confirm=True)
        baseline = house.bench.baseline
        assert baseline is not None
        seeds, runs = house.settings.confirm_seeds, 2
        without = max(baseline.seconds, runs * seeds * baseline.seconds) * 1.1
        cost = confirmation_seconds(house.bench, baseline.seconds, baseline)
        assert (cost == pytest.approx(without)) is (told == "loss")
