"""Whoever dies, and whatever the disk has no room for: nothing is lost and nothing is started twice."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from reconciling import House, started

from pushtune.errors import MachineError
from pushtune.model.ports import AttemptSpec, Exit
from pushtune.model.states import AttemptState, TrialState
from pushtune.reconcile.trouble import MOST_BELIEVED
from pushtune_probe import wire


def test_after_our_own_death_live_attempts_are_adopted_not_started_again(house: House) -> None:
    house.want(1, to_epoch=3)
    started(house)
    house.runtime.forget()
    house.reborn()
    house.step()
    assert house.alive == ("s/1/1",)
    assert len(house.runtime.started) == 1


def test_an_attempt_that_ended_while_we_were_dead_is_concluded_by_its_events(house: House) -> None:
    house.want(1)
    started(house)
    house.emit(1, 1, "metric", name="accuracy", value=0.8, split="test", source="stdout:1", line=1)
    house.emit(1, 1, "finished", epochs=0, stopped_at=None, seconds=1.0)
    house.end("s/1/1", 0)
    house.runtime.forget()
    house.reborn()
    assert house.trial(1).state is TrialState.FINISHED
    assert house.trial(1).report == 0.8


def test_dying_between_the_ledger_and_the_process_loses_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.want(1)

    def die(_: AttemptSpec) -> Exit:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(house.runtime, "start", die)
        with pytest.raises(KeyboardInterrupt):
            house.step()
    assert house.trials.open_attempts()[0].state is AttemptState.STARTING
    house.reborn()
    house.step()
    assert house.alive == ("s/1/2",)


def test_an_order_that_was_recorded_and_not_sent_is_sent_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.want(1, to_epoch=1, finish=False)
    started(house)
    house.epoch(1, 1, 1, 0.4)
    house.emit(1, 1, "paused", epoch=1, order=0)
    house.step()
    house.want(1, to_epoch=3, finish=True)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pushtune.reconcile.reconciler.order", die)
        with pytest.raises(KeyboardInterrupt):
            house.step()
    assert not (house.folder(1).attempt(1) / wire.ORDER).exists()
    house.reborn()
    order = wire.Order.from_json((house.folder(1).attempt(1) / wire.ORDER).read_text())
    assert order == wire.Order(1, None, 3)
    assert len(house.runtime.started) == 1


def dies_at(
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    number: int,
    death: BaseException | None = None,
) -> bool:
    """Step once, dying just before the ``number``-th write to the ledger; whether there were so many."""
    left = [number]
    names = ("begin_attempt", "started", "ordered", "ended", "move", "conclude", "progress")

    def dying(name: str) -> Callable[..., object]:
        real = getattr(house.trials, name)

        def write(*arguments: object, **named: object) -> object:
            left[0] -= 1
            if left[0] == 0:
                raise death or KeyboardInterrupt
            return real(*arguments, **named)

        return write

    with monkeypatch.context() as patch:
        for name in names:
            patch.setattr(house.trials, name, dying(name))
        try:
            house.step()
        except (KeyboardInterrupt, MachineError):
            return True
    return False


@pytest.mark.parametrize("how", ["killed", "finished", "failed", "started", "paused"])
def test_dying_before_any_write_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """However far the ledger was written when we died, the next program brings the trial to its end."""
    for number in range(1, 10):
        path = tmp_path / f"{how}-{number}"
        path.mkdir()
        house = House(path)
        house.want(1, to_epoch=1 if how == "paused" else None, finish=how != "paused")
        if how != "started":
            started(house)
            tell(house, how)
        died = dies_at(house, monkeypatch, how, number)
        house.runtime.forget()
        house.reborn()
        for _ in range(3):
            house.clock.now += 2
            house.step()
            if house.alive and house.trial(1).state is TrialState.RUNNING and how != "paused":
                attempt = house.trials.attempts(1)[-1].number
                house.emit(1, attempt, "started", pid=1, order=0, resumed_from=0)
                house.emit(1, attempt, "metric", name="accuracy", value=0.8, split="test", source="x")
                house.emit(1, attempt, "finished", epochs=0, stopped_at=None, seconds=1.0)
                house.end(f"s/1/{attempt}", 0)
        ends = {"failed": TrialState.FAILED, "paused": TrialState.PAUSED}
        assert house.trial(1).state is ends.get(how, TrialState.FINISHED), (how, number)
        assert how == "paused" or (house.alive, house.trials.open_attempts()) == ((), [])
        if not died:
            return
    raise AssertionError("more writes than were tried")


def tell(house: House, how: str) -> None:
    """Let the first attempt of trial 1 come to its end, in one of four ways."""
    if how == "killed":
        house.end("s/1/1", -9)
    elif how == "finished":
        house.emit(1, 1, "metric", name="accuracy", value=0.8, split="test", source="x", line=1)
        house.emit(1, 1, "finished", epochs=0, stopped_at=None, seconds=1.0)
        house.end("s/1/1", 0)
    elif how == "failed":
        house.emit(1, 1, "failed", kind="error", type="ValueError", message="bad")
        house.end("s/1/1", 1)
    else:
        house.epoch(1, 1, 1, 0.4)
        house.emit(1, 1, "paused", epoch=1, order=0)


def test_what_lives_of_an_attempt_that_has_ended_is_ended(house: House) -> None:
    house.want(1)
    started(house)
    row = house.trials.attempts(1)[0]
    house.trials.ended(row, now=house.clock(), code=None, note="lost: it looked gone")
    house.reborn()
    assert house.alive == ()
    house.clock.now += 1
    house.step()
    assert house.alive == ("s/1/2",), "and never both at once"


def test_two_copies_of_a_project_leave_each_other_s_attempts_alone(tmp_path: Path) -> None:
    one = House(tmp_path)
    one.want(1)
    started(one)
    one.ledger.close()
    shutil.copytree(tmp_path, tmp_path.parent / f"{tmp_path.name}-copy", dirs_exist_ok=True)
    copy = House(tmp_path.parent / f"{tmp_path.name}-copy", runtime=one.runtime)
    assert one.alive == ("s/1/1",)
    assert one.runtime.killed == []
    copy.clock.now += 1
    copy.step()
    assert one.alive == ("s/1/1", "s/1/2")


def test_a_model_that_found_no_room_is_kept_when_there_is_some(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.want(1)
    started(house)
    model = house.folder(1).attempt(1) / "workspace" / "model.bin"
    model.write_bytes(b"weights")
    house.emit(1, 1, "artifact", kind="model", path="workspace/model.bin", bytes=7, origin="script")
    tell(house, "finished")

    def full(*_: object) -> None:
        raise MachineError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("pushtune.reconcile.reconciler.collect_model", full)
        with pytest.raises(MachineError):
            house.step()
        house.reborn_without_adopting()
        with pytest.raises(MachineError):
            house.reconciler.adopt()
    house.reborn()
    assert (house.folder(1).artifacts / "model.bin").read_bytes() == b"weights"
    assert not house.folder(1).has_workspaces


def test_what_could_not_be_started_stays_wanted_and_is_tried_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.want(1)

    def full(_: AttemptSpec) -> Exit:
        raise MachineError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(house.runtime, "start", full)
        for _ in range(10):
            with pytest.raises(MachineError, match="full"):
                house.step()
    assert house.trial(1).state is TrialState.WANTED
    assert house.trials.attempts(1)[-1].note == "not started: the disk is full"
    house.step()
    assert house.alive == ("s/1/11",)
    house.end("s/1/11", -9)
    house.step()
    assert house.trial(1).state is TrialState.WANTED, "a machine in trouble is no crash loop"


def test_an_order_that_could_not_be_written_is_written_when_there_is_room(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.want(1, to_epoch=1, finish=False)
    started(house)
    house.epoch(1, 1, 1, 0.4)
    house.emit(1, 1, "paused", epoch=1, order=0)
    house.step()
    house.want(1, to_epoch=3, finish=True)

    def full(*_: object) -> None:
        raise MachineError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("pushtune.reconcile.reconciler.order", full)
        with pytest.raises(MachineError):
            house.step()
    house.step()
    order = wire.Order.from_json((house.folder(1).attempt(1) / wire.ORDER).read_text())
    assert order == wire.Order(1, None, 3)


class Full:
    free = 0


def test_a_full_disk_is_trouble_of_the_machine_and_the_trial_goes_on_afterwards(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.want(1, to_epoch=3)
    for attempt in range(1, 9):
        started(house, attempt=attempt, resumed_from=min(attempt - 1, 1))
        if attempt == 1:
            house.epoch(1, 1, 1, 0.4)
        house.emit(1, attempt, "failed", kind="error", type="OSError", message="[Errno 28] No space left")
        house.end(f"s/1/{attempt}", 1)
        with monkeypatch.context() as patch:
            patch.setattr("pushtune.reconcile.trouble.shutil.disk_usage", lambda place: Full)
            with pytest.raises(MachineError, match="is full"):
                house.reconciler.look()
        assert house.trial(1).state is TrialState.WANTED
        assert house.trials.attempts(1)[-1].note.startswith("the machine: the disk that holds")
    house.step()
    plan = wire.Plan.from_json((house.folder(1).attempt(9) / wire.PLAN).read_text())
    assert [Path(name).name for name in plan.checkpoints] == ["000001"]


def test_an_end_that_could_not_be_written_down_on_a_full_disk_is_no_end(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.want(1)
    started(house)
    house.end("s/1/1", 0)
    with monkeypatch.context() as patch:
        patch.setattr("pushtune.reconcile.trouble.shutil.disk_usage", lambda place: Full)
        with pytest.raises(MachineError):
            house.reconciler.look()
    assert house.trial(1).state is TrialState.WANTED


def test_a_script_that_says_the_disk_is_full_where_it_is_not_is_believed_for_a_while(house: House) -> None:
    house.want(1)
    for attempt in range(1, MOST_BELIEVED + 2):
        started(house, attempt=attempt)
        house.emit(1, attempt, "failed", kind="error", type="OSError", message="[Errno 28] No space left")
        house.end(f"s/1/{attempt}", 1)
        if attempt <= MOST_BELIEVED:  # room may have come back before anybody looked
            with pytest.raises(MachineError, match="is full"):
                house.reconciler.look()
            assert house.trial(1).state is TrialState.WANTED
    house.step()
    assert house.trial(1).state is TrialState.FAILED


@pytest.mark.parametrize("how", ["killed", "finished", "failed", "started", "paused"])
def test_a_ledger_that_cannot_be_written_for_a_while_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """As when we die before any write, only that we live on: on a full disk each write may be refused."""
    for number in range(1, 10):
        path = tmp_path / f"{how}-{number}"
        path.mkdir()
        house = House(path)
        house.want(1, to_epoch=1 if how == "paused" else None, finish=how != "paused")
        if how != "started":
            started(house)
            tell(house, how)
        refused = dies_at(house, monkeypatch, how, number, MachineError("the disk is full"))
        for _ in range(4):
            house.clock.now += 2
            house.step()
            if house.alive and house.trial(1).state is TrialState.RUNNING and how != "paused":
                attempt = house.trials.attempts(1)[-1].number
                house.emit(1, attempt, "metric", name="accuracy", value=0.8, split="test", source="x")
                house.emit(1, attempt, "finished", epochs=0, stopped_at=None, seconds=1.0)
                house.end(f"s/1/{attempt}", 0)
        ends = {"failed": TrialState.FAILED, "paused": TrialState.PAUSED}
        assert house.trial(1).state is ends.get(how, TrialState.FINISHED), (how, number)
        assert how == "paused" or (house.alive, house.trials.open_attempts()) == ((), [])
        if not refused:
            return
    raise AssertionError("more writes than were tried")
