"""Trials are paused and compared only where the baseline told something to compare them by."""

from __future__ import annotations

from pathlib import Path

from house import House

from pushtune.model.states import Purpose, TrialState


def test_trials_run_in_one_piece_where_nothing_tells_paused_ones_apart(tmp_path: Path) -> None:
    house = House(tmp_path, {"trials": "4"}, told="loss")
    house.run()
    searched = [row for row in house.trials() if row.purpose is Purpose.SEARCH]
    assert [row.state for row in searched] == [TrialState.FINISHED] * 4
    assert "accuracy is not told after each epoch: trials run in one piece" in house.said
    assert house.summary()["winner"] is not None
