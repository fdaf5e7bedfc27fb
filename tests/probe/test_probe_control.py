"""A live attempt pauses, goes on, and finishes when it is told to; alone, it gives up."""

from __future__ import annotations

import errno
import os
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.probe.running import Attempt

from pushtune_probe import wire
from pushtune_probe.control import FINISH, GO_ON, Control
from pushtune_probe.reporter import Reporter

# What a framework's hook does at each epoch's end, in a script's clothes.
LOOP = """
    import sys
    session = [f for f in sys.meta_path if hasattr(f, "_session")][0]._session
    for epoch in range(1, 6):
        session.epoch(epoch, 5, 0.1, {"loss": {"value": 1.0 / epoch, "split": "train"}})
        if session.control.obey(epoch) == "finish here":
            session.stopped_at = epoch
            break
    print("after", epoch)
"""


def wait_for(found: Callable[[], bool]) -> None:
    for _ in range(3000):
        if found():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen")


def seen(attempt: Attempt, event: str, count: int = 1) -> Callable[[], bool]:
    return lambda: [body["event"] for body in attempt.events()].count(event) >= count


def give(attempt: Attempt, **order: Any) -> None:
    wire.write_atomically(str(attempt.folder / wire.ORDER), wire.Order(**order).to_json().encode())


def test_it_pauses_goes_on_and_finishes_as_ordered(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, LOOP, pause_at=1)
    (tmp_path / wire.HEARTBEAT).touch()
    process = attempt.start()
    wait_for(seen(attempt, "paused"))
    assert seen(attempt, "epoch", 1)()
    assert not seen(attempt, "epoch", 2)()
    give(attempt, number=1, pause_at=3, finish_at=None)
    wait_for(seen(attempt, "paused", 2))
    give(attempt, number=2, pause_at=None, finish_at=4)

    assert process.wait(30) == 0
    told = [(body["event"], body.get("epoch")) for body in attempt.events()]
    assert told[1:4] == [("epoch", 1), ("paused", 1), ("resumed", 1)]
    assert told[4:8] == [("epoch", 2), ("epoch", 3), ("paused", 3), ("resumed", 3)]
    assert told[8:] == [("epoch", 4), ("finished", None)]
    finished = attempt.events()[-1]
    assert (finished["epochs"], finished["stopped_at"]) == (4, 4)
    assert (tmp_path / wire.STDOUT).read_text() == "after 4\n"


def test_a_paused_process_that_nobody_watches_ends(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, "print('before')\n" + textwrap.dedent(LOOP), pause_at=2, patience=0.2)
    process = attempt.start()

    assert process.wait(30) == wire.EXIT_PAUSED
    assert attempt.events()[-1]["event"] == "paused"
    assert (tmp_path / wire.STDOUT).read_text() == "before\n"


def test_a_watched_one_lives_longer_than_its_patience(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, LOOP, pause_at=2, patience=0.5)
    heartbeat = tmp_path / wire.HEARTBEAT
    heartbeat.touch()
    process = attempt.start()
    wait_for(seen(attempt, "paused"))
    for _ in range(15):
        heartbeat.touch()
        time.sleep(0.1)
    assert process.poll() is None
    give(attempt, number=1, pause_at=None, finish_at=None)

    assert process.wait(30) == 0


def test_an_order_that_lies_there_already_is_obeyed_first(tmp_path: Path) -> None:
    control, _ = make(tmp_path, pause_at=1)
    give_to(tmp_path, number=3, pause_at=None, finish_at=2)

    assert [control.obey(1), control.obey(2)] == [GO_ON, FINISH]
    assert control.order == 3


def test_an_older_or_broken_order_changes_nothing(tmp_path: Path) -> None:
    control, _ = make(tmp_path, finish_at=5)
    give_to(tmp_path, number=2, pause_at=None, finish_at=7)
    assert control.read()
    give_to(tmp_path, number=1, pause_at=None, finish_at=1)
    assert not control.read()
    (tmp_path / wire.ORDER).write_text("{torn")
    assert not control.read()
    assert control.finish_at == 7


def test_without_checkpoints_there_is_no_pause_but_an_end(tmp_path: Path) -> None:
    control, events = make(tmp_path, record=False, pause_at=1, finish_at=2)

    assert control.obey(1) == GO_ON
    assert control.obey(2) == FINISH
    assert events() == []


def make(folder: Path, **plan: Any) -> tuple[Control, Callable[[], list[dict[str, Any]]]]:
    facts: dict[str, Any] = {"label": "t", "trial": 0, "attempt": 1, "seed": 0, "threads": 1}
    facts.update(plan, workspace=str(folder), script="train.py")
    events = str(folder / wire.EVENTS)
    return Control(wire.Plan(**facts), str(folder), Reporter(events)), lambda: wire.read_events(events)[0]


def give_to(folder: Path, **order: Any) -> None:
    wire.write_atomically(str(folder / wire.ORDER), wire.Order(**order).to_json().encode())


def codes(folder: Path) -> list[Any]:
    return [body["code"] for body in wire.read_events(str(folder / wire.EVENTS))[0]]


def test_what_a_full_disk_refused_is_written_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reporter = Reporter(str(tmp_path / wire.EVENTS))
    real = os.write
    room = [10]

    def write(descriptor: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken, room[0] = room[0], 0
        return real(descriptor, data[:taken])

    monkeypatch.setattr(os, "write", write)
    reporter.emit("warning", code="a", text="cut short by a full disk")
    reporter.emit("warning", code="b", text="refused by it")
    reporter.settle(0.2)
    assert codes(tmp_path) == []
    monkeypatch.undo()
    reporter.settle(60)

    assert codes(tmp_path) == ["a", "b"]
    reporter.emit("warning", code="c", text="whole")
    assert codes(tmp_path) == ["a", "b", "c"]
    assert reporter.lost == 0


def test_no_more_is_kept_than_memory_has_room_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reporter = Reporter(str(tmp_path / wire.EVENTS))
    monkeypatch.setattr("pushtune_probe.reporter.MOST_KEPT", 2)
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: 0)
    for code in "abc":
        reporter.emit("warning", code=code, text="")
    monkeypatch.setattr(os, "write", real)
    reporter.settle(60)

    assert codes(tmp_path) == ["b", "c"]
    assert reporter.lost == 1


def test_an_event_that_is_too_long_leaves_a_warning(tmp_path: Path) -> None:
    reporter = Reporter(str(tmp_path / wire.EVENTS))
    reporter.emit("model", layers="x" * wire.MAX_LINE)

    assert wire.read_events(str(tmp_path / wire.EVENTS))[0][0]["code"] == "event-too-long"
