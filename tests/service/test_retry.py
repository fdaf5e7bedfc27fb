"""What `pushtune retry` begins with: where it failed, and never past what was not done."""

from __future__ import annotations

from pathlib import Path

import pytest

from pushtune.errors import UsageError
from pushtune.ledger import Ledger, RepositoryRow, StudyRow
from pushtune.model.states import PushState, StageName, StageState
from pushtune.service.pushes import retry_push

DONE, FAILED, SKIPPED = StageState.DONE, StageState.FAILED, StageState.SKIPPED
MET = [DONE, DONE, DONE, DONE, SKIPPED, SKIPPED]
"""Pull to confirm of a push whose script meets its target as it stands."""


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.repositories.add(RepositoryRow(0, "wine", "/srv/wine.git", (), 60.0, 1.0))
    return ledger


def over(ledger: Ledger, states: list[StageState], state: PushState) -> int:
    number = ledger.repositories.seen(1, "main", "a" * 40, told_by="poll", now=1.0)
    assert number is not None
    ledger.pushes.move(number, PushState.RUNNING, now=1.0)
    ledger.studies.create(StudyRow("s", "k", "/", "train.py", ".", (), None, None, "auto", 0, 1.0), number)
    for name, reached in zip(StageName, states, strict=False):
        if reached is not SKIPPED:
            ledger.pushes.move_stage(number, name, StageState.RUNNING, now=2.0)
        ledger.pushes.move_stage(number, name, reached, now=3.0)
    ledger.pushes.end(number, state, now=4.0, reason="over")
    return number


@pytest.mark.parametrize(
    ("states", "state", "start"),
    [
        ([DONE, DONE, DONE, FAILED], PushState.FAILED, StageName.TRAIN),
        ([*MET, FAILED, DONE], PushState.FAILED, StageName.DELIVER),
        ([*MET, DONE, DONE], PushState.DONE, StageName.PULL),
        ([DONE, DONE], PushState.CANCELLED, StageName.PREPARE),
    ],
)
def test_a_retry_begins_where_the_push_failed(
    ledger: Ledger, states: list[StageState], state: PushState, start: StageName
) -> None:
    assert retry_push(ledger, over(ledger, states, state), None, now=5.0) is start


def test_a_push_is_not_delivered_again_that_never_came_to_a_winner(ledger: Ledger) -> None:
    number = over(ledger, [DONE, DONE, DONE, DONE, FAILED], PushState.CANCELLED)
    with pytest.raises(UsageError, match="tune is still to be done"):
        retry_push(ledger, number, StageName.DELIVER, now=5.0)
    assert retry_push(ledger, number, StageName.TRAIN, now=6.0) is StageName.TRAIN


def test_a_push_that_is_done_may_be_delivered_again(ledger: Ledger) -> None:
    number = over(ledger, [DONE] * 8, PushState.DONE)
    assert retry_push(ledger, number, StageName.DELIVER, now=5.0) is StageName.DELIVER
