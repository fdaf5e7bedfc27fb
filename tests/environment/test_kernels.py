"""Convolutions are computed by the kernels that are faster; what others use is left to their library."""

from __future__ import annotations

from pathlib import Path

import pytest

from pushtune.analyse.inspect import inspect
from pushtune.environment.kernels import kernel_variables
from pushtune.model.analysis import Analysis
from pushtune.source import load_script

CNN = """
import keras
from keras import layers
model = keras.Sequential([
    keras.Input(shape={shape}), layers.Conv2D(8, 3), layers.Flatten(), layers.Dense(10, activation="softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y)
"""
MLP = CNN.replace("layers.Conv2D(8, 3)", "layers.Dense(8)")
TORCH = "import torch\nmodel = torch.nn.Sequential(torch.nn.Conv2d(1, 8, 3), torch.nn.Flatten())\n"


def analysed(folder: Path, source: str) -> Analysis:
    (folder / "train.py").write_text(source, encoding="utf-8")
    return inspect(load_script(folder / "train.py"))


@pytest.mark.parametrize("shape", ["(28, 28, 1)", "(16, 16, 1)", "data.shape[1:]"])
def test_a_convolutional_keras_model_gets_onednn(tmp_path: Path, shape: str) -> None:
    assert kernel_variables(analysed(tmp_path, CNN.format(shape=shape))) == {"TF_ENABLE_ONEDNN_OPTS": "1"}


def test_very_small_images_are_left_to_the_library_where_they_are_faster(tmp_path: Path) -> None:
    assert kernel_variables(analysed(tmp_path, CNN.format(shape="(8, 8, 1)"))) == {}


@pytest.mark.parametrize("source", [MLP.format(shape="(28, 28, 1)"), TORCH, "print('no model')"])
def test_others_are_left_as_they_are(tmp_path: Path, source: str) -> None:
    assert kernel_variables(analysed(tmp_path, source)) == {}
