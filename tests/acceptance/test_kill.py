"""Killed at any moment, the same command goes on: nothing that was finished is trained again."""

from __future__ import annotations

import json
import random
import signal
import subprocess
from pathlib import Path

import pytest
from project import FOREST, Project, kill, wait_for

KERAS = """\
import numpy
from tensorflow import keras

random = numpy.random.default_rng(0)
x = random.normal(size=(600, 12)).astype("float32")
y = (x[:, 0] * x[:, 1] + x[:, 2] > 0).astype("int32")
model = keras.Sequential([
    keras.Input((12,)),
    keras.layers.Dense(16, activation="relu"),
    keras.layers.Dropout(0.1),
    keras.layers.Dense(1, activation="sigmoid"),
])
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
model.fit(x[:400], y[:400], epochs=3, batch_size=32, validation_split=0.25, verbose=0)
print("Accuracy:", model.evaluate(x[400:], y[400:], verbose=0)[1])
"""


def trials_of(project: Project) -> list[dict[str, object]]:
    """What the study tried and what came of it: all that must not depend on when it was killed."""
    body = json.loads(project.run("show", "--json").out)
    kept = ("number", "purpose", "values", "epochs", "value", "report", "state")
    return [{name: row[name] for name in kept if name in row} for row in body["trials"]]


def epochs_trained(study: Path) -> dict[str, list[tuple[int, int]]]:
    """By trial: every epoch that was reported as finished, with its attempt."""
    found: dict[str, list[tuple[int, int]]] = {}
    for events in sorted(study.glob("trials/*/attempts/*/events.jsonl")):
        for line in events.read_text().splitlines():
            try:
                body = json.loads(line)
            except ValueError:
                continue
            if body.get("event") == "epoch":
                trial = events.parts[-4]
                found.setdefault(trial, []).append((body["epoch"], int(events.parts[-2])))
    return found


def test_a_killed_forest_study_ends_with_the_same_trials(project: Project, tmp_path: Path) -> None:
    command = ("tune", "train.py", "--trials", "5", "--jobs", "1", "--no-confirm")
    seeded = FOREST.replace("max_depth=1", "max_depth=1, random_state=1")
    project.write("train.py", seeded)
    undisturbed = Project(tmp_path / "undisturbed")
    undisturbed.write("train.py", seeded)
    assert undisturbed.run(*command).code == 0

    chance = random.Random(7)
    for _ in range(10):
        process = project.start(*command)
        try:
            process.wait(timeout=0.3 + 2.5 * chance.random())
        except subprocess.TimeoutExpired:
            if chance.random() < 0.5 and (trials := project.trial_processes()):
                trials[-1].kill()
            kill(process)
    assert project.run(*command).code == 0
    assert trials_of(project) == trials_of(undisturbed)


@pytest.mark.slow
@pytest.mark.usefixtures("keras_installed")
def test_a_keras_study_killed_ten_times_loses_no_finished_epoch(project: Project, tmp_path: Path) -> None:
    command = ("tune", "train.py", "--trials", "4", "--jobs", "1", "--no-confirm", "--max-epochs", "9")
    project.write("train.py", KERAS)
    undisturbed = Project(tmp_path / "undisturbed")
    undisturbed.write("train.py", KERAS)
    assert undisturbed.run(*command).code == 0

    chance = random.Random(11)
    for _ in range(10):
        process = project.start(*command)
        try:
            process.wait(timeout=2.0 + 9.0 * chance.random())
        except subprocess.TimeoutExpired:
            trials = project.trial_processes()
            if chance.random() < 0.5 and trials:
                chance.choice(trials).kill()
            if chance.random() < 0.7:
                kill(process)
            else:
                process.wait(timeout=240)
    assert project.run(*command).code == 0
    assert trials_of(project) == trials_of(undisturbed)
    for trial, epochs in epochs_trained(project.study()).items():
        numbers = [number for number, _ in epochs]
        assert len(numbers) == len(set(numbers)), f"trial {trial} trained an epoch twice: {epochs}"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_it_stops_everything_when_told_and_the_same_command_goes_on(
    project: Project, number: signal.Signals
) -> None:
    project.write("train.py", FOREST + "import time; time.sleep(1)\n")
    command = ("tune", "train.py", "--trials", "2", "--jobs", "1", "--no-confirm")
    process = project.start(*command)
    wait_for(lambda: list(project.path.glob(".pushtune/studies/*/trials/0001/attempts/1/events.jsonl")))
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "the same command goes on" in err
    assert project.trial_processes() == []
    going_on = project.run(*command)
    assert going_on.code == 0
    assert "going on with" in going_on.out
