"""Who wants to hear of what."""

from __future__ import annotations

import pytest

from pushtune.model.states import PushState
from pushtune.notify.occasions import (
    ALWAYS,
    FIXED,
    Failure,
    Finished,
    Occasion,
    Outcome,
    occasion_of,
    wanted,
)
from pushtune.settings.options import OCCASIONS

DONE = Finished(PushState.DONE)
MET = Finished(PushState.DONE, target_met=True)
MISSED = Finished(PushState.DONE, target_met=False)
BROKEN = Finished(PushState.FAILED, failure=Failure.SCRIPT)
CRASHED = Finished(PushState.FAILED, failure=Failure.CRASH_LOOP)


@pytest.mark.parametrize(
    ("this", "previous", "occasion"),
    [
        (MET, None, Occasion(Outcome.SUCCESS)),
        (DONE, MET, Occasion(Outcome.SUCCESS)),
        (MISSED, MET, Occasion(Outcome.TARGET_MISSED)),
        (BROKEN, MET, Occasion(Outcome.SCRIPT_FAILS)),
        (BROKEN, BROKEN, Occasion(Outcome.SCRIPT_FAILS)),
        (CRASHED, None, Occasion(Outcome.CRASH_LOOP)),
        (Finished(PushState.FAILED, failure=Failure.MACHINE), None, Occasion(Outcome.MACHINE_TROUBLE)),
        # Nobody knows why: the author is not blamed for it.
        (Finished(PushState.FAILED), None, Occasion(Outcome.MACHINE_TROUBLE)),
        (MET, BROKEN, Occasion(Outcome.SUCCESS, fixed=True)),
        (MISSED, CRASHED, Occasion(Outcome.TARGET_MISSED, fixed=True)),
        (MET, MISSED, Occasion(Outcome.SUCCESS)),
    ],
)
def test_how_a_push_ended_is_the_occasion(
    this: Finished, previous: Finished | None, occasion: Occasion
) -> None:
    assert occasion_of(this, previous) == occasion


@pytest.mark.parametrize("state", sorted(set(PushState) - {PushState.DONE, PushState.FAILED}))
def test_a_push_that_came_to_no_result_is_no_occasion(state: PushState) -> None:
    assert occasion_of(Finished(state), BROKEN) is None


@pytest.mark.parametrize(
    ("occasion", "asked", "not_asked"),
    [
        (Occasion(Outcome.SUCCESS), {"always", "success"}, {"target-missed", "fixed", "script-fails"}),
        (Occasion(Outcome.TARGET_MISSED, fixed=True), {"always", "fixed", "target-missed"}, {"success"}),
        (Occasion(Outcome.SCRIPT_FAILS), {"always", "script-fails"}, {"crash-loop", "fixed"}),
        (Occasion(Outcome.CRASH_LOOP), {"always", "crash-loop"}, {"script-fails", "machine-trouble"}),
        (Occasion(Outcome.MACHINE_TROUBLE), {"always", "machine-trouble"}, {"script-fails", "success"}),
    ],
)
def test_a_letter_is_written_where_one_trigger_asks_for_it(
    occasion: Occasion, asked: set[str], not_asked: set[str]
) -> None:
    assert asked | not_asked <= set(OCCASIONS)
    assert all(wanted(occasion, [trigger]) for trigger in asked)
    assert not wanted(occasion, not_asked)
    assert not wanted(occasion, [])


def test_the_words_of_the_settings_are_those_of_the_outcomes() -> None:
    assert set(OCCASIONS) == {ALWAYS, FIXED, *(one.value for one in Outcome if one is not Outcome.TEST)}


def test_a_test_letter_is_always_wanted() -> None:
    assert wanted(Occasion(Outcome.TEST), [])


def test_the_outbox_gets_one_word_for_each_letter_of_a_push() -> None:
    assert Occasion(Outcome.SUCCESS).word == "success"
    assert Occasion(Outcome.SUCCESS, fixed=True).word == "fixed"
