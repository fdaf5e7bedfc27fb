"""A script that cannot run unchanged: one line that says why, and what to do about it."""

from __future__ import annotations

import pytest
from project import FOREST, Project

SCRIPT_FAILS = 4


def last_line(text: str) -> str:
    return text.strip().splitlines()[-1]


def failing(project: Project, head: str, *arguments: str, **environment: str) -> str:
    """Tune a script that begins with ``head``; return the last line, which says why it fails."""
    project.write("train.py", head + "\n" + FOREST)
    answer = project.tune("train.py", *arguments, **environment)
    assert answer.code == SCRIPT_FAILS, answer.err
    return last_line(answer.err)


@pytest.mark.parametrize(
    ("head", "code", "said"),
    [
        ("open('data/cats.csv')", "missing-data", "put data/cats.csv there"),
        ("import helpers_of_mine", "missing-sibling", "put helpers_of_mine.py beside the script"),
        ("import catboost", "missing-package", "pip install catboost"),
        ("from sklearn.cross_validation import KFold", "removed-api", "instead: sklearn.model_selection"),
        ("import numpy as np; np.float(1)", "removed-api", "stay with numpy<1.24"),
        ("import sys; folder = sys.argv[1]", "needs-arguments", "give them with --args"),
        ("for i in xrange(3): pass", "python-2", "2to3 -w train.py"),
        ("import os; os.environ['MY_API_KEY']", "needs-key", "export MY_API_KEY=…"),
        ("n = int(input('how many? '))", "asks-input", "give the value as an argument"),
        ("raise AssertionError('Torch not compiled with CUDA enabled')", "needs-gpu", "needs a GPU"),
        ("import urllib.request; urllib.request.urlopen('http://127.0.0.1:9/')", "needs-network", "network"),
    ],
)
def test_the_class_of_the_failure_and_the_fix(project: Project, head: str, code: str, said: str) -> None:
    line = failing(project, head)
    assert f"train.py fails, unchanged ({code})" in line
    assert said in line
    assert "line 1" in line


def test_required_options_are_named_and_can_be_given(project: Project) -> None:
    head = (
        "import argparse\nparser = argparse.ArgumentParser()\n"
        "parser.add_argument('--folder', required=True)\nprint(parser.parse_args().folder)"
    )
    line = failing(project, head)
    assert "(needs-arguments)" in line
    assert "the following arguments are required: --folder" in line
    given = project.tune("train.py", "--args", "--folder here", "--trials", "1", "--no-confirm")
    assert given.code == 0, given.err


def test_python_2_is_named_before_anything_runs(project: Project) -> None:
    project.write("train.py", "print 'loading'\n" + FOREST)
    answer = project.tune("train.py")
    assert answer.code == SCRIPT_FAILS
    assert "train.py line 1: this is Python 2" in last_line(answer.err)
    assert "2to3 -w train.py" in last_line(answer.err)
    assert not (project.path / ".pushtune").exists()


def test_inspect_tells_it_before_anything_is_started(project: Project) -> None:
    head = "import argparse, helpers_of_mine\nargparse.ArgumentParser().add_argument('folder')\n"
    project.write("train.py", head + "open('data/cats.csv')\n" + FOREST)
    answer = project.run("inspect", "train.py", "--json")
    assert answer.code == 0, answer.err
    for code in ("missing-sibling", "needs-arguments", "missing-data"):
        assert f'"{code}"' in answer.out


ON_TRAINING_DATA = """\
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier

X, y = load_wine(return_X_y=True)
model = RandomForestClassifier(n_estimators=2, max_depth=1)
model.fit(X, y)
right = sum(model.predict(X) == y)
print("Accuracy:", right / len(y))
"""


def test_a_metric_of_the_training_data_is_refused_unless_insisted_on(project: Project) -> None:
    project.write("train.py", ON_TRAINING_DATA)
    refused = project.tune("train.py")
    assert refused.code == SCRIPT_FAILS
    assert "measures accuracy on its training data only" in last_line(refused.err)
    assert "--metric train_accuracy" in last_line(refused.err)
    insisted = project.tune("train.py", "--metric", "train accuracy", "--trials", "2", "--no-confirm")
    assert insisted.code == 0, insisted.err


def test_the_word_of_the_final_line_is_the_metric(project: Project) -> None:
    project.write(
        "train.py",
        FOREST.replace('print("Accuracy:"', 'print("Error", 0.5, "loss 0.3")\nprint("Test-Genauigkeit:"'),
    )
    answer = project.tune("train.py", "--trials", "1", "--no-confirm", "--json")
    assert answer.code == 0, answer.err
    assert any("baseline: accuracy" in event.get("text", "") for event in answer.events)
