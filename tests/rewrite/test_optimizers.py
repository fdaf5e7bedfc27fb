"""One optimizer for each compile: its learning rate, and the swap."""

from pathlib import Path

import pytest
from rewriting import knobs, rewriter, rewritten

from pushtune.model.space import Condition

BODY = "m = {keras}.Sequential([{keras}.layers.Dense(8), {keras}.layers.Dense(2)])\n"


def script(optimizer: str, head: str = "import keras\n", keras: str = "keras", before: str = "") -> str:
    return (
        f"{head}{before}{BODY.format(keras=keras)}m.compile({optimizer}, loss='mse')\nm.fit(x, y, epochs=2)\n"
    )


@pytest.mark.parametrize(
    ("optimizer", "values", "expected"),
    [
        ("'adam'", {"compile.learning_rate": 0.01}, "keras.optimizers.Adam(learning_rate=0.01)"),
        ("optimizer='sgd'", {"compile.learning_rate": 0.1},
         "optimizer=keras.optimizers.SGD(learning_rate=0.1)"),
        ("'adam'", {"compile.optimizer": "sgd"}, "keras.optimizers.SGD(learning_rate=0.01, momentum=0.9)"),
        ("'adam'", {"compile.optimizer": "sgd", "compile.learning_rate_sgd": 0.2},
         "keras.optimizers.SGD(learning_rate=0.2, momentum=0.9)"),
        ("keras.optimizers.Adam()", {"compile.learning_rate": 0.01},
         "keras.optimizers.Adam(learning_rate=0.01)"),
        ("keras.optimizers.Adam(1e-4)", {"compile.learning_rate": 0.01}, "keras.optimizers.Adam(0.01)"),
        ("keras.optimizers.Adam(1e-4, clipnorm=1.0)",
         {"compile.optimizer": "rmsprop", "compile.clipnorm": 2.0},
         "keras.optimizers.RMSprop(learning_rate=0.001, clipnorm=2.0)"),
        ("keras.optimizers.SGD(momentum=0.5)", {"compile.optimizer": "adam", "compile.momentum": 0.8},
         "keras.optimizers.Adam(learning_rate=0.001)"),
        ("keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.01, 99))",
         {"compile.optimizer": "sgd", "cosine_decay.initial_learning_rate": 0.02},
         "keras.optimizers.SGD("
         "learning_rate=keras.optimizers.schedules.CosineDecay(0.02, 99), momentum=0.9)"),
    ],
)  # fmt: skip
def test_the_optimizer_is_written(
    tmp_path: Path, optimizer: str, values: dict[str, float | str], expected: str
) -> None:
    assert rewritten(rewriter(tmp_path, script(optimizer)), values) == script(expected)


@pytest.mark.parametrize(
    ("head", "keras", "written", "added"),
    [
        ("import tensorflow as tf\n", "tf.keras", "tf.keras.optimizers.SGD", ""),
        ("from tensorflow import keras as K\n", "K", "K.optimizers.SGD", ""),
    ],
)
def test_the_name_is_one_that_the_file_has(
    tmp_path: Path, head: str, keras: str, written: str, added: str
) -> None:
    text = rewritten(rewriter(tmp_path, script("'adam'", head, keras)), {"compile.optimizer": "sgd"})
    assert text == added + script(f"{written}(learning_rate=0.01, momentum=0.9)", head, keras)


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ('"""Words."""\nfrom __future__ import division\n', "", "from tensorflow import keras"),
        ("#!/usr/bin/env python\n# coding: utf-8\n", "", "from tensorflow import keras"),
    ],
)
def test_an_import_is_added_at_the_right_place(tmp_path: Path, before: str, after: str, line: str) -> None:
    body = (
        "from tensorflow.keras.models import Sequential\nfrom tensorflow.keras.layers import (\n    Dense)\n"
        "m = Sequential([Dense(8), Dense(2)])\nm.compile('adam', 'mse')\nm.fit(x, y)\n"
    )
    text = rewritten(rewriter(tmp_path, before + body), {"compile.optimizer": "nadam"})
    swapped = body.replace("'adam'", "keras.optimizers.Nadam(learning_rate=0.001)")
    assert text == f"{before}{line}\n{swapped}"


def test_an_optimizer_in_a_variable_is_swapped_there(tmp_path: Path) -> None:
    text = script("opt", before="LR = 0.1\nopt = keras.optimizers.SGD(LR)\n")
    found = rewriter(tmp_path, text)
    assert found.discovery.space.parameter("LR").condition == Condition("compile.optimizer", ("sgd",))
    expected = text.replace("keras.optimizers.SGD(LR)", "keras.optimizers.Nadam(learning_rate=0.001)")
    assert rewritten(found, {"compile.optimizer": "nadam"}) == expected


def test_a_rate_that_its_optimizer_is_not_chosen_for_says_nothing(tmp_path: Path) -> None:
    text = script("'adam'")
    assert rewritten(rewriter(tmp_path, text), {"compile.learning_rate_sgd": 0.2}) == text


@pytest.mark.parametrize(
    "optimizer",
    [
        "keras.optimizers.legacy.Adam(0.01)", "mine.Optimizer(0.01)", "get_optimizer()", "'mine'", "None",
        "keras.optimizers.Adam(**options)", "*both", "loss=None",
    ],
)  # fmt: skip
def test_what_is_not_known_is_not_swapped(tmp_path: Path, optimizer: str) -> None:
    found = rewriter(tmp_path, script(optimizer))
    assert "compile.optimizer" not in {move.name for move in found.discovery.moves}


def test_a_string_that_others_read_is_not_replaced_by_an_object(tmp_path: Path) -> None:
    text = script("NAME", before="NAME = 'adam'\nprint(NAME)\n")
    assert "compile.learning_rate" not in knobs(rewriter(tmp_path, text))
