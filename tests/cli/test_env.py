"""`pushtune env`, as a process: what it shows, and that showing builds nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOREST = "from sklearn.ensemble import RandomForestClassifier\nRandomForestClassifier().fit([[0]], [0])\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "train.py").write_text(FOREST)
    return folder


def env(project: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PUSHTUNE_CACHE": str(project.parent / "cache"),
        "PUSHTUNE_BASE_IMAGE": "nowhere.invalid/base",
        **variables,
    }
    command = [sys.executable, "-m", "pushtune", "env", *words]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def test_show_says_the_image_and_why_without_an_engine(project: Path) -> None:
    (project / "requirements.txt").write_text("seaborn==0.13.2\n-e .\n")
    answer = env(project, "show", "train.py", "--env", "container", PATH="/nowhere")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.splitlines() == [
        "train.py: container, sklearn, Python 3.11",
        "  requirements.txt: declares 1 package",
        "  train.py: imports what scikit-learn brings",
        "  train.py: sklearn tree-ensemble: image sklearn",
        "  installed besides: seaborn==0.13.2",
        "  not honoured: requirements.txt:2: -e . "
        "(code of the repository is not installed; it is found beside the script)",
    ]


def test_show_json_has_the_choice_and_its_evidence(project: Path) -> None:
    body = json.loads(
        env(project, "show", "train.py", "--env", "container", "--json", PATH="/nowhere").stdout
    )
    assert (body["environment"], body["ready"], body["choice"]["kind"]) == ("container", None, "sklearn")
    assert body["evidence"][-1] == {
        "file": "train.py",
        "line": 0,
        "why": "sklearn tree-ensemble: image sklearn",
    }


def test_show_of_a_process_names_the_python(project: Path) -> None:
    body = json.loads(env(project, "show", "train.py", "--python", sys.executable, "--json").stdout)
    assert (body["environment"], body["python"]) == ("process", sys.executable)


def test_an_unknown_import_is_asked_for_in_one_line(project: Path) -> None:
    (project / "train.py").write_text("import sklaern\n" + FOREST)
    answer = env(project, "show", "train.py", "--env", "virtualenv")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "imports sklaern, and no known package brings it" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_a_slip_in_the_settings_is_one_line(project: Path) -> None:
    (project / "pushtune.toml").write_text('[environment]\ndata = ["cats"]\n')
    answer = env(project, "show", "train.py")
    assert answer.returncode == 2
    assert "pushtune.toml: environment.data: 'cats' is not SOURCE:/TARGET" in answer.stderr


def test_what_was_made_is_listed_and_pruned(project: Path) -> None:
    (project / "train.py").write_text("import six\nprint('accuracy: 0.5')\n")
    built = env(project, "build", "train.py", "--env", "virtualenv", "--python", sys.executable, "--json")
    assert built.returncode == 0, built.stderr
    python = Path(json.loads(built.stdout)["path"])
    listed = json.loads(env(project, "list", "--json", PATH="/nowhere").stdout)["holdings"]
    assert [item["kind"] for item in listed] == ["virtualenv"]
    assert env(project, "prune", PATH="/nowhere").stdout.splitlines() == ["0 removed"]
    assert env(project, "prune", "--all", PATH="/nowhere").stdout.splitlines()[-1] == "1 removed"
    assert not python.exists()
