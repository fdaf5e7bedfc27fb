"""Clocks jump: what is counted and what is waited for goes on as if they had not."""

from __future__ import annotations

import pytest

from pushtune.pipeline.backoff import LONGEST, waits
from pushtune.pipeline.workbench import seconds_between

DAY = 86400.0


@pytest.mark.parametrize(("later", "counted"), [(5.0, 5.0), (0.0, 0.0), (DAY, 0.0), (-DAY, 0.0)])
def test_a_jump_is_no_time_that_was_worked(later: float, counted: float) -> None:
    assert seconds_between(1000.0, 1000.0 + later) == counted


@pytest.mark.parametrize(("ahead", "waiting"), [(LONGEST, True), (1.0, True), (0.0, False), (DAY, False)])
def test_what_is_to_be_tried_in_a_day_was_planned_by_another_clock(ahead: float, waiting: bool) -> None:
    assert waits(1000.0 + ahead, 1000.0) is waiting


def test_where_nothing_went_wrong_nothing_is_waited_for() -> None:
    assert not waits(None, 1000.0)
