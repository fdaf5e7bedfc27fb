"""Virtual environments by requirement set: made once by the user's own pip, shared, tried."""

from __future__ import annotations

import multiprocessing
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pushtune.environment import EnvironmentRequest, VirtualenvEnvironment
from pushtune.environment.process import look
from pushtune.environment.virtualenv_store import VirtualenvRecipe, Virtualenvs
from pushtune.errors import BuildError
from pushtune.model.analysis import Requirement
from pushtune.model.needs import Needs
from pushtune.settings import EnvironmentSettings

VERSION = (sys.version_info[0], sys.version_info[1], sys.version_info[2])
SIX = VirtualenvRecipe(sys.executable, VERSION, ("six==1.17.0",), ("six",))


def test_it_is_made_and_tried_and_the_second_time_found(tmp_path: Path) -> None:
    store = Virtualenvs(tmp_path)
    python = store.ensure(SIX)
    assert look(python, ["six", "numpy"]).missing == ("numpy",)
    made = Path(python).lstat().st_ctime_ns
    assert store.ensure(SIX) == python
    assert Path(python).lstat().st_ctime_ns == made
    assert store.markers.all() == [SIX.key]
    store.remove(SIX.key)
    assert (store.markers.all(), Path(python).exists()) == ([], False)


def test_one_that_was_broken_off_is_made_again(tmp_path: Path) -> None:
    store = Virtualenvs(tmp_path)
    python = store.python(SIX.key)
    python.parent.mkdir(parents=True)
    python.write_text("half")
    assert store.leftovers() == [SIX.key]
    assert look(store.ensure(SIX), ["six"]).missing == ()


def test_what_cannot_be_imported_is_not_taken_for_ready(tmp_path: Path) -> None:
    store = Virtualenvs(tmp_path)
    recipe = replace(SIX, requirements=(), modules=("six",))
    with pytest.raises(BuildError, match="importing six fails: ModuleNotFoundError"):
        store.ensure(recipe)
    assert (store.markers.all(), store.leftovers()) == ([], [])


def test_a_package_that_is_not_to_be_had_is_said(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"six==0.0.99: no release of it is to be had") as raised:
        Virtualenvs(tmp_path).ensure(replace(SIX, requirements=("six==0.0.99",)))
    assert "six" in raised.value.details


def _ensure(folder: Path, start: object, answers: object) -> None:
    start.wait()  # type: ignore[attr-defined]
    python = Virtualenvs(folder).ensure(SIX)
    answers.put((python, Path(python).parent.parent.stat().st_ino))  # type: ignore[attr-defined]


def test_two_processes_make_it_once(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    start, answers = spawn.Barrier(2), spawn.Queue()
    processes = [spawn.Process(target=_ensure, args=(tmp_path, start, answers)) for _ in range(2)]
    for process in processes:
        process.start()
    found = {answers.get(timeout=300) for _ in processes}
    for process in processes:
        process.join()
    assert len(found) == 1


def test_a_script_gets_what_it_imports_and_what_the_settings_name(tmp_path: Path) -> None:
    request = EnvironmentRequest(
        python=sys.executable,
        settings=EnvironmentSettings(packages=("toml==0.10.2",)),
        root=str(tmp_path),
        store=tmp_path / "store",
    )
    (tmp_path / "train.py").write_text("import six\n")
    needs = Needs(str(tmp_path), "train.py", requirements=(Requirement("six", "six", certain=True),))
    found = VirtualenvEnvironment(request).prepare(needs)
    assert (found.version, found.missing, found.image) == (VERSION, (), "")
    assert look(found.path, ["six", "toml", "numpy"]).missing == ("numpy",)
    assert any("imports what six brings" in line for line in found.why)
