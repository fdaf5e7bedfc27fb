"""The ledger: what is written comes back, and only allowed changes can be written."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import pushtune.ledger.engine as engine_module
from pushtune.errors import MachineError, PushtuneError
from pushtune.ledger import Ledger, StudyRow, new_trial
from pushtune.ledger.engine import HEAD, open_engine
from pushtune.ledger.tables import metadata
from pushtune.model.jobs import Outcome, OutcomeKind
from pushtune.model.space import Assignment
from pushtune.model.states import (
    WATCHED_ONLY,
    AttemptState,
    Purpose,
    PushState,
    StageName,
    StageState,
    TrialState,
)

STUDY = StudyRow(
    id="train-1234", key="k", root="/r", entry="train.py", workdir=".", args=("--x", "1"),
    target="accuracy>=0.9", metric=None, strategy="auto", seed=0, created=1.0, facts={"slots": 2},
)  # fmt: skip


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.studies.create(STUDY)
    return ledger


def test_a_study_comes_back_as_it_was_written(ledger: Ledger) -> None:
    assert ledger.studies.get("train-1234") == STUDY
    assert ledger.studies.get("nothing") is None
    assert ledger.studies.with_key("k") == [STUDY]


def test_facts_and_time_spent_are_added_up(ledger: Ledger) -> None:
    ledger.studies.set_facts("train-1234", {"threads": 1})
    ledger.studies.add_spent("train-1234", 2.5)
    ledger.studies.add_spent("train-1234", 1.5)
    study = ledger.studies.get("train-1234")
    assert study is not None
    assert study.facts == {"slots": 2, "threads": 1}
    assert study.spent == 4.0


def test_the_push_of_a_command_leaves_out_the_stages_of_watched_repositories(ledger: Ledger) -> None:
    push = ledger.pushes.of_study("train-1234")
    assert push.state is PushState.RUNNING
    stages = ledger.pushes.stages_of(push.id)
    assert {name for name, row in stages.items() if row.state is StageState.SKIPPED} == WATCHED_ONLY
    assert {row.state for name, row in stages.items() if name not in WATCHED_ONLY} == {StageState.WAITING}


def test_a_stage_cannot_be_done_before_it_ran(ledger: Ledger) -> None:
    push = ledger.pushes.of_study("train-1234").id
    with pytest.raises(PushtuneError, match="stage tune of push 1 cannot become done"):
        ledger.pushes.move_stage(push, StageName.TUNE, StageState.DONE, now=2.0)
    ledger.pushes.move_stage(push, StageName.TUNE, StageState.RUNNING, now=2.0)
    ledger.pushes.move_stage(push, StageName.TUNE, StageState.DONE, now=3.0, message="target met")
    row = ledger.pushes.stages_of(push)[StageName.TUNE]
    assert (row.started, row.ended, row.message) == (2.0, 3.0, "target met")


def test_an_ask_and_the_trial_it_wants_are_written_together(ledger: Ledger) -> None:
    trials = ledger.trials("train-1234")
    trial = new_trial("train-1234", 1, Purpose.SEARCH, Assignment.of({"dense.units": 64}), seed=0, now=2.0)
    trial = replace(trial, to_epoch=3, finish=False, job=0)
    trials.record("ask", {"trial": 1}, want=trial)
    assert trials.all() == [trial]
    assert [(row.number, row.kind) for row in trials.exchanges()] == [(1, "ask")]


def test_nothing_is_written_when_half_of_it_cannot_be(ledger: Ledger) -> None:
    trials = ledger.trials("train-1234")
    trial = new_trial("train-1234", 1, Purpose.SEARCH, Assignment(), seed=0, now=2.0)
    trials.want(trial)
    with pytest.raises(PushtuneError):  # it is wanted already
        trials.record("ask", {}, want=trial)
    assert trials.exchanges() == []


def test_a_trial_runs_pauses_goes_on_and_finishes(ledger: Ledger) -> None:
    trials = ledger.trials("train-1234")
    trial = new_trial("train-1234", 1, Purpose.SEARCH, Assignment(), seed=0, now=2.0)
    trials.want(replace(trial, to_epoch=1, finish=False))
    trials.begin_attempt(1, 1, "train-1234/1/1", 0, now=2.0)
    (attempt,) = trials.open_attempts()
    assert attempt.state is AttemptState.STARTING
    trials.started(attempt, "77:1")
    trials.conclude(1, Outcome(OutcomeKind.PAUSED, 0.5, epochs=1, curve=(0.5,)), now=3.0, memory=7)
    trials.want(replace(trial, to_epoch=3, finish=True))
    trials.ordered(attempt, 1)
    trials.conclude(1, Outcome(OutcomeKind.FINISHED, 0.7, 0.6, 3, (0.5, 0.6, 0.7)), now=4.0, memory=9)
    trials.ended(attempt, now=4.0, code=0)
    row = trials.get(1)
    assert row is not None
    assert (row.state, row.value, row.report, row.epochs, row.memory) == (
        TrialState.FINISHED, 0.7, 0.6, 3, 9
    )  # fmt: skip
    assert trials.open_attempts() == []
    with pytest.raises(PushtuneError, match="trial 1 cannot become wanted"):
        trials.want(trial)


def test_the_migrations_end_at_the_tables(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "ledger.db")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    scripts = ScriptDirectory(str(Path(engine_module.__file__).parent / "migrations"))
    assert scripts.get_current_head() == HEAD


def test_the_database_is_durable_and_whole(ledger: Ledger, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(MachineError, match=r"is not a ledger of pushtune"):
        Ledger(path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match=r"ledger\.db"):
        Ledger(tmp_path / "file" / "ledger.db")
