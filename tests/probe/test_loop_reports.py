"""What is told of a training loop written by hand: epochs, metrics, pauses, and why there are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.probe import loop_scripts as scripts
from tests.probe.running import Attempt, Ran
from tests.probe.test_probe_control import give, seen, wait_for

from pushtune_probe import wire

PRINTS = """
    print("Accuracy: 0.1")
    for epoch in range(1, 4):  # epochs
        for batch in range(3):
            print(f"Train Epoch: {epoch} [{batch}/3 (0%)]\\tLoss: {1 / epoch - batch / 100:.6f}")
        print(f"Test set: Average loss: {0.5 / epoch:.4f}, Accuracy: {80 + epoch}/100 (8%)")
    print("Accuracy: 0.83")
"""


def run(folder: Path, source: str, **plan: Any) -> Ran:
    return Attempt(folder, source, loops=scripts.marked(source), **plan).run()


def test_what_an_epoch_prints_becomes_its_metrics(tmp_path: Path) -> None:
    ran = run(tmp_path, PRINTS)

    assert ran.code == 0, ran.output
    assert [(event["epoch"], event["total"]) for event in ran.all("epoch")] == [(1, 3), (2, 3), (3, 3)]
    assert ran.all("epoch")[1]["metrics"] == {
        "train_loss": {"value": 0.48, "split": "train"},
        "test_loss": {"value": 0.25, "split": "test"},
        "test_accuracy": {"value": 0.82, "split": "test"},
    }
    # What is printed outside the loop, and the last epoch's values, are told once, with their text.
    assert ran.metrics() == [
        ("accuracy", 0.1, "unknown"),
        ("loss", 0.313333, "train"),
        ("loss", 0.1667, "test"),
        ("accuracy", 0.83, "test"),
        ("accuracy", 0.83, "unknown"),
    ]
    fits = ran.all("fit")
    assert [(fit["call"], fit["epochs"], fit["rungs"], fit["why"]) for fit in fits] == [(1, 3, True, "")] * 2


def test_events_come_in_the_order_of_those_of_keras(tmp_path: Path) -> None:
    ran = run(tmp_path, PRINTS, finish_at=2)

    assert [event["event"] for event in ran.events if event["event"] not in ("metric", "fit")] == [
        "started", "epoch", "checkpoint", "epoch", "checkpoint", "finished",
    ]  # fmt: skip
    assert ran.one("finished")["stopped_at"] == 2
    assert "Accuracy: 0.83" in ran.output


def test_it_pauses_goes_on_and_finishes_as_ordered(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, scripts.WHILE, loops=scripts.marked(scripts.WHILE), pause_at=1)
    (tmp_path / wire.HEARTBEAT).touch()
    process = attempt.start()
    wait_for(seen(attempt, "paused"))
    assert not seen(attempt, "epoch", 2)()
    give(attempt, number=1, pause_at=3, finish_at=None)
    wait_for(seen(attempt, "paused", 2))
    give(attempt, number=2, pause_at=None, finish_at=4)

    assert process.wait(60) == 0
    order = [(event["event"], event.get("epoch")) for event in attempt.events()]
    assert order.index(("checkpoint", 3)) < order.index(("paused", 3))
    assert attempt.events()[-1]["stopped_at"] == 4


def test_a_finished_while_loop_runs_its_else(tmp_path: Path) -> None:
    source = """
        n = 0
        while n < 5:  # epochs
            n += 1
        else:
            print("else", n)
    """
    assert "else 2" in run(tmp_path, source, finish_at=2).output


def test_a_trial_paused_at_its_last_epoch_is_finished_in_another_process(tmp_path: Path) -> None:
    first = Attempt(tmp_path / "1", PRINTS, loops=scripts.marked(PRINTS), pause_at=2, patience=0.1)
    assert first.run().code == wire.EXIT_PAUSED
    checkpoints = tuple(wire.checkpoint_folders(str(first.folder)))

    ran = run(tmp_path / "2", PRINTS, attempt=2, checkpoints=checkpoints, finish_at=2)

    assert ran.code == 0, ran.output
    assert ran.all("epoch") == []
    assert (ran.one("finished")["epochs"], ran.one("finished")["stopped_at"]) == (2, 2)


LAST = "for number in range(3):  # epochs\n    pass\n"

ONE_PIECE = {
    "a generator": ("gen = (n for n in range(9))\nfor number in range(3):  # epochs\n    next(gen)\n", "gen"),
    "an iterator": ("lines = zip(range(99))\nfor number in range(3):  # epochs\n    next(lines)\n", "lines"),
    "what cannot be pickled": (
        "import threading\nclass A: pass\na = A()\n"
        "for number in range(3):  # epochs\n    a.f = lambda: 1\n",
        "a cannot be saved: Can't pickle <function <lambda>",
    ),
    "what cannot be looked at": (
        "class Odd(list):\n    def __len__(self):\n        raise RuntimeError('odd')\nodd = Odd()\n"
        + "for number in range(3):  # epochs\n    pass\n",
        "RuntimeError: odd",
    ),
    "two loops": ("for _ in range(2):  # epochs\n    pass\n" + LAST, "several epoch loops"),
    "a loop that runs twice": (
        "def fit():\n    for number in range(3):  # epochs\n        pass\nfit()\nfit()\n",
        "runs more than once",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", ONE_PIECE)
def test_what_cannot_be_resumed_exactly_is_trained_in_one_piece(tmp_path: Path, what: str) -> None:
    source, why = ONE_PIECE[what]
    (tmp_path / wire.HEARTBEAT).touch()

    ran = run(tmp_path, source, pause_at=None if "twice" in what else 1)

    assert ran.code == 0, ran.output
    last = ran.all("fit")[-1]
    assert last["rungs"] is False
    assert why in last["why"]
    assert ran.all("paused") == []
    epochs = [event["epoch"] for event in ran.all("epoch")]
    assert epochs == list(range(1, len(epochs) + 1))
    assert len(epochs) >= 3


def test_what_is_there_and_does_not_move_is_no_hindrance(tmp_path: Path) -> None:
    source = """
        import csv, logging, re, sys, threading
        gen = (n for n in range(99))
        next(gen)
        lock, pattern, log = threading.Lock(), re.compile("a"), logging.getLogger("x")
        out = open("log.csv", "w")
        table = csv.writer(out)
        for number in range(3):  # epochs
            it = iter([1, 2]); next(it)
            table.writerow([number])
            with open("weights.bin", "wb") as f:
                f.write(b"w")
        with open("weights.bin", "rb") as f:
            f.read()
    """
    ran = run(tmp_path, source)

    assert [fit["rungs"] for fit in ran.all("fit")] == [True, True], ran.output
    assert len(ran.all("checkpoint")) == 3


def test_a_loss_that_is_no_number_ends_the_trial(tmp_path: Path) -> None:
    source = """
        for epoch in range(5):  # epochs
            print("train loss:", float("nan") if epoch else 0.5)
    """
    ran = run(tmp_path, source)

    assert len(ran.all("epoch")) == 2
    assert ran.one("failed")["kind"] == "diverged"


def test_an_error_in_an_epoch_is_the_scripts_own(tmp_path: Path) -> None:
    source = """
        def work():
            for epoch in range(5):  # epochs
                if epoch:
                    raise ValueError("mine")
        work()
    """
    ran = run(tmp_path, source)

    failed = ran.one("failed")
    assert (failed["line"], failed["message"]) == (5, "mine")
    assert "pushtune" not in failed["traceback"]
    assert "pushtune" not in ran.output
    assert len(ran.all("epoch")) == 1


def test_a_break_ends_an_epoch_only_if_it_trained(tmp_path: Path) -> None:
    source = """
        for epoch in range(9):  # epochs
            if epoch == 3:
                break
            print("loss: 0.%d" % (9 - epoch))
        for again in range(2):
            print("val accuracy: 0.5")
    """
    ran = run(tmp_path, source)

    assert [event["epoch"] for event in ran.all("epoch")] == [1, 2, 3]
    assert ran.metrics() == [("loss", 0.7, "unknown"), *[("accuracy", 0.5, "validation")] * 2]


def test_a_resumed_log_has_each_line_once(tmp_path: Path) -> None:
    source = """
        import os
        log = open("log.txt", "w")
        for epoch in range(4):  # epochs
            log.write("%d\\n" % epoch)
            if os.environ.get("KILL") and epoch == 2:
                log.flush(); os.kill(os.getpid(), 9)
    """
    loops = scripts.marked(source)
    first = Attempt(tmp_path / "1", source, loops=loops)
    assert first.run(KILL="1").code == -9
    checkpoints = tuple(wire.checkpoint_folders(str(first.folder)))

    second = Attempt(tmp_path / "2", source, loops=loops, checkpoints=checkpoints)
    assert second.run().code == 0

    assert (second.workspace / "log.txt").read_text() == "0\n1\n2\n3\n"


def test_a_loop_around_a_framework_leaves_the_epochs_to_it(tmp_path: Path) -> None:
    source = """
        import sys
        session = [f for f in sys.meta_path if hasattr(f, "_pending")][0]._session
        for turn in range(3):  # epochs
            session.reporter.emit("fit", call=turn + 1, epochs=1, steps=None, rungs=False, why="several")
            session.epoch(turn + 1, 3, 0.1, {"loss": {"value": 0.5, "split": "train"}})
            print("Test accuracy: 0.%d" % (turn + 1))
    """
    ran = run(tmp_path, source)

    assert [event["epoch"] for event in ran.all("epoch")] == [1, 2, 3]
    assert ran.all("epoch")[0]["metrics"] == {"loss": {"value": 0.5, "split": "train"}}
    assert ran.metrics() == [("accuracy", 0.1, "test"), ("accuracy", 0.2, "test"), ("accuracy", 0.3, "test")]
    assert ran.all("checkpoint") == []
    assert [fit["rungs"] for fit in ran.all("fit")] == [True, False, False, False]


def test_a_loop_in_a_child_process_is_silent(tmp_path: Path) -> None:
    source = """
        import multiprocessing
        def work(n):
            for epoch in range(n):  # epochs
                print("loss: 0.5")
            return n
        with multiprocessing.get_context("fork").Pool(1) as pool:
            print(pool.map(work, [2]))
    """
    ran = run(tmp_path, source)

    assert "[2]" in ran.output
    assert ran.all("epoch") == ran.all("fit") == []
