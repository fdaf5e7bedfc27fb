"""A push from its first stage to its last, by the real stages; only the training is a formula."""

from __future__ import annotations

from pathlib import Path

import house as house_of
import pytest
from house import House, units_help

from pushtune.errors import InfeasibleError
from pushtune.model.analysis import Candidate
from pushtune.model.space import Assignment
from pushtune.model.states import Purpose, StageName, StageState, TrialState
from pushtune.pipeline.candidates import Candidates


def killed_again_and_again(house: House) -> House:
    """Drive to the end, with a new program after every few steps: it finds the ledger and the processes."""
    for _ in range(400):
        try:
            house.run(steps=11)
            return house
        except AssertionError:
            house.ledger.close()
            later = House(house.path, house.flags, epoch_seconds=house.epoch_seconds, now=house.now)
            later.runtime, later._trained = house.runtime, house._trained
            later.runtime.forget()
            house = later
    raise AssertionError("the push did not end")


def stages(house: House) -> dict[StageName, StageState]:
    rows = house.ledger.pushes.stages_of(house.ledger.pushes.of_study("s").id)
    return {name: row.state for name, row in rows.items()}


def test_a_script_that_meets_its_target_is_not_tuned(tmp_path: Path) -> None:
    house = House(tmp_path, {"target": "accuracy>=0.5"})
    assert "as it stands meets the target" in house.run()
    assert stages(house)[StageName.TUNE] is StageState.SKIPPED
    assert [row.number for row in house.trials()] == [0]
    assert house.summary()["target_met"] is True


def test_winner_baseline_and_epochs_alone_are_trained_on_further_seeds(tmp_path: Path) -> None:
    house = House(tmp_path, {"target": "accuracy>=0.75", "trials": "20"})
    assert "target met" in house.run()
    arms = {(row.purpose, row.seed) for row in house.trials() if row.purpose is not Purpose.SEARCH}
    assert {(Purpose.CONFIRM_WINNER, 1), (Purpose.CONFIRM_WINNER, 2)} <= arms
    assert {(Purpose.CONFIRM_BASELINE, 1), (Purpose.CONFIRM_BASELINE, 2)} <= arms
    assert {seed for purpose, seed in arms if purpose is Purpose.EPOCHS_ONLY} == {0, 1, 2}
    summary = house.summary()
    assert summary["confirmed"] is True
    assert len(summary["winner"]["values"]) == 3  # type: ignore[index]
    assert all(row.state in (TrialState.FINISHED, TrialState.PAUSED) for row in house.trials())


def test_a_script_that_sets_its_own_seed_is_not_trained_again_and_again(tmp_path: Path) -> None:
    def seeded(source: str, epoch: int, seed: int) -> float:
        return units_help(source, epoch, 0)

    house = House(tmp_path, {"target": "accuracy>=0.75", "trials": "20"}, reach=seeded)
    assert "target met" in house.run()
    arms = [(row.purpose, row.seed) for row in house.trials() if row.purpose is not Purpose.SEARCH]
    assert sorted(seed for purpose, seed in arms if purpose is Purpose.CONFIRM_WINNER) == [1]
    assert sorted(seed for purpose, seed in arms if purpose is Purpose.EPOCHS_ONLY) == [0]
    assert len(house.summary()["winner"]["values"]) == 2  # type: ignore[index]


def test_a_lucky_seed_sends_the_push_back_to_the_search(tmp_path: Path) -> None:
    def lucky(source: str, epoch: int, seed: int) -> float:
        return units_help(source, epoch, 0) - (0.1 if seed else 0.0)

    house = House(tmp_path, {"target": "accuracy>=0.95", "trials": "12"}, reach=lucky)
    house.run()
    assert any("search over: target met by trial" in line for line in house.said)
    assert house.summary()["target_met"] is False
    searches = [line for line in house.said if line.startswith("search over")]
    assert len(searches) > 1, "the search went on after the confirmation had failed"


def test_a_candidate_that_misses_the_target_costs_little_more_than_its_own_runs(tmp_path: Path) -> None:
    """What it would be compared with is trained when there is something to compare."""

    def lucky(source: str, epoch: int, seed: int) -> float:
        return units_help(source, epoch, 0) - (0.2 if seed else 0.0)

    house = House(tmp_path, {"target": "accuracy>=0.95", "trials": "12"}, reach=lucky)
    house.run()
    missed = next(place for place, line in enumerate(house.said) if line.startswith("winner: "))
    runs = [line for line in house.said[:missed] if line.startswith("confirming: ")]
    assert [run.removeprefix("confirming: ") for run in runs] == [
        "confirm-winner with seed 1",
        "confirm-baseline with seed 1",
        "confirm-winner with seed 2",
    ]
    assert {row.seed for row in house.trials_of(Purpose.EPOCHS_ONLY)} == {0, 1, 2}, "compared in the end"


def test_where_the_first_run_was_slow_more_epochs_are_given_when_they_turn_out_fast(tmp_path: Path) -> None:
    """The baseline ran beside something else. Killed anywhere, the push goes on with what it has decided."""
    flags = {"time": "20m", "trials": "6"}

    busy = iter([40.0, 40.0, 40.0])

    def slow_at_first(source: str) -> float:
        return next(busy, 4.0)

    house = killed_again_and_again(House(tmp_path, flags, epoch_seconds=slow_at_first))
    before, after = house.bench.fact("first_max_epochs"), house.bench.fact("max_epochs")
    assert before == 3 < after, "no more than the author's own, as slow as it was"
    asked = [row.assignment.get("fit.epochs", 3) for row in house.trials_of(Purpose.SEARCH)]
    assert asked[0] == before
    assert max(asked) == after
    assert house.summary()["winner"] is not None


