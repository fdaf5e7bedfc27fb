"""Pushes of watched repositories: news is taken once, and a letter is written once."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy
from alembic import command
from alembic.config import Config

import pushtune.ledger.engine as engine_module
from pushtune.errors import MachineError, PushtuneError, UsageError
from pushtune.ledger import Author, Ledger, MailRow, RepositoryRow, StudyRow
from pushtune.model.states import WATCHED_ONLY, MailState, PushState, StageName, StageState

REPOSITORY = RepositoryRow(
    id=0, name="digits", address="/srv/digits.git", branches=("main",), poll=60.0, created=1.0
)
LETTER = MailRow(
    id=0, push=None, occasion="success", message_id="<1@here>", sender="push@here", recipients=("ann@lab",),
    body=b"Subject: done\r\n\r\n", state=MailState.WAITING, created=1.0, tries=0, next_try=1.0, sent=None,
    error="",
)  # fmt: skip


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.db")


def add(ledger: Ledger, **changes: object) -> int:
    return ledger.repositories.add(replace(REPOSITORY, **changes)).id  # type: ignore[arg-type]


def push(ledger: Ledger, repository: int, commit: str, branch: str = "main") -> int:
    number = ledger.repositories.seen(repository, branch, commit, told_by="poll", now=2.0)
    assert number is not None
    return number


def test_a_repository_comes_back_as_it_was_written(ledger: Ledger) -> None:
    number = add(ledger)
    assert ledger.repositories.all() == [replace(REPOSITORY, id=number)]
    assert ledger.repositories.named("digits").id == number


def test_two_repositories_cannot_have_one_name(ledger: Ledger) -> None:
    add(ledger)
    with pytest.raises(UsageError, match="there is a repository called 'digits' already"):
        add(ledger)


def test_a_removed_repository_frees_its_name_and_keeps_its_history(ledger: Ledger) -> None:
    first = add(ledger)
    push(ledger, first, "a" * 40)
    ledger.repositories.remove("digits", now=3.0)
    assert ledger.repositories.all() == []
    assert add(ledger) != first
    assert [row.repository for row in ledger.pushes.newest(9)] == [first]


def test_the_same_news_told_twice_is_one_push(ledger: Ledger) -> None:
    repository = add(ledger)
    first = push(ledger, repository, "a" * 40)
    assert ledger.repositories.seen(repository, "main", "a" * 40, told_by="webhook", now=3.0) is None
    assert [row.id for row in ledger.pushes.open()] == [first]
    assert ledger.repositories.heads(repository) == {"main": "a" * 40}


def test_what_is_there_when_a_repository_is_added_can_be_remembered_without_a_push(ledger: Ledger) -> None:
    repository = add(ledger)
    assert ledger.repositories.seen(repository, "main", "a" * 40, told_by="poll", now=2.0, push=False) is None
    assert ledger.pushes.open() == []
    assert push(ledger, repository, "b" * 40)


def test_a_new_push_supersedes_queued_ones_of_its_branch_only(ledger: Ledger) -> None:
    repository = add(ledger)
    running, queued = push(ledger, repository, "a" * 40), 0
    ledger.pushes.move(running, PushState.RUNNING, now=2.0)
    queued = push(ledger, repository, "b" * 40)
    other = push(ledger, repository, "b" * 40, branch="side")
    newest = push(ledger, repository, "c" * 40)
    states = {row.id: row.state for row in ledger.pushes.newest(9)}
    assert states == {
        running: PushState.RUNNING,
        queued: PushState.SUPERSEDED,
        other: PushState.QUEUED,
        newest: PushState.QUEUED,
    }
    superseded = ledger.pushes.get(queued)
    assert superseded is not None
    assert superseded.reason == f"push {newest} is newer"


def test_a_branch_that_was_deleted_and_comes_back_is_news(ledger: Ledger) -> None:
    repository = add(ledger)
    push(ledger, repository, "a" * 40)
    ledger.repositories.forget_head(repository, "main")
    assert push(ledger, repository, "a" * 40)


def test_a_push_waits_at_every_stage_until_it_is_taken(ledger: Ledger) -> None:
    number = push(ledger, add(ledger), "a" * 40)
    assert {row.state for row in ledger.pushes.stages_of(number).values()} == {StageState.WAITING}
    ledger.pushes.move(number, PushState.RUNNING, now=3.0)
    ledger.pushes.move_stage(number, StageName.PULL, StageState.RUNNING, now=3.0)
    assert ledger.pushes.running_stages([number]) == {number: StageName.PULL}


def test_a_cancelled_push_stays_so_until_it_is_retried(ledger: Ledger) -> None:
    number = push(ledger, add(ledger), "a" * 40)
    ledger.pushes.move(number, PushState.CANCELLED, now=3.0, reason="by hand")
    with pytest.raises(PushtuneError, match="cannot become done"):
        ledger.pushes.move(number, PushState.DONE, now=4.0)
    ledger.pushes.move(number, PushState.RUNNING, now=5.0)


def test_pushes_with_the_same_fingerprint_are_found_once_they_are_done(ledger: Ledger) -> None:
    repository = add(ledger)
    number = push(ledger, repository, "a" * 40)
    author = Author("Ann", "ann@lab")
    ledger.pushes.set_facts(number, author=author, subject="More layers")
    ledger.pushes.set_fingerprint(number, "f")
    assert ledger.pushes.with_fingerprint(repository, "f") is None
    ledger.pushes.move(number, PushState.RUNNING, now=3.0)
    ledger.studies.create(StudyRow("s", "k", "/", "train.py", ".", (), None, None, "auto", 0, 3.0), number)
    ledger.pushes.move(number, PushState.DONE, now=4.0)
    same = push(ledger, repository, "b" * 40)
    ledger.pushes.set_fingerprint(same, "f")
    ledger.pushes.move(same, PushState.RUNNING, now=5.0)
    ledger.pushes.move(same, PushState.DONE, now=6.0, reason=f"as in push {number}")
    found = ledger.pushes.with_fingerprint(repository, "f")
    assert found is not None
    assert (found.id, found.author, found.subject) == (number, author, "More layers")
    assert ledger.pushes.with_fingerprint(repository + 1, "f") is None


def test_a_push_that_is_cancelled_has_no_trouble_any_more(ledger: Ledger) -> None:
    number = push(ledger, add(ledger), "a" * 40)
    ledger.pushes.set_trouble(number, "the disk is full", retry_at=9.0)
    ledger.pushes.end(number, PushState.CANCELLED, now=3.0, reason="by hand")
    ledger.pushes.set_trouble(number, "the disk is full", retry_at=19.0)
    row = ledger.pushes.get(number)
    assert row is not None
    assert (row.trouble, row.retry_at) == ("", None)


def test_trouble_counts_its_tries_and_ends(ledger: Ledger) -> None:
    number = push(ledger, add(ledger), "a" * 40)
    ledger.pushes.set_trouble(number, "the disk is full", retry_at=9.0)
    ledger.pushes.set_trouble(number, "the disk is full", retry_at=19.0)
    row = ledger.pushes.get(number)
    assert row is not None
    assert (row.trouble, row.tries, row.retry_at) == ("the disk is full", 2, 19.0)
    ledger.pushes.set_trouble(number, "", retry_at=None)
    row = ledger.pushes.get(number)
    assert row is not None
    assert (row.trouble, row.tries, row.retry_at) == ("", 0, None)


def test_a_webhook_delivery_is_taken_once(ledger: Ledger) -> None:
    assert ledger.repositories.take_delivery("github", "1-2-3", now=1.0)
    assert not ledger.repositories.take_delivery("github", "1-2-3", now=2.0)
    assert ledger.repositories.take_delivery("gitea", "1-2-3", now=2.0)


def test_deliveries_of_long_ago_are_forgotten(ledger: Ledger) -> None:
    assert ledger.repositories.take_delivery("github", "1-2-3", now=1.0)
    assert ledger.repositories.take_delivery("github", "4-5-6", now=100 * 86400.0)
    assert ledger.repositories.take_delivery("github", "1-2-3", now=100 * 86400.0)


def test_an_occasion_has_one_letter(ledger: Ledger) -> None:
    number = push(ledger, add(ledger), "a" * 40)
    letter = replace(LETTER, push=number)
    assert ledger.outbox.put(letter)
    assert not ledger.outbox.put(replace(letter, message_id="<2@here>"))
    assert [row.message_id for row in ledger.outbox.waiting()] == ["<1@here>"]


def test_a_letter_is_postponed_then_sent(ledger: Ledger) -> None:
    number = push(ledger, add(ledger), "a" * 40)
    ledger.outbox.put(replace(LETTER, push=number, recipients=("ann@lab", "bob@lab")))
    (letter,) = ledger.outbox.waiting(push=number)
    ledger.outbox.postponed(letter.id, "bob's is full", next_try=60.0, recipients=("bob@lab",))
    (again,) = ledger.outbox.waiting()
    assert (again.tries, again.error, again.body) == (1, "bob's is full", LETTER.body)
    assert (again.next_try, again.recipients) == (60.0, ("bob@lab",))
    ledger.outbox.sent(letter.id, now=61.0)
    assert ledger.outbox.waiting() == []
    assert [row.sent for row in ledger.outbox.of_push(number)] == [61.0]


def test_a_ledger_of_the_first_version_is_opened_with_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    write_first_version(path)
    ledger = Ledger(path)
    row = ledger.pushes.of_study("train-1")
    assert (row.state, row.reason, row.repository, row.tries) == (PushState.DONE, "target met", None, 0)
    stages = ledger.pushes.stages_of(row.id)
    assert {name for name, stage in stages.items() if stage.state is StageState.SKIPPED} == WATCHED_ONLY
    assert stages[StageName.TUNE].message == "12 trials"
    study = ledger.studies.get("train-1")
    assert isinstance(study, StudyRow)
    assert study.facts == {"threads": 1}


def test_a_ledger_that_a_newer_pushtune_wrote_is_left_alone_with_one_line(tmp_path: Path) -> None:
    Ledger(tmp_path / "ledger.db").close()
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(MachineError, match="newer pushtune"):
        Ledger(tmp_path / "ledger.db")


def write_first_version(path: Path) -> None:
    """What the first migration made, filled as the first release did."""
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", str(Path(engine_module.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(
            "INSERT INTO studies VALUES ('train-1','k','/r','train.py','.','[]',NULL,NULL,'auto',0,1.0,2.0,"
            "'{\"threads\": 1}')"
        )
        connection.exec_driver_sql(
            "INSERT INTO pushes (id, study, state, created, ended, reason) "
            "VALUES (1, 'train-1', 'done', 1.0, 2.0, 'target met')"
        )
        for name in ("inspect", "prepare", "train", "tune", "confirm"):
            connection.exec_driver_sql(
                "INSERT INTO stages (push, name, state, message) VALUES (1, ?, 'done', '12 trials')", (name,)
            )
    engine.dispose()
