"""Which branches are watched: said where a push is left alone, and changed by the command that began it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from watched import Watched

from pushtune.cli.main import main
from pushtune.errors import UsageError
from pushtune.ledger import Ledger, PushRow, RepositoryRow
from pushtune.service.credentials import Keys, credentials_of
from pushtune.service.home import Opened, opened
from pushtune.service.intake import Intake
from pushtune.service.repositories import add_repository, known_repository, list_repositories
from pushtune.testing.git_origins import Origin


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    origin = Origin(tmp_path / "origin")
    origin.write("train.py", "units = 4\n")
    origin.commit()
    origin.git("branch", "exp/wide")
    return origin


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Opened]:
    with opened(tmp_path / "home", {"local": True}, {}, make=True) as home:
        yield home


Add = Callable[..., str]


@pytest.fixture
def add(home: Opened, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> Add:
    """Run `pushtune repo add` for the origin and return what it says."""
    monkeypatch.setenv("PUSHTUNE_HOME", str(home.home.path))
    monkeypatch.setenv("PUSHTUNE_SERVER_LOCAL", "true")

    def run(*options: str) -> str:
        result = CliRunner().invoke(main, ["repo", "add", str(origin.root), *options])
        assert result.exit_code == 0, result.output
        return result.output

    return run


def only(ledger: Ledger) -> RepositoryRow:
    (row,) = ledger.repositories.all()
    return row


def pushes(ledger: Ledger) -> list[PushRow]:
    return ledger.pushes.newest(10)


def test_adding_a_known_repository_changes_what_is_said_and_nothing_else(home: Opened, add: Add) -> None:
    add("--poll", "30s")
    said = add("--branch", "main", "--branch", "exp/*")
    assert said == "origin is watched already; changed: branches: (default) → main, exp/*\n"
    assert (only(home.ledger).branches, only(home.ledger).poll) == (("main", "exp/*"), 30.0)
    assert add("--poll", "5s") == "origin is watched already; changed: poll: 30 s → 5 s\n"
    assert only(home.ledger).branches == ("main", "exp/*")
    assert add() == "origin is watched already; changed: nothing\n"


def test_the_key_of_a_known_repository_can_be_changed(home: Opened, add: Add, tmp_path: Path) -> None:
    add()
    (tmp_path / "token").write_text("new-token\n")
    assert "what it is fetched with" in add("--token-file", str(tmp_path / "token"))
    credentials = credentials_of(home.home, only(home.ledger))
    assert credentials is not None
    assert credentials.token == "new-token"


def test_what_newly_watched_branches_hold_is_trained_only_if_asked_for(home: Opened, add: Add) -> None:
    add()
    add("--branch", "main", "--branch", "exp/*")
    assert pushes(home.ledger) == []
    assert set(home.ledger.repositories.heads(only(home.ledger).id)) == {"main", "exp/wide"}


def test_with_now_it_is(home: Opened, add: Add) -> None:
    add()
    add("--branch", "main", "--branch", "exp/*", "--now")
    assert [push.branch for push in pushes(home.ledger)] == ["exp/wide"]


def test_a_push_that_nobody_looked_at_yet_is_not_forgotten_over_it(
    home: Opened, add: Add, origin: Origin
) -> None:
    add()
    before = home.ledger.repositories.heads(only(home.ledger).id)
    origin.commit("Pushed a moment ago")
    add("--branch", "main", "--branch", "exp/*")
    assert home.ledger.repositories.heads(only(home.ledger).id)["main"] == before["main"]


def test_one_that_is_watched_twice_has_to_be_named(home: Opened, origin: Origin) -> None:
    for name in ("one", "two"):
        add_repository(
            home, str(origin.root), name=name, branches=(), poll=None, keys=Keys(), train_now=False
        )
    with pytest.raises(UsageError, match="several names: one, two"):
        known_repository(home, str(origin.root), None)
    row = known_repository(home, str(origin.root), "two")
    assert row is not None
    assert row.name == "two"
    assert known_repository(home, str(origin.root), "three") is None


def test_the_list_says_that_other_branches_are_not_taken(home: Opened, add: Add) -> None:
    add()
    assert "Pushes to other branches are not taken" in list_repositories(home, as_json=False)


def test_a_push_to_a_branch_that_is_not_watched_is_told_in_the_log(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    intake = Intake(watched.ledger, watched.server)

    def look() -> None:
        watched.now += 100
        watched.until(lambda: intake.take() or not intake._polling.looking())

    look()
    look()
    watched.origin.git("branch", "feature")
    watched.origin.git("branch", "pushtune/train")
    for _ in range(3):
        look()
    intake.close()
    assert [line for line in watched.said if "not taken" in line] == [
        "wine: not taken: a push to feature; watched: the default branch, main "
        f"(`pushtune repo add {watched.origin.root} --branch …` changes that)"
    ]