def test_a_candidate_that_lost_its_lead_is_shown_beside_the_script_with_all_seeds(tmp_path: Path) -> None:
    def only_by_luck(source: str, epoch: int, seed: int) -> float:
        own = 'Dense(64, activation="relu")' in source
        return 0.9 + 0.001 * seed if own else (0.95 if seed == 0 else 0.5)

    house = House(tmp_path, {"trials": "3"}, reach=only_by_luck)
    house.run()
    summary = house.summary()
    assert summary["winner"] is None
    assert len(summary["baseline"]["values"]) == 3  # type: ignore[index]
    demoted = summary["demoted"]
    assert demoted
    assert all(one["searched"] == 0.95 for one in demoted)  # type: ignore[attr-defined]
    assert "Led the search, and not when trained again" in (tmp_path / "study" / "summary.txt").read_text()


def test_nothing_better_leaves_the_script_as_it_is(tmp_path: Path) -> None:
    def best_as_it_is(source: str, epoch: int, seed: int) -> float:
        return 0.9 if 'Dense(64, activation="relu")' in source and epoch == 3 else 0.4

    house = House(tmp_path, {"trials": "5"}, reach=best_as_it_is)
    house.run()
    summary = house.summary()
    assert summary["winner"] is None
    assert (tmp_path / "study" / "winner.patch").read_text() == ""
    assert not any("winner" in name for name in summary["files"])  # type: ignore[attr-defined]


def test_where_time_is_limited_slow_candidates_are_ended_and_the_rest_is_confirmed_in_time(
    tmp_path: Path,
) -> None:
    def slow_when_wide(source: str) -> float:
        return 60.0 if units_help(source, 0, 0) > 0.58 else 2.0

    house = House(tmp_path, {"time": "10m", "trials": "30"}, epoch_seconds=slow_when_wide)
    began = house.now
    house.run()
    ended = [row for row in house.trials() if row.state is TrialState.TIMED_OUT]
    assert ended
    assert "too slow for the time given" in ended[0].message
    assert house.now - began < 1.25 * 600
    assert house.summary()["winner"] is not None


def test_where_time_is_limited_nothing_is_finished_that_could_not_be_confirmed_any_more(
    tmp_path: Path,
) -> None:
    """Each better trial is dearer, so that one is always on its way to the last rung when time runs out."""

    def dearer(source: str) -> float:
        return 2.0 + 12.0 * max(0.0, units_help(source, 0, 0) - 0.5)

    house = House(tmp_path, {"time": "4m", "trials": "200", "patience": "200"}, epoch_seconds=dearer)
    began = house.now
    house.run()
    late = [row for row in house.trials() if "no time is left" in row.message]
    assert late
    assert all(row.state is TrialState.PRUNED for row in late)
    assert house.now - began <= 1.1 * 240
    assert house.summary()["winner"] is not None


def test_more_time_goes_on_with_a_search_that_time_had_ended(tmp_path: Path) -> None:
    slow = {"trials": "60", "patience": "60"}
    house = House(tmp_path, {"time": "3m", **slow}, epoch_seconds=lambda source: 2.0)
    house.run()
    before = len(house.trials_of(Purpose.SEARCH))
    assert house.bench.fact("closed_at") == 180
    house.ledger.close()
    longer = House(tmp_path, {"time": "9m", **slow}, epoch_seconds=lambda source: 2.0, now=house.now)
    longer.reopen()
    longer.run()
    assert len(longer.trials_of(Purpose.SEARCH)) > before + 5


def test_the_whole_push_is_rebuilt_after_a_kill_at_any_step(tmp_path: Path) -> None:
    """Each time the program dies after a few steps; a new one finds the ledger and the live processes."""
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    flags = {"target": "accuracy>=0.97", "trials": "3"}
    whole = House(tmp_path / "whole", flags)
    whole.run()
    killed = killed_again_and_again(House(tmp_path / "killed", flags))
    assert [(row.number, row.assignment, row.value, row.report, row.state) for row in killed.trials()] == [
        (row.number, row.assignment, row.value, row.report, row.state) for row in whole.trials()
    ]


def test_a_candidate_that_cannot_be_made_is_a_failure_and_the_search_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, {"trials": "4", "confirm": "no"})
    real = Candidates.of

    def of(candidates: Candidates, assignment: Assignment) -> Candidate:
        if assignment.get("dense_1.copies", 1) != 1 or assignment.get("dense_1.units", 64) != 64:
            raise InfeasibleError("it does not fit")
        return real(candidates, assignment)

    monkeypatch.setattr(Candidates, "of", of)
    house.run()
    failed = [row for row in house.trials() if row.state is TrialState.FAILED]
    assert failed
    assert failed[0].message == "it does not fit"
    assert any(line.startswith("trial") and line.endswith("; it does not fit") for line in house.said)
    assert len([row for row in house.trials() if row.purpose is Purpose.SEARCH]) >= 4


def test_what_the_run_disproved_is_no_note_beside_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = "from keras.utils import np_utils\n"
    monkeypatch.setattr(house_of, "SCRIPT", gone + house_of.SCRIPT)
    one = House(tmp_path, {"trials": "1", "confirm": False})
    codes = {caution.code for caution in one.bench.analysis.warnings}
    assert {"removed-api", "undefined-name"} <= codes
    one.run()
    notes = " ".join(one.summary()["warnings"])  # type: ignore[arg-type]
    assert "np_utils" not in notes, "it ran with what is installed"
    assert "is not defined anywhere" in notes, "it may stand where this run did not come by"
