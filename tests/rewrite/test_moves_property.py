"""Any assignment of moves: the file parses, differs only where edited, and comes back byte for byte."""

from __future__ import annotations

import ast
import os
import random
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moving import Moving, moving

from pushtune.errors import InfeasibleError
from pushtune.model.analysis import Candidate
from pushtune.model.space import Parameter, Value
from pushtune.rewrite import Rewriter
from pushtune.rewrite.moves.shapes import ShapeReader
from pushtune.rewrite.moves.weights import count_weights
from pushtune.source import apply_edits, undo_edits

BY_ADD = """\
# -*- coding: utf-8 -*-
\"\"\"Añade capas — eine nach der anderen.\"\"\"
from keras.models import Sequential
from keras.layers import (Activation, Conv2D, Dense, Flatten,
                          MaxPooling2D)

def build():
\tnet = Sequential()
\tnet.add(Conv2D(8, 3, padding='same',
\t               input_shape=(32, 32, 3), name='été'))  # größer?
\tnet.add(Activation('relu'))
\t# between the layers

\tnet.add(MaxPooling2D())
\tnet.add(Conv2D(16, (3, 3), name='b', ))
\tnet.add(MaxPooling2D())
\tnet.add(Flatten())
\tnet.add(Dense(32)); net.add(Activation('tanh'))
\tnet.add(Dense(16))
\tnet.add(Activation('tanh'))
\tnet.add(Dense(10))
\tnet.add(Activation('softmax'))
\treturn net

model = build()
"""

BY_LIST = """\
import tensorflow as tf
from tensorflow.keras import layers as L

model = tf.keras.Sequential([
    L.Input((28, 28, 1)), L.Conv2D(8, 3, padding="same"), L.MaxPooling2D(),
    L.Conv2D(16, 3, padding="same"),  # two
    L.BatchNormalization(),

    L.MaxPooling2D(
        2,
    ),
    L.Flatten(),L.Dense(32, "relu"),L.Dense(16, "relu"), (L.Dense(8)), L.Dense(10)])
"""

BY_CHAIN = """\
from keras import Input, Model
from keras.layers import *

def build(size=(28, 28, 1)):
    inp = Input(size)
    h = Conv2D(8, 3)(inp)
    h = MaxPool2D()(h)   # half
    # then
    h = Conv2D(16, 3)(h)
    h = MaxPool2D()(h)
    h = Flatten()(h)
    h = Dense(32, name="wide", activation="relu")(h)
    out = Dense(10)(h)
    return Model(inp, out)

model = build()
"""

SCRIPTS = {
    "add": BY_ADD,
    "add-crlf": BY_ADD.replace("\n", "\r\n"),
    "list": BY_LIST,
    "list-crlf": BY_LIST.replace("\n", "\r\n"),
    "chain": BY_CHAIN,
}


@cache
def moves_of(name: str) -> Moving:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.py"
        path.write_bytes(SCRIPTS[name].encode())
        return moving(path)


def values_of(parameter: Parameter) -> st.SearchStrategy[Value]:
    domain = parameter.domain
    if domain.type == "categorical":
        return st.sampled_from(domain.choices)
    assert domain.low is not None
    assert domain.high is not None
    if domain.type == "int":
        return st.integers(int(domain.low), int(domain.high))
    return st.floats(domain.low, domain.high)


def assignments(name: str) -> st.SearchStrategy[dict[str, Value]]:
    return st.fixed_dictionaries({p.name: values_of(p) for p in moves_of(name).parameters})


def weights_of(moves: Moving, candidate: Candidate) -> int | None:
    """Return the weights that we read off the rewritten source."""
    script = replace(moves.rewriter.script, files=candidate.files)
    context = Rewriter(script).context
    return count_weights(ShapeReader(context.tracer), context.models[0])


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_has_moves_of_all_sorts(name: str) -> None:
    names = {parameter.name.rpartition(".")[2] for parameter in moves_of(name).parameters}
    assert names >= {"copies", "dropout_after", "batchnorm"}


@pytest.mark.parametrize("name", SCRIPTS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_assignment_parses_and_can_be_undone(name: str, data: st.DataObject) -> None:
    moves = moves_of(name)
    values = data.draw(assignments(name))
    try:
        candidate = moves.candidate(values)
    except InfeasibleError:
        return
    source = moves.rewriter.program.entry.source
    text = candidate.files[0].data.decode()
    ast.parse(text)
    assert apply_edits(source, candidate.edits) == text
    assert undo_edits(source, candidate.edits, text) == source.text
    assert text.count("\n") == text.count("\r\n") or "\r\n" not in source.text
    assert "Dense(10" in text


@pytest.mark.slow
@pytest.mark.usefixtures("keras_installed")
@pytest.mark.parametrize("name", ["add", "list", "chain"])
def test_keras_builds_what_the_moves_make(name: str) -> None:
    # A fixed draw, as shrinking a failure by building hundreds of networks would take minutes.
    draw = random.Random(7)
    moves = moves_of(name)
    for _ in range(5):
        values = {parameter.name: drawn(parameter, draw) for parameter in moves.parameters}
        try:
            candidate = moves.candidate(values)
        except InfeasibleError:
            continue
        assert_builds(moves, candidate)


def drawn(parameter: Parameter, draw: random.Random) -> Value:
    domain = parameter.domain
    if domain.type == "categorical":
        return draw.choice(domain.choices)
    low, high = domain.low or 0, domain.high or 0
    return draw.randint(int(low), int(high)) if domain.type == "int" else round(draw.uniform(low, high), 2)


def assert_builds(moves: Moving, candidate: Candidate) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    module: dict[str, object] = {"__name__": "built"}
    exec(compile(candidate.files[0].data, "train.py", "exec"), module)
    model: Any = module["model"]
    assert model.output_shape == (None, 10)
    normalised = sum(layer.count_params() for layer in model.layers if "batch" in layer.name)
    assert model.count_params() - normalised == weights_of(moves, candidate)
