"""What an image does alone: find the script in what is mounted, train it, say the metric."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pushtune.environment.image_kinds import images_folder

ENTRY = images_folder() / "python" / "train.py"
TRAINING = "print('accuracy: 0.25')\nprint('Test Accuracy = 97.5%')\n"


def entry(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PUSHTUNE_TRAIN": str(folder)}
    command = [sys.executable, str(ENTRY), *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=folder)


def test_the_only_file_is_trained_and_its_last_metric_said(tmp_path: Path) -> None:
    (tmp_path / "anything.py").write_text(TRAINING)
    answer = entry(tmp_path)
    assert answer.returncode == 0
    assert answer.stdout.splitlines()[0] == "training anything.py"
    assert answer.stdout.splitlines()[-1] == "metric: test accuracy = 97.5%"


def test_the_file_that_trains_is_found_among_others(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("import torch\n")
    (tmp_path / "evaluate.py").write_text("from sklearn.svm import SVC\nSVC().fit([], [])\nprint('wrong')\n")
    (tmp_path / "main.py").write_text(
        "if 0:\n    from sklearn.svm import SVC\n    SVC().fit([], [])\nprint('right')\n"
    )
    assert "right" in entry(tmp_path).stdout


def test_what_pushtune_toml_or_the_command_names_comes_first(tmp_path: Path) -> None:
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text(f"import sys\nprint({name!r}, sys.argv[1:])\n")
    (tmp_path / "pushtune.toml").write_text('script = "two.py"\n')
    assert "two.py ['--x']" in entry(tmp_path, "--x").stdout
    assert "one.py ['1']" in entry(tmp_path, "one.py", "1").stdout


def test_nothing_to_train_is_said_in_a_line(tmp_path: Path) -> None:
    answer = entry(tmp_path)
    assert answer.returncode == 1
    assert answer.stderr.strip().startswith("there is no Python file that trains in")


def test_a_failing_script_is_the_images_own_status(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print('accuracy: 1.0')\nraise SystemExit(3)\n")
    answer = entry(tmp_path)
    assert answer.returncode == 3
    assert "metric:" not in answer.stdout
