"""Attempts that die or hang: tried again, ever more slowly, and given up in the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from reconciling import House, started

from pushtune.errors import MachineError
from pushtune.model.ports import Exit, Handle, Limits
from pushtune.model.states import AttemptState, Purpose
from pushtune.testing.fakes import FakeRuntime
from pushtune.trial import is_crash_loop
from pushtune_probe import wire


def test_a_crash_loop_without_progress_is_tried_ever_more_slowly_and_given_up(house: House) -> None:
    house.want(1)
    house.step()
    for attempt, wait in ((1, 1), (2, 5), (3, 25), (4, 125)):
        house.end(f"s/1/{attempt}", -9)
        house.step()
        house.clock.now += wait - 0.5
        house.reborn()  # what it waits for is in the ledger: our own death changes nothing
        house.step()
        assert house.alive == ()
        house.clock.now += 0.5
        house.step()
        assert house.alive == (f"s/1/{attempt + 1}",)
    house.end("s/1/5", -9)
    house.step()
    row = house.trial(1)
    assert is_crash_loop(row)
    assert row.message == (
        "crash loop: 5 attempts in a row ended without progress; "
        "the last one: its process was killed (SIGKILL)"
    )
    assert house.trials.attempts(1)[-1].note == f"lost: {row.message}"


def test_a_crash_loop_with_progress_starts_anew_after_a_second_each_time_and_ends_too(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pushtune.reconcile.endings.MOST_LOST", 4)
    house.want(1)
    for attempt in (1, 2, 3, 4):
        house.clock.now += 1
        started(house, attempt=attempt, resumed_from=attempt - 1)
        house.epoch(1, attempt, attempt, 0.1)
        house.end(f"s/1/{attempt}", -9)
        house.step()
    assert is_crash_loop(house.trial(1))
    assert "4 attempts were lost altogether" in house.trial(1).message


def test_a_clock_that_was_set_back_does_not_hold_up_the_next_attempt(house: House) -> None:
    house.want(1)
    house.step()
    house.end("s/1/1", -9)
    house.step()
    house.clock.now -= 3600
    house.step()
    assert house.alive == ("s/1/2",)


def test_what_waits_after_a_crash_asks_for_no_slot(house: House) -> None:
    house.want(1)
    house.step()
    house.end("s/1/1", -9)
    house.reconciler.look()
    assert house.reconciler.demand().wanted == 0
    house.clock.now += 1
    assert house.reconciler.demand().wanted == 1


def silent_for(house: House, seconds: float) -> None:
    """Let time pass, looked at every minute as it would be."""
    end = house.clock.now + seconds
    while house.clock.now < end:
        house.clock.now = min(end, house.clock.now + 60)
        house.reconciler.look()


def test_a_trial_that_hangs_is_killed_and_goes_on_from_its_checkpoint(house: House) -> None:
    house.recipe = replace(house.recipe, silence=300.0)
    house.reborn()
    house.want(1, to_epoch=3)
    started(house)
    house.epoch(1, 1, 1, 0.4)
    silent_for(house, 290)
    assert house.alive == ("s/1/1",)
    silent_for(house, 130)
    assert house.trials.attempts(1)[0].note.startswith("lost: it hung: for ")
    house.clock.now += 1
    house.step()
    assert house.alive == ("s/1/2",)


def test_what_it_prints_is_a_sign_of_life(house: House) -> None:
    house.recipe = replace(house.recipe, silence=300.0)
    house.reborn()
    house.want(1)
    started(house)
    for _ in range(5):
        silent_for(house, 200)
        with (house.folder(1).attempt(1) / wire.STDOUT).open("a") as log:
            log.write(".")
    silent_for(house, 200)
    assert house.alive == ("s/1/1",)


def test_what_is_normal_for_the_study_is_no_hang(house: House) -> None:
    """The baseline's epoch took 100 s: its candidates may be silent for 1000."""
    house.recipe = replace(house.recipe, silence=300.0)
    house.reborn()
    house.want(0, purpose=Purpose.BASELINE)
    started(house, 0)
    house.emit(0, 1, "epoch", epoch=1, total=1, seconds=100.0, metrics={})
    house.end("s/0/1", 0)
    house.step()
    house.want(1)
    started(house)
    silent_for(house, 990)
    assert house.alive == ("s/1/1",)
    silent_for(house, 130)
    assert house.alive == ()


def test_a_machine_that_slept_is_no_hang_and_no_training(tmp_path: Path) -> None:
    house = House(tmp_path, limits=Limits(seconds=3600.0))
    house.recipe = replace(house.recipe, silence=300.0)
    house.reborn()
    house.want(1)
    started(house)
    house.clock.now += 10
    house.step()
    house.clock.now += 8 * 3600
    house.step()
    house.clock.now -= 24 * 3600
    house.step()
    assert house.alive == ("s/1/1",)
    house.end("s/1/1", 0)
    house.step()
    assert house.trial(1).seconds == 10.0


def test_waiting_at_a_rung_is_no_hang(house: House) -> None:
    house.recipe = replace(house.recipe, silence=300.0)
    house.reborn()
    house.want(1, to_epoch=1, finish=False)
    started(house)
    house.epoch(1, 1, 1, 0.4)
    house.emit(1, 1, "paused", epoch=1, order=0)
    silent_for(house, 1000)
    assert house.alive == ("s/1/1",)


class Away(FakeRuntime):
    """An engine that does not answer for some attempts: the kernel tells of the others."""

    silent_for = ""

    def poll(self, handle: Handle, limits: Limits, folder: str) -> Exit | None:
        self._ask(handle)
        return super().poll(handle, limits, folder)

    def kill(self, handle: Handle) -> None:
        self._ask(handle)
        super().kill(handle)

    def _ask(self, handle: Handle) -> None:
        if self.silent_for and handle.label.endswith(self.silent_for):
            raise MachineError("the engine does not answer")


@pytest.fixture
def away(tmp_path: Path) -> House:
    """Two trials that run, the first of which an engine does not answer for."""
    runtime = Away()
    house = House(tmp_path, slots=2, runtime=runtime)
    house.want(1)
    house.want(2)
    house.step()
    runtime.silent_for = "/1/1"
    return house


def test_an_engine_that_is_away_for_one_attempt_keeps_nobody_from_looking_at_the_others(away: House) -> None:
    away.end("s/2/1", 0)
    with pytest.raises(MachineError, match="does not answer"):
        away.reconciler.look()
    assert away.trials.attempts(2)[0].state is AttemptState.ENDED
    assert away.trials.attempts(1)[0].state is AttemptState.RUNNING


def test_an_engine_that_is_away_for_one_attempt_keeps_nobody_from_ending_the_others(away: House) -> None:
    with pytest.raises(MachineError, match="does not answer"):
        away.reconciler.shut_down()
    assert away.alive == ("s/1/1",)
