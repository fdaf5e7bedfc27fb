"""The reconciler: what the ledger wants is what runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from reconciling import House, started

from pushtune.ledger import new_trial
from pushtune.model.ports import Limits
from pushtune.model.space import Assignment
from pushtune.model.states import Purpose, TrialState
from pushtune.reconcile import Demand
from pushtune_probe import wire


def test_no_more_trials_run_than_there_are_slots(tmp_path: Path) -> None:
    house = House(tmp_path, slots=2)
    for number in (1, 2, 3):
        house.want(number)
    house.step()
    assert house.alive == ("s/1/1", "s/2/1")
    house.end("s/1/1", 0)
    house.step()
    assert house.alive == ("s/2/1", "s/3/1")


def test_a_trial_whose_source_is_not_written_yet_waits(house: House) -> None:
    trial = new_trial("s", 1, Purpose.SEARCH, Assignment(), seed=0, now=1.0)
    house.trials.want(trial)
    house.step()
    assert house.runtime.started == []


def test_what_the_environment_says_itself_comes_before_the_recipes_defaults(house: House) -> None:
    house.reconciler.use(replace(house.recipe, defaults={"OMP_NUM_THREADS": "9", "KERNELS": "fast"}))
    house.want(1)
    house.step()
    (spec,) = house.runtime.started
    assert (spec.environment["OMP_NUM_THREADS"], spec.environment["KERNELS"]) == ("1", "fast")


def test_a_script_that_ends_is_concluded_with_its_metric(house: House) -> None:
    house.want(1)
    started(house)
    house.emit(1, 1, "metric", name="accuracy", value=0.8, split="test", source="stdout:1", line=1)
    house.emit(1, 1, "finished", epochs=0, stopped_at=None, seconds=1.0)
    house.clock.now += 7
    house.end("s/1/1", 0)
    house.step()
    row = house.trial(1)
    assert (row.state, row.value, row.report, row.seconds) == (TrialState.FINISHED, 0.8, 0.8, 7.0)
    assert house.trials.open_attempts() == []


def test_a_trial_at_its_rung_stays_alive_and_goes_on_by_order(house: House) -> None:
    house.want(1, to_epoch=1, finish=False)
    started(house)
    house.epoch(1, 1, 1, 0.4)
    house.emit(1, 1, "paused", epoch=1, order=0)
    house.step()
    assert house.trial(1).state is TrialState.PAUSED
    assert house.trial(1).value == 0.4
    assert house.alive == ("s/1/1",)

    house.want(1, to_epoch=3, finish=True)
    house.step()
    order = wire.Order.from_json((house.folder(1).attempt(1) / wire.ORDER).read_text())
    assert order == wire.Order(1, None, 3)
    assert [row.number for row in house.trials.attempts(1)] == [1], "the same process goes on"
    house.step()
    assert house.trial(1).state is TrialState.RUNNING, "the old pause is not taken for the new one"


def test_waiting_at_a_rung_does_not_count_as_training(house: House) -> None:
    house.want(1, to_epoch=1, finish=False)
    started(house)
    house.clock.now += 5
    house.epoch(1, 1, 1, 0.4)
    house.emit(1, 1, "paused", epoch=1, order=0)
    house.step()
    house.clock.now += 1000
    house.want(1, to_epoch=3, finish=True)
    house.step()
    house.clock.now += 2
    house.emit(1, 1, "finished", epochs=3, stopped_at=3, seconds=1.0)
    house.end("s/1/1", 0)
    house.step()
    assert house.trial(1).seconds == 7.0


def test_an_attempt_that_was_killed_is_followed_by_another_from_its_checkpoint(house: House) -> None:
    house.want(1, to_epoch=3)
    started(house)
    house.epoch(1, 1, 1, 0.4)
    house.end("s/1/1", -9)
    house.step()
    house.clock.now += 1
    house.step()
    assert house.alive == ("s/1/2",)
    plan = wire.Plan.from_json((house.folder(1).attempt(2) / wire.PLAN).read_text())
    assert [Path(name).name for name in plan.checkpoints] == ["000001"]
    assert house.trial(1).state is TrialState.RUNNING


def test_a_study_may_be_given_fewer_slots_than_it_has_and_stops_nothing(tmp_path: Path) -> None:
    house = House(tmp_path, slots=3)
    for number in (1, 2, 3):
        house.want(number)
    house.reconciler.act(2)
    assert house.alive == ("s/1/1", "s/2/1")
    house.reconciler.act(0)
    assert house.alive == ("s/1/1", "s/2/1")
    assert house.reconciler.demand() == Demand("s", running=2, wanted=1, waiting_since=1000.0)


def test_a_paused_attempt_that_is_gone_is_started_again_from_its_checkpoint(house: House) -> None:
    house.want(1, to_epoch=1, finish=False)
    started(house)
    house.epoch(1, 1, 1, 0.4)
    house.emit(1, 1, "paused", epoch=1, order=0)
    house.step()
    house.end("s/1/1", wire.EXIT_PAUSED)
    house.clock.now += 2
    house.step()
    assert house.trial(1).state is TrialState.PAUSED, "nothing is lost: it waits without a process"
    house.want(1, to_epoch=3, finish=True)
    house.step()
    assert house.alive == ("s/1/2",)


def test_shutting_down_leaves_no_process_and_loses_no_trial(tmp_path: Path) -> None:
    house = House(tmp_path, slots=2)
    house.want(1, to_epoch=1, finish=False)
    house.want(2)
    started(house)
    house.epoch(1, 1, 1, 0.4)
    house.emit(1, 1, "paused", epoch=1, order=0)
    house.step()
    house.reconciler.shut_down()
    assert house.alive == ()
    assert (house.trial(1).state, house.trial(2).state) == (TrialState.PAUSED, TrialState.WANTED)
    house.reborn()
    house.step()
    assert house.alive == ("s/2/2",)


def test_a_pruned_trial_is_ended(house: House) -> None:
    house.want(1)
    started(house)
    house.trials.move(1, TrialState.PRUNED)
    house.step()
    assert house.alive == ()


def test_a_trial_over_its_time_is_ended_and_said_so(tmp_path: Path) -> None:
    house = House(tmp_path, limits=Limits(seconds=10.0))
    house.want(1)
    started(house)
    house.clock.now += 11
    house.step()
    assert house.trial(1).state is TrialState.TIMED_OUT
    assert house.alive == ()


def test_a_process_that_said_its_last_word_and_does_not_go_is_ended(house: House) -> None:
    house.want(1)
    started(house)
    house.emit(1, 1, "metric", name="accuracy", value=0.8, split="test", source="stdout:1", line=1)
    house.emit(1, 1, "finished", epochs=0, stopped_at=None, seconds=1.0)
    house.step()
    house.clock.now += 5
    house.step()
    assert house.trial(1).state is TrialState.RUNNING
    house.clock.now += 60
    house.step()
    house.step()
    assert house.trial(1).state is TrialState.FINISHED
    assert house.alive == ()


def test_paused_processes_are_ended_when_memory_is_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, slots=3)
    for number in (1, 2, 3):
        house.want(number, to_epoch=1, finish=False)
    house.step()
    for number in (1, 2, 3):
        house.emit(number, 1, "started", pid=1, order=0, resumed_from=0)
        house.epoch(number, 1, 1, 0.4)
        house.emit(number, 1, "paused", epoch=1, order=0)

    class Free:
        available = 1024 * 1024  # with the three paused: half of 4 MiB is 2 processes

    monkeypatch.setattr("pushtune.reconcile.memory.psutil.virtual_memory", lambda: Free)
    house.step()
    assert house.alive == ("s/2/1", "s/3/1")
    assert house.trial(1).state is TrialState.PAUSED
