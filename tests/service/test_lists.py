"""What `pushtune ps` and `pushtune show` print of pushes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pushtune.ledger import DELIVERED_FOLDER, Ledger, RepositoryRow, StudyRow
from pushtune.model.home import Home
from pushtune.service.pushes import list_pushes, show_push


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def ledger(home: Home) -> Ledger:
    return made(home)


def made(home: Home) -> Ledger:
    """A ledger with one push."""
    ledger = Ledger(home.ledger)
    row = ledger.repositories.add(RepositoryRow(0, "digits", "/srv/digits.git", (), 60.0, 1.0))
    ledger.repositories.seen(row.id, "main", "a" * 40, told_by="command", now=1.0, push=True)
    return ledger


def test_a_list_of_pushes_names_its_columns(ledger: Ledger) -> None:
    head, line = list_pushes(ledger, count=None, as_json=False).splitlines()
    assert head.index("REPOSITORY@BRANCH") == line.index("digits@main")
    assert head.index("COMMIT") == line.index("aaaaaaaaaa")


def test_a_list_is_cut_to_the_terminal(ledger: Ledger) -> None:
    lines = list_pushes(ledger, count=None, as_json=False, width=30).splitlines()
    assert max(map(len, lines)) == 30


def deliver(ledger: Ledger, home: Home) -> Path:
    """Write down, as the stage does, that the push was delivered, and return where."""
    folder = home.delivered("digits", 1)
    folder.mkdir(parents=True)
    study = StudyRow("push-1", "k", "/", "train.py", ".", (), None, None, "auto", 0, 1.0)
    ledger.studies.create(study, 1)
    ledger.studies.set_facts("push-1", {DELIVERED_FOLDER: str(folder)})
    return folder


def test_what_was_delivered_is_where_to_look(ledger: Ledger, home: Home) -> None:
    assert str(home.push(1)) in show_push(ledger, home, 1, as_json=False)
    assert json.loads(show_push(ledger, home, 1, as_json=True))["delivered"] is None
    folder = deliver(ledger, home)
    assert f"files: {folder}" in show_push(ledger, home, 1, as_json=False)
    assert json.loads(show_push(ledger, home, 1, as_json=True))["delivered"] == str(folder)


def test_it_is_found_after_its_repository_was_removed(ledger: Ledger, home: Home) -> None:
    folder = deliver(ledger, home)
    ledger.repositories.remove("digits", now=2.0)
    assert f"files: {folder}" in show_push(ledger, home, 1, as_json=False)


def test_it_is_found_after_the_home_was_moved(tmp_path: Path) -> None:
    home = Home(tmp_path / "before")
    home.path.mkdir()
    deliver(made(home), home)
    moved = Home(home.path.rename(tmp_path / "after"))
    assert f"files: {moved.delivered('digits', 1)}" in show_push(
        Ledger(moved.ledger), moved, 1, as_json=False
    )
