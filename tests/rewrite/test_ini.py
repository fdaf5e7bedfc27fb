"""Values in INI files are knobs, and edited where they stand in the file."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rewriting import knob, knobs

from pushtune.model.space import Assignment, Value
from pushtune.rewrite import Rewriter
from pushtune.source import load_script, undo_edits

INI = """; what the model is: größe 😀
[model]
units = 64
activation: relu
rate=0.25
note = 64 units
  and more
[train]
lr = 1e-3
epochs = 5   \t
# batch_size = 8
batch_size = 32
"""
SCRIPT = """import configparser, keras
config = configparser.ConfigParser()
config.read("config.ini")
train = config["train"]
model = keras.Sequential([
    keras.layers.Dense(config.getint("model", "units"), activation=config["model"]["activation"]),
    keras.layers.Dropout(float(config.get("model", "rate"))),
    keras.layers.Dense(10),
])
model.compile(keras.optimizers.Adam(train.getfloat("lr")), "mse")
model.fit(x, y, epochs=int(train["epochs"]), batch_size=config.getint("train", "batch_size", fallback=64))
"""
WANTED = {
    "config.model.units": 64,
    "config.model.activation": "relu",
    "config.model.rate": 0.25,
    "config.train.lr": 0.001,
    "config.train.epochs": 5,
    "config.train.batch_size": 32,
}


def configured(folder: Path, script: str = SCRIPT, text: str = INI) -> Rewriter:
    (folder / "config.ini").write_text(text, encoding="utf-8", newline="")
    (folder / "train.py").write_text(script)
    return Rewriter(load_script(folder / "train.py"))


def test_every_way_to_read_a_value_is_followed(tmp_path: Path) -> None:
    found = configured(tmp_path)
    assert {name: knobs(found).get(name) for name in WANTED} == WANTED
    units = knob(found, "config.model.units")
    assert (units.style, units.file, units.line) == ("config", "config.ini", 3)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_only_the_values_change(tmp_path: Path, newline: str) -> None:
    found = configured(tmp_path, text=INI.replace("\n", newline))
    candidate = found.apply(Assignment.of({"config.model.units": 96, "config.model.activation": "tanh"}))
    after = candidate.files[-1].data.decode()
    expected = INI.replace("units = 64\n", "units = 96\n").replace("relu", "tanh")
    assert after == expected.replace("\n", newline)
    assert "+units = 96" in candidate.diff


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_assignment_reads_back_and_is_undone(tmp_path: Path, data: st.DataObject) -> None:
    found = configured(tmp_path)
    values: dict[str, Value] = data.draw(
        st.fixed_dictionaries(
            {},
            optional={
                "config.model.units": st.integers(2, 4096),
                "config.model.rate": st.floats(0.01, 0.9),
                "config.train.lr": st.floats(1e-5, 1.0),
                "config.train.epochs": st.integers(1, 30),
            },
        )
    )
    candidate = found.apply(Assignment.of(values))
    after = candidate.files[-1].data.decode()
    read = configparser.ConfigParser()
    read.read_string(after)
    for name, value in {**WANTED, **values}.items():
        _, section, key = name.split(".")
        text = read[section][key]
        assert (text if isinstance(value, str) else type(value)(text)) == value
    source = found.program.module("config.ini").source
    assert undo_edits(source, candidate.edits, after) == source.text


@pytest.mark.parametrize(
    ("script", "text"),
    [
        (SCRIPT + "config.read('other.ini')\n", INI),  # which of the two is not known
        (SCRIPT, INI + "[train]\nlr = 1\n"),  # not INI: a section twice
        (SCRIPT.replace('config.read("config.ini")', "config.read(path)"), INI),
        (SCRIPT + 'open("config.ini", "w")\n', INI),  # its own output
    ],
)
def test_what_is_not_certain_is_left_alone(tmp_path: Path, script: str, text: str) -> None:
    (tmp_path / "other.ini").write_text("[train]\nlr = 3\n")
    assert not set(WANTED) & set(knobs(configured(tmp_path, script, text)))
