"""`pushtune tune --env container` on a laptop: the image is chosen, made, and the trials run in it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from project import FOREST, Project

from pushtune.environment.engines import Engine
from pushtune.model.containers import HOME_LABEL
from pushtune.process import run

BASE = "pushtune-test-base"


@pytest.mark.slow
def test_a_scikit_learn_script_is_tuned_in_a_container_of_its_image(project: Project, engine: Engine) -> None:
    project.write("train.py", FOREST)
    variables = {"PUSHTUNE_BASE_IMAGE": BASE, "PUSHTUNE_ENGINE": "docker", "PUSHTUNE_PYTHON": ""}
    arguments = ("--env", "container", "--trials", "2", "--no-confirm", "--json")
    answer = project.tune("train.py", *arguments, timeout=900, **variables)
    assert answer.code == 0, answer.err
    said = [event["text"] for event in answer.events if "text" in event]
    assert any(line.startswith("image sklearn (") for line in said), answer.out
    assert answer.events[-1]["event"] == "result"
    # No container is left, and what is shown afterwards is that the image is there.
    assert engine.containers(f"{HOME_LABEL}={project.study()}") == []
    shown = project.run("env", "show", "train.py", "--env", "container", "--json", **variables)
    assert json.loads(shown.out)["ready"] is True
    # The same study again prints its result.
    again = project.tune("train.py", *arguments, **variables)
    assert (again.code, again.events[-1]["event"]) == (0, "result")


@pytest.mark.slow
def test_the_image_alone_trains_what_is_mounted(project: Project, engine: Engine) -> None:
    project.write("train.py", FOREST)
    os.chmod(project.path, 0o755)
    (project.path / "train.py").chmod(0o644)
    variables = {"PUSHTUNE_BASE_IMAGE": BASE, "PUSHTUNE_ENGINE": "docker", "PUSHTUNE_PYTHON": ""}
    built = project.run("env", "build", "train.py", "--env", "container", "--json", timeout=900, **variables)
    assert built.code == 0, built.err
    image = json.loads(built.out)["image"]
    mount = f"--volume={readable(project.path)}:/train:ro"
    answer = run([engine.program, "run", "--rm", "--network=none", mount, image], timeout=300)
    assert answer.stdout.splitlines()[0] == "training train.py"
    assert answer.stdout.splitlines()[-1].startswith("metric: accuracy = 0.")


def readable(folder: Path) -> Path:
    """Return the folder; the user of the image must be able to reach it."""
    for parent in folder.parents:
        if (
            parent.stat().st_mode & 0o005 != 0o005
            and parent.owner() == folder.owner()
            and len(parent.parts) > 2
        ):
            parent.chmod(parent.stat().st_mode | 0o005)
    return folder
