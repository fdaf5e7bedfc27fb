"""The server outlives what goes wrong with one push: cancels, folders that are gone, engines."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from watched import SlipError, Watched

from pushtune.errors import MachineError
from pushtune.git import Mirror
from pushtune.model.states import PushState, StageName
from pushtune.pipeline.stage import Done, OnStudy


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


@pytest.mark.parametrize("answer", [Done("it is prepared"), SlipError("it is not")], ids=["done", "failed"])
def test_a_cancel_while_a_stage_is_at_work_ends_the_push_and_nothing_else(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, answer: Done | SlipError
) -> None:
    def cancelled_meanwhile(stage: OnStudy, desk: Any) -> Done:
        watched.cancel()
        if isinstance(answer, SlipError):
            raise answer
        return answer

    monkeypatch.setattr(OnStudy, "step", cancelled_meanwhile)
    watched.until(lambda: watched.row().state is PushState.CANCELLED)
    watched.serving.tick()
    assert watched.row().reason == "cancelled by hand"
    assert watched.stage(StageName.NOTIFY) == "skipped"


def test_a_push_that_is_cancelled_between_two_looks_at_the_ledger_leaves_its_trial_to_be_gone_on_with(
    watched: Watched,
) -> None:
    watched.until_it_trains()
    watched.cancel()
    (driver,) = watched.serving._drivers.values()
    assert driver.step()
    assert watched.environment.fake.alive == ()
    baseline = watched.ledger.trials(watched.row().study or "").get(0)
    assert baseline is not None
    assert baseline.state.value == "wanted"


def test_what_goes_wrong_again_and_again_with_one_push_ends_that_push_alone(watched: Watched) -> None:
    watched.until_it_trains()
    (driver,) = watched.serving._drivers.values()
    assert driver._run is not None
    driver._run = _Broken()  # type: ignore[assignment]
    for _ in range(3):
        driver.look()
        driver.act(1)
    watched.until(lambda: watched.row().state is PushState.FAILED)
    assert "this is a bug in pushtune" in watched.row().reason


class _Broken:
    def look(self) -> bool:
        raise ValueError("look")

    def act(self, slots: int) -> None:
        raise ValueError("act")

    def demand(self) -> None:
        return None

    close = stop = save_time = demand


def test_a_server_starts_though_the_trials_of_a_push_that_is_over_cannot_be_ended(watched: Watched) -> None:
    watched.until_it_trains()
    watched.cancel()
    shutil.rmtree(watched.home.checkout(watched.push))
    watched.another_server().sweep()
    assert f"push {watched.push}" in watched.said[-1]


def test_an_origin_that_does_not_answer_is_asked_ever_less_often(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(*_: object) -> None:
        raise MachineError("it does not answer")

    monkeypatch.setattr(Mirror, "fetch", fetch)
    watched.until(lambda: watched.row().tries == 4)
    assert (watched.row().retry_at or 0) - watched.now > 30
    assert len([line for line in watched.said if "it does not answer" in line]) == 1


def test_an_engine_that_does_not_start_trials_is_asked_ever_less_often(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(*_: object) -> None:
        raise MachineError("the engine does not answer")

    monkeypatch.setattr(watched.environment.fake, "start", start)
    watched.until(lambda: watched.row().tries == 4)
    assert (watched.row().retry_at or 0) - watched.now > 30
    monkeypatch.undo()
    watched.until_it_trains()
    watched.until(lambda: watched.row().trouble == "")


def test_a_push_that_is_cancelled_and_retried_waits_for_the_fetch_that_was_under_way(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, go_on, real = threading.Semaphore(0), threading.Event(), Mirror.export

    def export(self: Mirror, *arguments: Any) -> None:
        entered.release()
        assert go_on.wait(30)
        real(self, *arguments)

    monkeypatch.setattr(Mirror, "export", export)
    watched.serving.tick()
    assert entered.acquire(timeout=30)
    watched.cancel()
    watched.now += 1
    watched.serving.tick()
    watched.ledger.pushes.begin_round(watched.push, StageName.PULL, now=watched.now)
    for _ in range(3):
        watched.now += 2
        watched.serving.tick()
    assert not entered.acquire(timeout=0.2), "two of them write into one checkout"
    go_on.set()
    watched.until_it_trains()


def test_the_same_trouble_that_is_met_while_it_is_waited_out_is_met_once(watched: Watched) -> None:
    watched.until_it_trains()
    (driver,) = watched.serving._drivers.values()
    driver._run = _Away()  # type: ignore[assignment]
    for _ in range(20):
        driver.look()
    assert (watched.row().tries, watched.row().retry_at) == (1, watched.now + 5)


class _Away(_Broken):
    def look(self) -> bool:
        raise MachineError("the engine does not answer")


def test_a_server_that_stops_keeps_its_home_until_its_fetch_has_ended(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, go_on, exported = threading.Event(), threading.Event(), threading.Event()

    def export(*_: Any) -> None:
        entered.set()
        assert go_on.wait(30)
        exported.set()

    monkeypatch.setattr(Mirror, "export", export)
    watched.serving.tick()
    assert entered.wait(30)
    watched.serving.close(end_trials=False)
    assert not exported.is_set()
    threading.Timer(0.2, go_on.set).start()
    watched.serving.wait()
    assert exported.is_set()
    assert watched.said[-1] == "waiting for what is being fetched or built"


def test_a_push_that_is_cancelled_as_it_is_taken_up_stays_cancelled(watched: Watched) -> None:
    seen = watched.ledger.pushes.open()
    watched.cancel()
    watched.serving._follow(seen)
    watched.serving.tick()
    assert watched.row().state is PushState.CANCELLED
