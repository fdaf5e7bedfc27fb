"""A file that is called like a package is imported in its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pushtune.analyse.preflight_failure import Cause, Failed, cause_of
from pushtune.analyse.preflight_hidden import hidden_package
from pushtune.analyse.reading import Reading, read
from pushtune.source import load_script

Write = Callable[..., Reading]


@pytest.mark.parametrize(
    "text",
    [
        "import torch\nnet = torch.nn.Linear(2, 2)\n",
        "import torch as t\nnet = t.nn.Linear(2, 2)\n",
        "import torch.nn as nn\n",
        "from torch import nn\n",
        "from torch.utils.data import DataLoader\n",
    ],
)
def test_a_file_beside_the_script_hides_a_package(write: Write, text: str) -> None:
    (caution,) = hidden_package(write(text, torch__py="import sys\nx = 1\n"))
    assert (caution.code, caution.line) == ("hidden-package", 1)
    assert caution.text == "torch.py hides the package torch: Python imports that file instead; rename it"


def test_a_script_that_is_called_like_what_it_imports(tmp_path: Path) -> None:
    (tmp_path / "xgboost.py").write_text("import xgboost\nmodel = xgboost.XGBClassifier()\n")
    (caution,) = hidden_package(read(load_script(tmp_path / "xgboost.py")))
    assert caution.text.startswith("xgboost.py hides the package xgboost")


def test_a_file_of_the_standard_library_is_hidden_too(write: Write) -> None:
    (caution,) = hidden_package(write("import random\nrandom.seed(1)\n", random__py="x = 1\n"))
    assert "random.py hides" in caution.text


@pytest.mark.parametrize(
    ("text", "beside"),
    [
        ("from datasets import Cats\n", {"datasets__py": "class Cats:\n    pass\n"}),  # its own, and meant
        ("import datasets\ndatasets.cats()\n", {"datasets__py": "def cats():\n    pass\n"}),
        ("from datasets import cats\n", {"datasets__py": "from other import *\n"}),
        ("import torch\ntorch.nn\n", {"other__py": "x = 1\n"}),
        ("import mine\nmine.y\n", {"mine__py": "x = 1\n"}),  # not called like any package
    ],
)
def test_what_hides_nothing(write: Write, text: str, beside: dict[str, str]) -> None:
    assert not list(hidden_package(write(text, **beside)))


def test_a_file_elsewhere_in_the_repository_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "code").mkdir()
    (tmp_path / "torch.py").write_text("x = 1\n")
    (tmp_path / "code" / "train.py").write_text("import torch\ntorch.nn\n")
    assert not list(hidden_package(read(load_script(tmp_path / "code" / "train.py"))))


def test_a_run_that_fails_so_is_told_the_same() -> None:
    failed = Failed("ModuleNotFoundError", "No module named 'torch.nn'; 'torch' is not a package")
    fix = "a file called torch.py hides the package of that name: rename the file"
    assert cause_of(failed, (), "python") == Cause("hidden-package", fix)
