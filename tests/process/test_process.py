"""Short subprocesses: what they say comes back, and how they fail is said in one line."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from pushtune.errors import MachineError
from pushtune.process import Completed, find_program, run


def test_what_it_says_comes_back(tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd(), sys.stdin.read(), os.environ['W']); sys.stderr.write('no')"
    answer = run([sys.executable, "-c", code], cwd=tmp_path, env={"W": "yes"}, input="given")
    assert answer == Completed((sys.executable, "-c", code), 0, f"{tmp_path} given yes\n", "no")


def test_nothing_is_read_from_our_own_input() -> None:
    assert run([sys.executable, "-c", "print(repr(input()))"], check=False).last_words.startswith("EOFError")


def test_file_names_that_are_not_utf8_survive(tmp_path: Path) -> None:
    (Path(os.fsdecode(bytes(tmp_path) + b"/\xff.txt"))).write_text("there")
    name = run(["ls"], cwd=tmp_path).stdout.strip()
    assert (tmp_path / name).read_text() == "there"


def test_a_failure_says_the_command_its_status_and_its_last_words() -> None:
    with pytest.raises(MachineError, match=r"sh -c .* failed with status 3: bad luck"):
        run(["sh", "-c", "echo bad luck >&2; exit 3"])
    assert run(["sh", "-c", "exit 3"], check=False).code == 3


def test_a_program_that_is_not_there_is_told_from_a_folder_that_is_not(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="'nonesuch' is not there") as raised:
        run(["nonesuch"])
    assert raised.value.fix == "install nonesuch or put it on PATH"
    with pytest.raises(MachineError, match=r"the folder .* is not there"):
        run(["ls"], cwd=tmp_path / "gone")


def test_one_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(MachineError, match=r"sh did not end within 0.3 s"):
        run(["sh", "-c", f"sleep 600 & echo $! > {tmp_path}/pid; wait"], timeout=0.3)
    child = int((tmp_path / "pid").read_text())
    while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().split():
        assert time.monotonic() - started < 20
        time.sleep(0.01)


def test_a_program_keeps_the_path_it_is_called_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "python").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_program("python") == str(tmp_path / "python")
    assert find_program("nonesuch") is None


def test_one_that_says_more_than_it_may_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    endless = (
        f"sleep 600 & echo $! > {tmp_path}/pid; while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
    )
    for stream in ("", " >&2"):
        with pytest.raises(MachineError, match="sh said more than 100000 bytes"):
            run(["sh", "-c", f"{endless}{stream}; done"], most=100_000, timeout=60)
        child = Path(f"/proc/{int((tmp_path / 'pid').read_text())}")
        while child.exists() and "Z" not in (child / "stat").read_text().split():
            time.sleep(0.01)


def test_with_a_bound_it_is_as_without(tmp_path: Path) -> None:
    given = "ü\udcff" + "x" * 300_000
    answer = run(["sh", "-c", "cat; echo no >&2; exit 3"], input=given, most=1 << 20, check=False)
    assert (answer.code, answer.stdout, answer.stderr) == (3, given, "no\n")
    # One that does not want to hear it all ends by itself.
    assert run(["true"], input=given, most=1 << 20).code == 0
    with pytest.raises(MachineError, match=r"did not end within 0\.3 s"):
        run(["sh", "-c", "sleep 600"], most=100, timeout=0.3)
