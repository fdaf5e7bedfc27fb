"""What a study trains is timed bare while the study stands still."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil
from overhead import Bare, frozen, unknown

COUNTS = """
import os, sys, time
if sys.argv[2:]:
    if os.fork() == 0:
        os.setsid()
number = 0
while True:
    number += 1
    with open(f"{sys.argv[1]}/{os.getpid()}", "w") as file:
        file.write(str(number))
    time.sleep(0.01)
"""


def counted(folder: Path) -> list[str]:
    return [path.read_text() for path in sorted(folder.iterdir())]


def until_changed(folder: Path, before: list[str]) -> list[str]:
    """What two processes have counted to once both went on; empty if they never do."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        now = counted(folder)
        if len(now) == 2 and all(now) and not set(now) & set(before):
            return now
        time.sleep(0.05)
    return []


def test_a_study_and_its_trials_stand_still_and_go_on(tmp_path: Path) -> None:
    study = psutil.Popen([sys.executable, "-c", COUNTS, str(tmp_path), "with a child"])
    try:
        assert until_changed(tmp_path, [])
        with frozen(study):
            time.sleep(0.1)
            stopped = counted(tmp_path)
            time.sleep(0.5)
            assert counted(tmp_path) == stopped
        assert until_changed(tmp_path, stopped)
    finally:
        for process in (*study.children(recursive=True), study):
            process.kill()
        study.wait()


def test_a_source_that_was_run_is_not_run_again(tmp_path: Path) -> None:
    candidate = tmp_path / ".pushtune/studies/one/trials/0001/candidate"
    candidate.mkdir(parents=True)
    bare = Bare(tmp_path / "bare")
    assert unknown(tmp_path, bare) is None
    (candidate / "train.py").write_text("print('no end of line yet')")
    assert unknown(tmp_path, bare) is None
    (candidate / "train.py").write_text("pass\n")
    source = unknown(tmp_path, bare)
    assert source == "pass\n"
    taken = bare.seconds(source)
    assert unknown(tmp_path, bare) is None
    assert bare.seconds(source) == taken
