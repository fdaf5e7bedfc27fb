"""Images of kinds, made for real: each trains alone, and a study in it reports and keeps each epoch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from project import Project
from test_container_tune import BASE, readable
from test_frameworks import TORCH, XGBOOST

from pushtune.environment.engines import Engine
from pushtune.model.containers import HOME_LABEL
from pushtune.process import run

# Lightning's and Transformers' images are small layers on PyTorch's; here they would cost minutes more.
SCRIPTS = {
    "boosting": (XGBOOST, "80"),
    "torch": (TORCH, "9"),
}
VARIABLES = {"PUSHTUNE_BASE_IMAGE": BASE, "PUSHTUNE_ENGINE": "docker", "PUSHTUNE_PYTHON": ""}


def events_of(study: Path) -> list[dict[str, Any]]:
    """Return what all trials of a study have reported."""
    files = sorted(study.glob("trials/*/attempts/*/events.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("kind", SCRIPTS)
def test_a_script_of_the_kind_trains_in_its_image(kind: str, project: Project, engine: Engine) -> None:
    script, epochs = SCRIPTS[kind]
    project.write("train.py", script)
    in_container = ("train.py", "--env", "container", "--json")
    built = project.run("env", "build", *in_container, timeout=1200, **VARIABLES)
    assert built.code == 0, built.err
    shown = json.loads(project.run("env", "show", *in_container, **VARIABLES).out)
    assert (shown["choice"]["kind"], shown["choice"]["packages"], shown["ready"]) == (kind, [], True)
    assert any(f"image {kind}" in reason["why"] for reason in shown["evidence"])

    image = json.loads(built.out)["image"]
    facts = json.loads(engine.call("image", "inspect", image).stdout)[0]["Config"]
    assert (facts["User"], facts["Labels"]["pushtune"]) == ("10001:10001", "image")
    mount = f"--volume={readable(project.path)}:/train:ro"
    alone = run([engine.program, "run", "--rm", "--network=none", mount, image], timeout=300)
    assert alone.stdout.splitlines()[-1].startswith("metric: "), alone.stdout

    limits = ("--trials", "2", "--jobs", "1", "--no-confirm", "--max-epochs", epochs)
    answer = project.tune(*in_container, *limits, timeout=900, **VARIABLES)
    assert (answer.code, answer.events[-1]["event"]) == (0, "result"), answer.out + answer.err
    assert {"framework", "fit", "epoch", "checkpoint", "finished"} <= {
        event["event"] for event in events_of(project.study())
    }
    assert engine.containers(f"{HOME_LABEL}={project.study()}") == []
