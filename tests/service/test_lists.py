"""What `pushtune ps` and `pushtune show` print of pushes."""

from __future__ import annotations

from pathlib import Path

import pytest

from pushtune.ledger import Ledger, RepositoryRow
from pushtune.model.home import Home
from pushtune.service.pushes import list_pushes, show_push


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def ledger(home: Home) -> Ledger:
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


def test_what_was_delivered_is_where_to_look(ledger: Ledger, home: Home) -> None:
    assert str(home.push(1)) in show_push(ledger, home, 1, as_json=False)
    home.delivered("digits", 1).mkdir(parents=True)
    assert str(home.delivered("digits", 1)) in show_push(ledger, home, 1, as_json=False)
