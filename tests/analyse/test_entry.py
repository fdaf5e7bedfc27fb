"""Which file is the training script: what trains, is not imported, and is named so."""

from __future__ import annotations

from pathlib import Path

import pytest

from pushtune.analyse.entry import find_entry
from pushtune.errors import UsageError

FOREST = "from sklearn.svm import SVC\nmodel = SVC()\nmodel.fit(X, y)\nprint(model.score(X, y))\n"
LOOP = "import torch\n\ndef train(model):\n    loss.backward()\n"


def repository(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_the_only_file_that_trains(tmp_path: Path) -> None:
    repository(tmp_path, digits=FOREST, helpers="def load():\n    return 1\n")
    assert find_entry(tmp_path) == "digits.py"


def test_a_module_that_trains_is_not_the_script_that_calls_it(tmp_path: Path) -> None:
    main = 'from engine import train\n\nif __name__ == "__main__":\n    train()\n'
    main = "import torch\n" + main
    repository(tmp_path, engine=LOOP, main=main)
    assert find_entry(tmp_path) == "main.py"


def test_a_name_decides_between_files_that_train(tmp_path: Path) -> None:
    repository(tmp_path, train=FOREST, experiment=FOREST, test_train=FOREST)
    assert find_entry(tmp_path) == "train.py"


def test_a_package_keeps_its_script_below(tmp_path: Path) -> None:
    repository(tmp_path, src__cnn__train=FOREST, src__cnn__model="import keras\n", tests__test_model=FOREST)
    assert find_entry(tmp_path) == "src/cnn/train.py"


def test_two_equals_are_asked_for(tmp_path: Path) -> None:
    repository(tmp_path, cats=FOREST, dogs=FOREST)
    with pytest.raises(
        UsageError, match=r"several files could be the training script: cats\.py, dogs\.py"
    ) as caught:
        find_entry(tmp_path)
    assert 'script = "cats.py"' in caught.value.fix


def test_nothing_that_trains_is_said(tmp_path: Path) -> None:
    repository(
        tmp_path,
        app="import flask\nflask.Flask('a').run()\n",
        setup="from setuptools import setup\nsetup()\n",
    )
    with pytest.raises(UsageError, match="no file of this repository trains a model"):
        find_entry(tmp_path)


def test_a_script_that_cannot_be_parsed_is_still_the_script(tmp_path: Path) -> None:
    repository(tmp_path, train="print 'epoch', 1\n")
    assert find_entry(tmp_path) == "train.py"


def test_links_and_hidden_folders_are_not_looked_into(tmp_path: Path) -> None:
    repository(tmp_path, digits=FOREST)
    repository(tmp_path / ".venv", train=FOREST)
    (tmp_path / "train.py").symlink_to("/etc/passwd")
    assert find_entry(tmp_path) == "digits.py"
