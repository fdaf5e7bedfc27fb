"""`pushtune inspect` as a whole: the record, its JSON, and the lines a person reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pushtune.analyse import describe, inspect
from pushtune.analyse.describe import WIDTH, domain_text
from pushtune.errors import UnparsableError
from pushtune.model.analysis import Analysis
from pushtune.model.space import Domain
from pushtune.source import load_script

EXAMPLES = Path(__file__).parents[2] / "examples"

UNSURE = """
import tensorflow as tf, unheard_of
x = tf.placeholder(tf.float32)
"""


def analysis_of(text: str, folder: Path) -> Analysis:
    path = folder / "train.py"
    path.write_text(text, encoding="utf-8")
    return inspect(load_script(path))


@pytest.mark.parametrize(
    ("example", "framework", "kind", "source"),
    [
        ("digits_cnn", "keras", "CNN", "keras.evaluate"),
        ("fashion_cnn", "keras", "CNN", "keras.evaluate"),
        ("forest", "sklearn", "tree-ensemble", "sklearn.accuracy_score"),
    ],
)
def test_the_examples(example: str, framework: str, kind: str, source: str) -> None:
    found = inspect(load_script(EXAMPLES / example / "train.py"))
    assert (found.framework, found.kind) == (framework, kind)
    assert found.metric is not None
    assert (found.metric.name, found.metric.source, found.metric.split) == ("accuracy", source, "test")
    assert [item.code for item in found.warnings] == []
    assert all(item.certain for item in found.requirements)


def test_the_text_tells_a_stranger_what_matters() -> None:
    text = describe(inspect(load_script(EXAMPLES / "fashion_cnn" / "train.py")))
    assert text.splitlines()[0].endswith("train.py: CNN (keras)")
    for said in (
        "line 19  a convolution layer: layers.Conv2D(8",
        "Knobs (11)",
        "conv2d_1.filters",
        "2 … 64 (log)",
        "block_1.copies",
        "repeat or drop the block Conv2D-MaxPooling2D: 0 to 3 copies, 1 today",
        "Metric: accuracy (more is better), from keras.evaluate on line 33, on the test data",
        "Needs: keras",
        "Epochs: 2 today",
    ):
        assert " ".join(said.split()) in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= WIDTH + 2


def test_columns_stand_under_their_names() -> None:
    text = describe(inspect(load_script(EXAMPLES / "forest" / "train.py"))).splitlines()
    head = next(line for line in text if "may become" in line)
    row = next(line for line in text if "n_estimators" in line)
    assert row[head.index("today")] == "1"
    assert row[head.index("may become")] == "2"
    assert row[head.index("style") :] == "implicit"


def test_what_is_not_known_is_said(tmp_path: Path) -> None:
    text = describe(analysis_of(UNSURE, tmp_path))
    assert "Nothing to tune" in text
    assert "Metric: none found" in text
    assert "not known (never guessed): unheard_of" in text
    assert "tensorflow1 scripts are recognised, but cannot be tuned yet" in text


def test_the_json_has_the_documented_keys() -> None:
    found = inspect(load_script(EXAMPLES / "digits_cnn" / "train.py"))
    body = json.loads(json.dumps(found.to_json()))
    assert list(body) == [
        "script", "framework", "kind", "evidence", "knobs", "moves", "metric", "requirements", "warnings",
    ]  # fmt: skip
    assert set(body["evidence"][0]) == {"file", "line", "text", "why"}
    assert set(body["metric"]) >= {"name", "source", "split", "direction"}
    assert body["requirements"][0] == {"import": "keras", "distribution": "keras", "certain": True}


def test_a_script_that_python_cannot_read_says_where(tmp_path: Path) -> None:
    with pytest.raises(UnparsableError, match=r"train\.py line 2"):
        analysis_of("x = 1\nprint 'hello'\n", tmp_path)


def test_several_trainings_are_said_once(tmp_path: Path) -> None:
    source = "import keras\nm = keras.Sequential([keras.layers.Dense(1)])\nm.compile('adam', 'mse')\n"
    found = analysis_of(source + "m.fit(x, y, epochs=2)\nm.fit(x, y, epochs=2)\n", tmp_path)
    assert [item.line for item in found.warnings if item.code == "several-fits"] == [5]


@pytest.mark.parametrize(
    ("domain", "text"),
    [
        (Domain("int", 16, 1024, log=True), "16 … 1024 (log)"),
        (Domain("float", 0.0, 0.6), "0 … 0.6"),
        (Domain("categorical", choices=(None, 0.5, True)), "None, 0.5, True"),
    ],
)
def test_domains_read_like_a_person_writes_them(domain: Domain, text: str) -> None:
    assert domain_text(domain) == text
