"""Where a study lies and what it is called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pushtune.errors import MachineError, StudyBusyError
from pushtune.model.analysis import Script, ScriptFile
from pushtune.pipeline.naming import study_key, study_name
from pushtune.service.places import find_home, home_of, make_home, study_lock
from pushtune.settings import Settings, load_settings

SCRIPT = Script("/project", "examples/cnn/train.py", (ScriptFile("examples/cnn/train.py", b"x = 1\n"),))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"target": "accuracy>=0.9"}, root=tmp_path, environ={})


def test_a_study_is_named_after_its_script_or_the_scripts_folder(settings: Settings) -> None:
    key = study_key(SCRIPT, settings)
    assert study_name(SCRIPT, key, 1) == f"cnn-{key[:8]}"
    assert study_name(SCRIPT, key, 2) == f"cnn-{key[:8]}-2"
    other = replace(SCRIPT, entry="../ödd name!.py")
    assert study_name(other, key, 1) == f"dd-name-{key[:8]}"


@pytest.mark.parametrize("budget", [{"trials": 99}, {"time": 60.0}, {"jobs": 4}, {"python": "/other"}])
def test_the_budget_and_the_machine_do_not_make_another_study(
    settings: Settings, budget: dict[str, object]
) -> None:
    assert study_key(SCRIPT, replace(settings, **budget)) == study_key(SCRIPT, settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change", [{"target": "accuracy>=0.95"}, {"metric": "f1"}, {"seed": 1}, {"strategy": "grow"}]
)
def test_what_is_sought_makes_another_study(settings: Settings, change: dict[str, object]) -> None:
    assert study_key(SCRIPT, replace(settings, **change)) != study_key(SCRIPT, settings)  # type: ignore[arg-type]


def test_edited_source_makes_another_study(settings: Settings) -> None:
    edited = replace(SCRIPT, files=(ScriptFile(SCRIPT.entry, b"x = 2\n"),))
    assert study_key(edited, settings) != study_key(SCRIPT, settings)


def test_a_study_can_be_held_once(tmp_path: Path) -> None:
    with study_lock(tmp_path / "s"), pytest.raises(StudyBusyError), study_lock(tmp_path / "s"):
        pass
    with study_lock(tmp_path / "s"):
        pass  # free again


def test_the_home_is_ignored_by_git_and_found_from_below(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    assert (home / ".gitignore").read_text() == "*\n"
    assert find_home(tmp_path) is None, "a home without a ledger holds nothing to show"
    (home / "ledger.db").touch()
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_home(below) == home == home_of(tmp_path)


def test_a_home_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / ".pushtune").write_text("")
    with pytest.raises(MachineError, match="cannot write"):
        make_home(tmp_path)
