"""What stands in a layer that is dropped has no effect, and is not searched."""

from __future__ import annotations

from pushtune.model.analysis import Script, ScriptFile
from pushtune.model.space import Assignment, Condition, canonical
from pushtune.rewrite import discover

SOURCE = b"""\
import keras
from keras import layers
WIDTH = 32
model = keras.Sequential([
    keras.Input((8,)),
    layers.Dense(64, activation="relu"),
    layers.Dense(WIDTH, activation="relu"),
    layers.Dense(3, activation="softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, epochs=3, batch_size=32)
"""


def test_knobs_and_moves_of_a_dropped_layer_do_not_matter() -> None:
    space = discover(Script("/r", "t.py", (ScriptFile("t.py", SOURCE),))).space
    assert space.parameter("dense_1.units").condition == Condition("dense_1.copies", (1, 2, 3))
    assert space.parameter("dense_1.dropout_after").condition == Condition("dense_1.copies", (1, 2, 3))
    dropped = Assignment.of({"dense_1.copies": 0, "dense_1.units": 128, "dense_1.dropout_after": 0.5})
    assert canonical(space, dropped) == Assignment.of({"dense_1.copies": 0})


def test_a_constant_outside_the_layer_and_the_layer_itself_always_matter() -> None:
    space = discover(Script("/r", "t.py", (ScriptFile("t.py", SOURCE),))).space
    assert space.parameter("WIDTH").condition is None
    assert space.parameter("dense_1.copies").condition is None
    assert space.parameter("fit.batch_size").condition is None
