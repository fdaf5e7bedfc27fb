"""Which metric a script reports, and on which part of the data."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pushtune.analyse.kinds import recognise
from pushtune.analyse.metrics import canonical_metric, guess_metric
from pushtune.analyse.reading import Reading
from pushtune.analyse.splits import split_of_name
from pushtune.model.analysis import MetricGuess

Write = Callable[..., Reading]

HEAD = "import keras\nmodel = keras.Sequential()\n"
COMPILE = "model.compile('adam', 'mse', metrics=['accuracy'])\n"


def guess(write: Write, source: str) -> MetricGuess | None:
    reading = write(source)
    return guess_metric(reading, recognise(reading))


@pytest.mark.parametrize(
    ("body", "source", "split"),
    [
        ("model.fit(x, y, validation_split=0.1)", "keras.fit", "validation"),
        ("model.fit(x, y, validation_data=(X_val, y_val))", "keras.fit", "validation"),
        ("model.fit(x, y, validation_data=(x_test, y_test))", "keras.fit", "test"),
        ("model.fit(x, y, validation_data=(a, b))\nmodel.evaluate(a, b)", "keras.evaluate", "test"),
        ("model.fit(x, y)\nmodel.evaluate(x_test, y_test)", "keras.evaluate", "test"),
        ("model.fit(x, y)\nmodel.evaluate(x, y)", "keras.evaluate", "train"),
        ("model.fit(x, y)", "keras.fit", "train"),
    ],
)
def test_a_keras_script(write: Write, body: str, source: str, split: str) -> None:
    found = guess(write, HEAD + COMPILE + body + "\n")
    assert found is not None
    assert (found.name, found.source, found.split, found.direction) == ("accuracy", source, split, "max")


def test_a_keras_script_without_metrics_reports_its_loss(write: Write) -> None:
    found = guess(write, HEAD + "model.compile('adam', 'mse')\nmodel.fit(x, y, validation_split=0.2)\n")
    assert found == MetricGuess("loss", "keras.fit", "validation", "min", 4)


SPLIT = """
from sklearn.model_selection import train_test_split, cross_val_score
from sklearn.linear_model import LogisticRegression, LinearRegression
from sklearn.metrics import accuracy_score, mean_squared_error, classification_report, f1_score
a, b, c, d = train_test_split(data, labels)
model = LogisticRegression()
line = LinearRegression()
model.fit(a, c)
"""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("accuracy_score(d, model.predict(b))", ("accuracy", "sklearn.accuracy_score", "test", "max")),
        ("accuracy_score(c, model.predict(a))", ("accuracy", "sklearn.accuracy_score", "train", "max")),
        ("model.score(b, d)", ("accuracy", "sklearn.score", "test", "max")),
        ("line.fit(a, c).score(b, d)", ("r2", "sklearn.score", "test", "max")),
        ("mean_squared_error(d, p)", ("mse", "sklearn.mean_squared_error", "test", "min")),
        ("mean_squared_error(d, p, squared=False)", ("rmse", "sklearn.mean_squared_error", "test", "min")),
        ("classification_report(d, p)", ("accuracy", "sklearn.classification_report", "test", "max")),
        ("f1_score(d, p)\naccuracy_score(d, p)", ("accuracy", "sklearn.accuracy_score", "test", "max")),
        ("cross_val_score(model, a, c)", ("accuracy", "sklearn.cross_val_score", "validation", "max")),
        ("cross_val_score(line, a, c, scoring='r2')", ("r2", "sklearn.cross_val_score", "validation", "max")),
        ("model.score(a, c)\nmodel.score(b, d)", ("accuracy", "sklearn.score", "test", "max")),
    ],
)
def test_a_scikit_learn_script(write: Write, body: str, expected: tuple[str, ...]) -> None:
    found = guess(write, SPLIT + body + "\n")
    assert found is not None
    assert (found.name, found.source, found.split, found.direction) == expected


def test_of_several_models_the_last_one_counts(write: Write) -> None:
    found = guess(write, SPLIT + "model.score(b, d)\nprint(f1_score(d, p))\nmodel.score(b, d)\n")
    assert found is not None
    assert (found.source, found.line) == ("sklearn.score", 11)


def test_what_is_printed_counts_where_no_call_says(write: Write) -> None:
    found = guess(write, "import torch\nacc = run()\nprint(f'Test accuracy: {acc:.3f}')\n")
    assert found == MetricGuess("accuracy", "print", "test", "max", 3)


def test_a_printed_test_figure_beats_a_training_figure(write: Write) -> None:
    found = guess(write, HEAD + COMPILE + "model.fit(x, y)\nprint('Test accuracy', own(model))\n")
    assert found is not None
    assert (found.source, found.split) == ("print", "test")


def test_a_file_counts_where_nothing_else_does(write: Write) -> None:
    found = guess(write, "import torch\nopen('accuracy.txt', 'w').write(str(run()))\n")
    assert found is not None
    assert (found.name, found.source) == ("accuracy", "file:accuracy.txt")


def test_text_without_a_value_is_no_metric(write: Write) -> None:
    assert guess(write, "import torch\nprint('now the accuracy')\n") is None


@pytest.mark.parametrize(
    ("written", "name", "direction"),
    [
        ("acc", "accuracy", "max"),
        ("SparseCategoricalAccuracy", "accuracy", "max"),
        ("neg_mean_squared_error", "mse", "min"),
        ("val_loss", "loss", "min"),
        ("my_error", "my_error", "min"),
        ("IoU", "iou", "max"),
    ],
)
def test_metrics_have_one_name(written: str, name: str, direction: str) -> None:
    assert canonical_metric(written) == (name, direction)


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("x_test", "test"), ("X_val", "validation"), ("testX", "test"), ("xtrain", "train"),
        ("train_images", "train"), ("Xtest", "test"), ("latest", "unknown"), ("evaluation", "unknown"),
        ("contest", "unknown"), ("y_te", "test"), ("interval", "unknown"),
    ],
)  # fmt: skip
def test_names_that_say_which_data_they_hold(name: str, split: str) -> None:
    assert split_of_name(name) == split
