"""Imports turned into distributions; an unknown name is never guessed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pushtune.analyse.reading import Reading
from pushtune.analyse.requirements import declared, requirements
from pushtune.model.distributions import known_distributions

Write = Callable[..., Reading]


def needs(write: Write, source: str, **beside: str) -> list[tuple[str, str, bool]]:
    found = requirements(write(source, **beside).program)
    return [(item.module, item.distribution, item.certain) for item in found]


@pytest.mark.parametrize(
    ("line", "distribution"),
    [
        ("import cv2", "opencv-python"),
        ("from skimage import io", "scikit-image"),
        ("from PIL import Image", "Pillow"),
        ("import sklearn.svm", "scikit-learn"),
        ("import umap", "umap-learn"),
        ("import yaml", "PyYAML"),
        ("from Crypto.Cipher import AES", "pycryptodome"),
        ("from google.cloud import storage, bigquery\nimport google.cloud.storage", "google-cloud-storage"),
        ("from mpl_toolkits.mplot3d import Axes3D", "matplotlib"),
        ("import torch\nfrom torch.utils.tensorboard import SummaryWriter", "tensorboard"),
    ],
)
def test_names_that_differ_from_their_distribution(write: Write, line: str, distribution: str) -> None:
    assert distribution in [name for _, name, certain in needs(write, line + "\n") if certain]


def test_the_standard_library_and_local_modules_are_not_asked_for(write: Write) -> None:
    assert needs(write, "import os, json, helper\nfrom . import other\n", helper__py="import csv\n") == []


def test_an_unknown_name_is_not_guessed(write: Write) -> None:
    assert needs(write, "import tensorfow\n") == [("tensorfow", "tensorfow", False)]


def test_what_the_repository_declares_is_believed(write: Write) -> None:
    text = "# ours\nMy_Layers>=2  # private\n-r other.txt\nscikit_learn==1.4\n"
    found = needs(write, "import my_layers, sklearn\n", requirements__txt=text)
    assert found == [("my_layers", "My_Layers", True), ("sklearn", "scikit_learn", True)]


def test_inline_metadata_and_pyproject_are_read(write: Write) -> None:
    block = '# /// script\n# dependencies = ["keras>=3", "thing[x]~=1.0"]\n# ///\nimport thing\n'
    reading = write(block, pyproject__toml='[project]\ndependencies = ["numpy<2"]\n')
    found = [(item.distribution, item.version, item.file) for item in declared(reading.program.script)]
    assert found == [
        ("keras", ">=3", "train.py"),
        ("thing", "~=1.0", "train.py"),
        ("numpy", "<2", "pyproject.toml"),
    ]


def test_an_import_that_the_script_can_do_without_is_left_out(write: Write) -> None:
    source = "try:\n    import wandb\nexcept ImportError:\n    wandb = None\nimport numpy\n"
    assert needs(write, source) == [("numpy", "numpy", True)]


def test_a_broken_pyproject_says_nothing(write: Write) -> None:
    assert declared(write("import numpy\n", pyproject__toml="[project\n").program.script) == ()


def test_the_map_holds_distribution_names(tmp_path: Path) -> None:
    names = known_distributions()
    assert len(names) >= 300
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) for name in names.values())


@pytest.mark.parametrize(
    "condition",
    ["is_torch_tpu_available()", "importlib.util.find_spec('torch_xla') is not None", "TYPE_CHECKING"],
)
def test_an_import_that_the_script_looks_for_first_is_not_needed(write: Write, condition: str) -> None:
    assert needs(write, f"if {condition}:\n    import torch_xla\n") == []
    assert needs(write, "if fast:\n    import torch_xla\n") == [("torch_xla", "torch-xla", True)]
