"""Sources of strangers are read within bounds: what is large or deep is read by another process first."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import pushtune.pipeline.reading as reading
from pushtune.errors import ScriptError
from pushtune.git import TreeFile
from pushtune.pipeline.reading import check_readable

SETTINGS: Any = SimpleNamespace(script="train.py", workdir=None, run=SimpleNamespace(args=()))
TRAINING = "import keras\nmodel = keras.Sequential()\nmodel.fit(x, y, epochs=3)\n"


def check(folder: Path, source: str) -> None:
    (folder / "train.py").write_text(source)
    check_readable(folder, [TreeFile("train.py", "100644", len(source), "0" * 40)], SETTINGS)


@pytest.fixture
def no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")


@pytest.mark.usefixtures("no_other_process")
def test_small_and_plain_sources_are_read_at_once(tmp_path: Path) -> None:
    check(tmp_path, TRAINING)


@pytest.mark.parametrize("source", ["x = a" + "()" * 500, "x = 1\n" * 20_000, "y = " + "-" * 900 + "1"])
@pytest.mark.usefixtures("no_other_process")
def test_large_and_deep_ones_are_not(tmp_path: Path, source: str) -> None:
    with pytest.raises(ScriptError, match="cannot be read"):
        check(tmp_path, TRAINING + source + "\n")


def test_what_the_other_process_can_read_may_be_read_here(tmp_path: Path) -> None:
    check(tmp_path, TRAINING + "x = a" + "()" * 200 + "\n")


def test_what_takes_too_long_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SECONDS", 0.1)
    with pytest.raises(ScriptError, match="it took more than"):
        check(tmp_path, TRAINING * 2000)
