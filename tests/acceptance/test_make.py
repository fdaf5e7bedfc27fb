"""What a stranger types first: make. Nothing is installed; the rules are looked at and tried with stamps."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    # A make around this test hands its own variables down.
    dropped = ("MAKE", "MFLAGS", "VENV", "PYTHON", "PYTEST_FLAGS", "TARGET")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return subprocess.run(
        ["make", *words], cwd=folder, capture_output=True, text=True, check=False, env=clean, timeout=60
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with what the rules look at, and an environment that says it holds everything."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy2(ROOT / name, tmp_path)
    (tmp_path / ".venv").mkdir()
    for stamp in (".made", ".demo", ".test"):
        (tmp_path / ".venv" / stamp).touch()
    return tmp_path


def test_make_demo_starts_at_once_where_everything_is_installed(clone: Path) -> None:
    done = make(clone, "-n", "demo")
    assert done.stdout.splitlines() == [
        '. .venv/bin/activate && pushtune tune examples/digits_cnn/train.py --target "accuracy>=0.98"'
    ]


def test_make_test_lints_before_it_tests(clone: Path) -> None:
    lines = make(clone, "-n", "test").stdout.splitlines()
    tools = ["ruff check", "ruff format --check", "mypy", "lint-imports", "pytest"]
    assert [next(tool for tool in tools if tool in line) for line in lines] == tools


def test_changed_requirements_are_installed(clone: Path) -> None:
    later = (clone / ".venv" / ".demo").stat().st_mtime + 10
    os.utime(clone / "pyproject.toml", (later, later))
    commands = make(clone, "-n", "demo").stdout
    assert "pip --disable-pip-version-check --quiet install" in commands
    assert "compileall -q src" in commands


def test_an_old_python_is_refused_in_one_line(clone: Path) -> None:
    shutil.rmtree(clone / ".venv")
    done = make(clone, "PYTHON=", "demo")
    assert done.returncode != 0
    assert "No Python 3.10 to 3.13 found" in done.stderr
    assert not (clone / ".venv").exists()


def test_a_python_that_cannot_make_environments_names_the_package(clone: Path) -> None:
    shutil.rmtree(clone / ".venv")
    done = make(clone, "PYTHON=false", "demo")
    assert done.returncode != 0
    assert "apt-get install python3-venv" in done.stderr


def test_clean_leaves_the_sources(clone: Path) -> None:
    for folder in ("src", "tests", "benchmarks"):
        (clone / folder / "__pycache__").mkdir(parents=True)
        (clone / folder / "kept.py").touch()
    assert make(clone, "clean").returncode == 0
    assert not (clone / ".venv").exists()
    assert not list(clone.rglob("__pycache__"))
    assert len(list(clone.rglob("kept.py"))) == 3
