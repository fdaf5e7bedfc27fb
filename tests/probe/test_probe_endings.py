"""However a script ends, the last event says so, and the exit status is the script's own."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from tests.probe.running import Attempt


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("print('done')", 0),
        ("import sys; sys.exit(0)", 0),
        ("import sys; sys.exit()", 0),
        ("import os, sys; sys.stdout.flush(); os._exit(0)", 0),
        ("raise SystemExit", 0),
    ],
)
def test_a_good_end_is_finished(tmp_path: Path, source: str, code: int) -> None:
    ran = Attempt(tmp_path, source).run()

    assert ran.code == code
    assert ran.events[-1]["event"] == "finished"
    assert ran.events[0]["event"] == "started"
    assert ran.all("failed") == []
    assert ran.all("warning") == []


@pytest.mark.parametrize(
    ("source", "code", "kind", "name", "message", "line"),
    [
        ("import sys\nsys.exit('no data here')", 1, "error", "SystemExit", "no data here", 2),
        ("import sys\nsys.exit(3)", 3, "error", "SystemExit", "exit status 3", 2),
        ("import os\n\nos._exit(4)", 4, "error", "SystemExit", "os._exit(4)", 3),
        ("raise KeyboardInterrupt", 130, "error", "KeyboardInterrupt", "", 1),
        ("x = 1\nraise MemoryError('big')", 1, "memory", "MemoryError", "big", 2),
        ("raise RuntimeError('CUDA out of memory. Tried')", 1, "memory", "RuntimeError", "CUDA out of", 1),
        ("import no_such_thing.at_all", 1, "missing", "ModuleNotFoundError", "'no_such_thing'", 1),
        ("open('data/train.csv')", 1, "error", "FileNotFoundError", "data/train.csv", 1),
        ("raise FloatingPointError('overflow')", 1, "diverged", "FloatingPointError", "overflow", 1),
        ("a = 1\nb = = 2", 1, "error", "SyntaxError", "invalid syntax", 2),
        ("\n\nname = input('Your name? ')", 1, "input", "EOFError", "name = input('Your name? ')", 3),
        ("import sys\nn = int(sys.stdin.readline())", 1, "input", "ValueError", "asks for input", 2),
        (
            "from argparse import *\np = ArgumentParser()\np.add_argument('x')\np.parse_args()",
            2,
            "arguments",
            "SystemExit",
            "argument error: the following arguments are required: x",
            4,
        ),
        (
            "import click\n@click.command()\n@click.argument('data')\ndef main(data): pass\nmain()",
            2,
            "arguments",
            "SystemExit",
            "argument error: ",
            5,
        ),
        ("import argparse, sys\nsys.exit(2)", 2, "error", "SystemExit", "exit status 2", 2),
    ],
)
def test_a_bad_end_says_what_and_where(
    tmp_path: Path, source: str, code: int, kind: str, name: str, message: str, line: int
) -> None:
    ran = Attempt(tmp_path, source).run()
    failed = ran.one("failed")

    assert ran.code == code
    assert (failed["kind"], failed["type"]) == (kind, name)
    assert message in failed["message"]
    assert (failed["file"], failed["line"]) == ("train.py", line)
    assert ran.all("finished") == []


def test_the_place_is_in_the_scripts_own_files_not_in_the_library(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, "from helper import load\nload()")
    attempt.file("helper.py", "import json\ndef load():\n    return json.loads('{')\n")

    failed = attempt.run().one("failed")

    assert failed["type"] == "JSONDecodeError"
    assert (failed["file"], failed["line"]) == ("helper.py", 3)


def test_the_traceback_is_short_and_is_also_printed_without_the_probe(tmp_path: Path) -> None:
    ran = Attempt(tmp_path, "def f(n):\n    return f(n - 1) if n else {}['é' * 3000]\nf(50)").run()
    text = ran.one("failed")["traceback"]

    assert len(text.splitlines()) <= 15
    assert len(text.encode()) <= 4096
    assert "KeyError" in text
    assert "pushtune" not in ran.output
    assert ran.output.startswith("Traceback (most recent call last):\n")
    assert "KeyError" in ran.output


def test_exit_handlers_run_before_the_last_event(tmp_path: Path) -> None:
    ran = Attempt(tmp_path, "import atexit; atexit.register(print, 'Accuracy: 0.75')").run()

    assert ran.metrics() == [("accuracy", 0.75, "unknown")]
    assert [body["event"] for body in ran.events] == ["started", "metric", "finished"]


def test_threads_that_outlive_the_last_line_are_waited_for(tmp_path: Path) -> None:
    source = """
        import threading, time
        def train():
            time.sleep(0.2)
            print('Accuracy: 0.75')
        threading.Thread(target=train).start()
    """
    ran = Attempt(tmp_path, source).run()

    assert [body["event"] for body in ran.events] == ["started", "metric", "finished"]


def test_a_metric_that_ends_as_not_a_number_has_diverged(tmp_path: Path) -> None:
    ran = Attempt(tmp_path, "print('loss: 0.5')\nprint('loss: nan')\nprint('accuracy: 0.1')").run()

    assert ran.one("failed")["kind"] == "diverged"
    assert ran.one("failed")["message"] == "loss is not a number"


def test_a_loss_that_recovers_has_not_diverged(tmp_path: Path) -> None:
    ran = Attempt(tmp_path, "print('loss: nan')\nprint('loss: 0.5')").run()

    assert ran.events[-1]["event"] == "finished"


def test_a_killed_script_reports_no_end(tmp_path: Path) -> None:
    ran = Attempt(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)").run()

    assert ran.code == -signal.SIGKILL
    assert [body["event"] for body in ran.events] == ["started"]


def test_wrong_arguments_are_told_in_one_line(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, "")
    command = attempt.command()[:2]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr == "usage: python -m pushtune_probe --attempt DIR -- script.py [args...]\n"


LEAVES_LATE = """
import atexit, ctypes, sys, threading, time, types

sys.modules["jax"] = types.ModuleType("jax")  # something that takes long to be taken apart
log = open("log.txt", "w")
log.write("never closed")
raw = open("raw.bin", "wb", buffering=4096)
raw.write(b"never closed either")
closed = open("closed.txt", "w")
closed.close()
ctypes.CDLL(None).printf(b"said by the C library\\n")

class Last:
    def __del__(self):
        print("taken apart")

last = Last()
threading.Thread(target=lambda: (time.sleep(0.2), print("a thread's last words"))).start()
atexit.register(lambda: print("the script's own handler"))
print("the last line", end="")
"""


def test_what_takes_long_to_be_taken_apart_is_left_as_it_is_and_no_byte_is_lost(tmp_path: Path) -> None:
    ran = Attempt(tmp_path, LEAVES_LATE).run()

    assert ran.code == 0
    assert ran.events[-1]["event"] == "finished"
    assert "taken apart" not in ran.output
    for words in (
        "a thread's last words",
        "the script's own handler",
        "the last line",
        "said by the C library",
    ):
        assert words in ran.output
    assert (tmp_path / "workspace" / "log.txt").read_text() == "never closed"
    assert (tmp_path / "workspace" / "raw.bin").read_bytes() == b"never closed either"


def test_a_process_that_takes_no_time_to_end_ends_as_usual(tmp_path: Path) -> None:
    ran = Attempt(tmp_path, LEAVES_LATE.replace('sys.modules["jax"]', "jax")).run()

    assert ran.code == 0
    assert "taken apart" in ran.output
