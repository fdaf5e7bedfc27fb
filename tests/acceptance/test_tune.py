"""The main job on a real script: what a user types, sees and gets."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from project import FOREST, Project

MISSED = 3
QUICK = ("--trials", "16", "--jobs", "2")


def accuracy_of(project: Project) -> float:
    """Run the author's script by hand."""
    done = subprocess.run(
        [sys.executable, "train.py"], cwd=project.path, capture_output=True, text=True, check=True
    )
    return float(re.findall(r"Accuracy: ([\d.]+)", done.stdout)[-1])


def test_a_script_is_tuned_confirmed_and_handed_over(project: Project) -> None:
    project.write("train.py", FOREST)
    before = project.files()
    answer = project.tune("train.py", "--target", "accuracy>=0.88", *QUICK)
    assert answer.code == 0, answer.out + answer.err
    assert project.files() == before, "the author's tree is as it was"

    study = project.study()
    summary = json.loads((study / "summary.json").read_text())
    assert summary["target_met"] is True
    assert (study / "report.html").stat().st_size > 5000
    assert list(study.glob("model.*")), "the best model is kept"
    assert "baseline" in answer.out

    patch = project.run("diff").out
    assert patch.startswith("--- a/train.py")
    subprocess.run(["git", "init", "-q"], cwd=project.path, check=True)
    subprocess.run(["git", "apply", "--check", str(study / "winner.patch")], cwd=project.path, check=True)
    assert project.run("apply").code == 0
    assert project.files()["train.py"] == (study / "winner" / "train.py").read_bytes()
    assert 0.5 < accuracy_of(project) <= 1.0, "it runs by itself (a small forest without a seed is noisy)"

    again = project.run("apply")
    assert again.code == 2
    assert "does not fit" in again.err


def test_a_finished_study_gives_its_result_at_once_and_a_larger_budget_extends_it(project: Project) -> None:
    project.write("train.py", FOREST)
    command = ("train.py", "--target", "accuracy>=1.01", "--jobs", "2", "--confirm-seeds", "1")
    first = project.tune(*command, "--trials", "3")
    assert first.code == MISSED
    trials = sorted((project.study() / "trials").iterdir())
    again = project.tune(*command, "--trials", "3")
    assert again.code == MISSED
    assert sorted((project.study() / "trials").iterdir()) == trials, "nothing was trained again"
    more = project.tune(*command, "--trials", "6")
    assert more.code == MISSED
    search = [one for one in (project.study() / "trials").iterdir() if 0 < int(one.name) < 10_000]
    assert len(search) == 6


def test_a_script_that_meets_its_target_is_left_alone(project: Project) -> None:
    project.write("train.py", FOREST)
    answer = project.tune("train.py", "--target", "accuracy>=0.2")
    assert answer.code == 0
    assert "as it stands meets the target" in answer.out
    assert [one.name for one in (project.study() / "trials").iterdir()] == ["0000"]


def test_fresh_starts_anew_and_studies_lists_both(project: Project) -> None:
    project.write("train.py", FOREST)
    command = ("train.py", "--trials", "1", "--no-confirm")
    assert project.tune(*command).code == 0
    assert project.tune(*command, "--fresh").code == 0
    listed = json.loads(project.run("studies", "--json").out)
    assert [row["state"] for row in listed] == ["done", "done"]
    assert listed[1]["study"] == listed[0]["study"] + "-2"


def test_edited_source_is_a_new_study(project: Project) -> None:
    project.write("train.py", FOREST)
    assert project.tune("train.py", "--trials", "1", "--no-confirm").code == 0
    project.write("train.py", FOREST.replace("max_depth=1", "max_depth=2"))
    assert project.tune("train.py", "--trials", "1", "--no-confirm").code == 0
    assert len(json.loads(project.run("studies", "--json").out)) == 2


def test_the_same_seed_gives_the_same_trials_and_the_same_winner(project: Project) -> None:
    project.write("train.py", FOREST)
    command = ("train.py", "--trials", "6", "--jobs", "1", "--seed", "3", "--no-confirm", "--json")
    results = []
    for _ in range(2):
        answer = project.tune(*command, "--fresh")
        assert answer.code == 0, answer.err
        body = answer.events[-1]
        results.append([(row["values"], row["value"]) for row in body["trials"]])
    assert results[0] == results[1]


def test_the_grow_strategy_takes_more_each_turn(project: Project) -> None:
    project.write("train.py", FOREST)
    answer = project.tune("train.py", "--strategy", "grow", "--trials", "3", "--no-confirm", "--json")
    assert answer.code == 0, answer.err
    trees = [
        next((value for name, value in row["values"].items() if name.endswith("n_estimators")), 2)
        for row in answer.events[-1]["trials"]
    ]
    assert trees == sorted(trees)
    assert trees[-1] > trees[0]


@pytest.mark.parametrize(
    "program",
    [
        "import json, sys\n"
        "history = json.load(sys.stdin)\n"
        "name = next(p['name'] for p in history['parameters'] if p['name'].endswith('n_estimators'))\n"
        "print(json.dumps({name: 10 * (1 + len(history['trials']))}))\n",
        "import sys\n"
        "text = open('train.py').read()\n"
        "open('train.py', 'w').write(text.replace('n_estimators=2', 'n_estimators=25'))\n",
        "print(open('train.py').read().replace('n_estimators=2', 'n_estimators=25'), end='')\n",
    ],
    ids=["assignment", "edit in place", "whole source"],
)
def test_the_developers_own_tweak_program(project: Project, program: str) -> None:
    project.write("train.py", FOREST)
    project.write("tweak.py", program)
    answer = project.tune("train.py", "--strategy", "program", "--trials", "2", "--no-confirm")
    assert answer.code == 0, answer.out + answer.err
    patch = (project.study() / "winner.patch").read_text()
    assert "-model = RandomForestClassifier(n_estimators=2, max_depth=1)" in patch


def test_a_tweak_program_that_fails_is_told_with_its_last_words(project: Project) -> None:
    project.write("train.py", FOREST)
    project.write("tweak.py", "raise SystemExit('no idea')\n")
    answer = project.tune("train.py", "--strategy", "program", "--trials", "2", "--no-confirm")
    assert "no idea" in answer.out
