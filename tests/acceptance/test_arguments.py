"""A script whose hyperparameters are given on the command line: the winner is a command line."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys

from project import Project

FOREST = """\
import argparse
import sys

from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("test_size", type=float)
parser.add_argument("-t", "--trees", type=int, default=100)
parser.add_argument("--depth", type=int)
parser.add_argument("--criterion", default="gini", choices=["gini", "entropy"])
parser.add_argument("--note", default="")
parser.add_argument("--seed", type=int, default=0)
options = parser.parse_args()

print("started with", sys.argv[1:])
X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=options.test_size, random_state=0)
model = RandomForestClassifier(
    n_estimators=options.trees, max_depth=options.depth, criterion=options.criterion,
    random_state=options.seed,
)
model.fit(X_train, y_train)
print("Accuracy:", accuracy_score(y_test, model.predict(X_test)))
"""
GIVEN = ("0.5", "-t2", "--depth=1", "--note", "a 'b' c", "--seed", "3")


def accuracy_of(project: Project, args: list[str]) -> float:
    """Run the author's script by hand."""
    command = [sys.executable, "train.py", *args]
    done = subprocess.run(command, cwd=project.path, capture_output=True, text=True, check=True)
    return float(re.findall(r"Accuracy: ([\d.]+)", done.stdout)[-1])


def test_what_args_gives_is_tuned_and_the_new_command_line_is_handed_over(project: Project) -> None:
    project.write("train.py", FOREST)
    shown = json.loads(project.run("inspect", "train.py", "--args", shlex.join(GIVEN), "--json").out)
    places = {knob["name"]: (knob["file"], knob["value"]) for knob in shown["knobs"]}
    assert places["options.trees"] == ("--args", 2)
    assert places["options.depth"] == ("--args", 1)
    assert places["options.criterion"] == ("train.py", "gini"), "not given: its default is changed"
    assert not {"options.seed", "options.note", "options.test_size"} & set(places)

    command = ("tune", "train.py", "--args", shlex.join(GIVEN), "--trials", "12", "--jobs", "2")
    answer = project.run(*command)
    assert answer.code == 0, answer.out + answer.err
    study = project.study()
    for trial in (study / "trials").iterdir():
        recorded = json.loads((trial / "candidate" / "candidate.args").read_text())
        ran = (trial / "attempts" / "1" / "stdout.log").read_text().splitlines()[0]
        assert ran == f"started with {recorded}", "what ran is what was recorded"
        assert [recorded[0], *recorded[3:]] == [GIVEN[0], *GIVEN[3:]]

    summary = json.loads((study / "summary.json").read_text())
    winner = summary["command"]["arguments"]
    assert winner != list(GIVEN)
    assert summary["command"]["yours"] == "python train.py " + shlex.join(GIVEN)
    assert summary["reproduce"][-1] == summary["command"]["winner"] == "python train.py " + shlex.join(winner)
    for text in (answer.out, (study / "report.html").read_text(), (study / "summary.txt").read_text()):
        assert f"{winner[1]} {winner[2]}" in text

    told = f"start it with these arguments: {shlex.join(winner)}"
    assert told in project.run("diff").err
    applied = project.run("apply")
    assert applied.code == 0
    assert told in applied.out
    assert accuracy_of(project, winner) == summary["winner"]["values"][0] > accuracy_of(project, list(GIVEN))


def test_other_arguments_are_another_study(project: Project) -> None:
    project.write("train.py", FOREST)
    for trees in ("2", "3"):
        assert (
            project.tune("train.py", "--args", f"0.5 -t {trees}", "--trials", "1", "--no-confirm").code == 0
        )
    assert len(json.loads(project.run("studies", "--json").out)) == 2
