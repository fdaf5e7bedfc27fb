"""Bad input gets one clear line with the fix, the right exit code, and costs nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from project import FOREST, Project, wait_for

from pushtune.testing.real_parts import need

HEAD, REPORT = FOREST.rsplit("print", 1)
DATA_DIED, WRONG_USE, MISSED, SCRIPT_FAILS = 1, 2, 3, 4


def last_line(text: str) -> str:
    return text.strip().splitlines()[-1]


def test_a_syntax_error_is_shown_with_its_line(project: Project) -> None:
    project.write("train.py", "import os\nmodel = (1,\n")
    answer = project.tune("train.py")
    assert answer.code == SCRIPT_FAILS
    assert "train.py" in last_line(answer.err)
    assert "line 2" in last_line(answer.err)


def test_a_script_that_is_not_there(project: Project) -> None:
    answer = project.tune("nowhere.py")
    assert answer.code == WRONG_USE
    assert "nowhere.py" in last_line(answer.err)


@pytest.mark.parametrize("target", ["accuracy", "accuracy>=high", ">=0.9", "accuracy>=1e999"])
def test_a_malformed_target_is_refused_before_anything_runs(project: Project, target: str) -> None:
    project.write("train.py", FOREST)
    answer = project.tune("train.py", "--target", target)
    assert answer.code == WRONG_USE
    assert '--target "accuracy>=0.95"' in last_line(answer.err)
    assert not (project.path / ".pushtune").exists()


def test_nothing_to_tune(project: Project) -> None:
    project.write("train.py", "print('Accuracy: 0.5')\n")
    answer = project.tune("train.py")
    assert answer.code == WRONG_USE
    assert "nothing to tune" in last_line(answer.err)


def test_a_missing_package_is_named_with_the_command_that_installs_it(project: Project) -> None:
    project.write("train.py", "import catboost\n" + FOREST)
    answer = project.tune("train.py")
    assert answer.code == SCRIPT_FAILS
    assert "catboost" in last_line(answer.err)
    assert "pip install catboost" in answer.out + answer.err


def test_missing_data_is_named(project: Project) -> None:
    project.write("train.py", "open('data/cats.csv')\n" + FOREST)
    answer = project.tune("train.py")
    assert answer.code == SCRIPT_FAILS
    assert "data/cats.csv" in answer.err
    assert "line 1" in answer.err


def test_a_script_that_prints_no_metric(project: Project) -> None:
    project.write("train.py", HEAD.replace("import accuracy_score", "import confusion_matrix"))
    answer = project.tune("train.py")
    assert answer.code == SCRIPT_FAILS
    assert "no metric was found" in last_line(answer.err)
    assert "--metric" in last_line(answer.err)


def test_a_metric_that_is_never_reported(project: Project) -> None:
    project.write("train.py", FOREST)
    answer = project.tune("train.py", "--metric", "f1")
    assert answer.code == SCRIPT_FAILS
    assert "f1" in last_line(answer.err)
    assert "accuracy" in last_line(answer.err)  # what was seen instead


def test_a_script_that_asks_for_input(project: Project) -> None:
    project.write("train.py", "depth = int(input('depth? '))\n" + FOREST)
    answer = project.tune("train.py")
    assert answer.code == SCRIPT_FAILS
    assert "input" in answer.err
    assert "line 1" in answer.err


def test_a_script_that_fails_shows_its_own_line_and_the_traceback(project: Project) -> None:
    project.write("train.py", HEAD + "raise RuntimeError('the cat is out')\n")
    answer = project.tune("train.py")
    assert answer.code == SCRIPT_FAILS
    assert "RuntimeError: the cat is out" in answer.err
    assert "line 10" in answer.err
    assert "pushtune" not in "".join(line for line in answer.err.splitlines() if "File" in line)


def test_a_script_that_runs_for_ever_is_ended(project: Project) -> None:
    project.write("train.py", FOREST + "import time\nwhile True: time.sleep(1)\n")
    answer = project.tune("train.py", "--trial-time", "4s")
    assert answer.code == SCRIPT_FAILS
    assert "--trial-time" in last_line(answer.err)


def test_a_script_that_runs_out_of_memory_is_ended(project: Project) -> None:
    project.write("train.py", FOREST + "hog = []\nwhile True: hog.append(bytearray(10_000_000))\n")
    answer = project.tune("train.py", "--memory", "600M")
    assert answer.code == SCRIPT_FAILS
    assert "out of memory" in last_line(answer.err)


def test_an_early_exit_is_an_end_without_a_metric(project: Project) -> None:
    project.write("train.py", "import sys\n" + HEAD + "sys.exit(0)\n" + REPORT)
    answer = project.tune("train.py", "--metric", "recall")
    assert answer.code == SCRIPT_FAILS
    assert "recall" in last_line(answer.err)


def test_a_script_that_wanders_spawns_and_scribbles_harms_nothing(project: Project) -> None:
    project.write(
        "train.py",
        "import multiprocessing, os, subprocess\n"
        "subprocess.Popen(['sleep', '300'], start_new_session=True)\n"
        "open('notes.txt', 'w').write('mine')\n"
        "os.remove('data.csv')\n"
        "os.chdir('/')\n" + FOREST.replace("n_jobs", "n_jobs")
        + "def square(x): return x * x\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('fork').Pool(2) as pool: print(pool.map(square, [1, 2]))\n",
    )  # fmt: skip
    project.write("data.csv", "1,2\n")
    before = project.files()
    answer = project.tune("train.py", "--trials", "2", "--no-confirm", "--jobs", "2")
    assert answer.code == 0, answer.err
    assert project.files() == before


def test_two_commands_on_one_study(project: Project) -> None:
    project.write("train.py", FOREST + "import time; time.sleep(20)\n")
    first = project.start("tune", "train.py", "--trials", "2")
    try:
        wait_for(lambda: list(project.path.glob(".pushtune/studies/*/trials/0000/attempts/1/events.jsonl")))
        second = project.tune("train.py", "--trials", "2")
        assert second.code == WRONG_USE
        assert "another pushtune works on" in last_line(second.err)
    finally:
        first.send_signal(2)
        first.communicate(timeout=30)
    assert first.returncode == 130
    assert project.trial_processes() == []


def test_a_place_that_cannot_be_written(project: Project) -> None:
    project.write("train.py", FOREST)
    project.write(".pushtune", "a file where the folder should be")
    answer = project.tune("train.py")
    assert answer.code == WRONG_USE
    assert "cannot write" in last_line(answer.err)


def test_a_full_disk_stops_with_one_line_and_the_same_command_goes_on(project: Project) -> None:
    need(os.geteuid() == 0, "root, to mount a small disk")
    project.write("train.py", FOREST)
    home = project.path / ".pushtune"
    home.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(home)], check=False)
    need(mounted.returncode == 0, "the right to mount a small disk")
    try:
        filler = home / "filler"
        filler.write_bytes(b"x" * 700_000)
        full = project.tune("train.py", "--trials", "6", "--no-confirm", "--jobs", "1")
        assert full.code == WRONG_USE, full.out
        assert "full" in last_line(full.err)
        filler.unlink()
        subprocess.run(["mount", "-o", "remount,size=100m", str(home)], check=True)
        going_on = project.tune("train.py", "--trials", "6", "--no-confirm", "--jobs", "1")
        assert going_on.code == 0, going_on.err
    finally:
        subprocess.run(["umount", "-l", str(home)], check=True)


def test_the_study_survives_a_script_that_was_mended(project: Project, tmp_path: Path) -> None:
    project.write("train.py", f"open({str(tmp_path / 'cats.csv')!r})\n" + FOREST)
    assert project.tune("train.py", "--trials", "2", "--no-confirm").code == SCRIPT_FAILS
    (tmp_path / "cats.csv").write_text("here now")
    mended = project.tune("train.py", "--trials", "2", "--no-confirm")
    assert mended.code == 0, mended.err


def test_a_finished_study_of_containers_is_shown_where_no_engine_is(project: Project) -> None:
    project.write("train.py", FOREST)
    arguments = ("--target", "accuracy>=0.1", "--json")
    first = project.tune("train.py", *arguments)
    assert first.code == 0, first.err
    again = project.tune(
        "train.py",
        *arguments,
        "--env",
        "container",
        DOCKER_HOST="tcp://127.0.0.1:9",
        PUSHTUNE_ENGINE="docker",
    )
    assert again.code == 0, again.err
    assert again.events[-1]["event"] == "result"
    shown = project.run("show", DOCKER_HOST="tcp://127.0.0.1:9", PUSHTUNE_ENGINE="docker")
    assert shown.code == 0, shown.err
