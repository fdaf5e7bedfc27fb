"""Scripts for the tests of `analyse/`: written to a folder, read back, never run."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from pushtune.analyse.reading import Reading, read
from pushtune.source import load_script

Write = Callable[..., Reading]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a script and the files beside it, and read it."""

    def _write(text: str, **beside: str) -> Reading:
        for name, body in beside.items():
            (tmp_path / name.replace("__", ".")).write_text(textwrap.dedent(body), encoding="utf-8")
        (tmp_path / "train.py").write_text(textwrap.dedent(text), encoding="utf-8")
        return read(load_script(tmp_path / "train.py"))

    return _write
