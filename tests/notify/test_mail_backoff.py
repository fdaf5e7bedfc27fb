"""When a letter is tried again, and when no more."""

from __future__ import annotations

from pushtune.notify.backoff import hopeless, is_due, next_try, wait_after

DAY = 86400.0


def test_it_waits_a_minute_then_twice_as_long_up_to_an_hour() -> None:
    assert [wait_after(failures) / 60 for failures in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert wait_after(10_000) == 3600
    assert next_try(2, 1000.0) == 1120.0


def test_a_server_that_is_down_for_a_weekend_loses_nothing() -> None:
    now, failures = 0.0, 0
    while not hopeless(failures, 0.0, now):
        failures += 1
        now = next_try(failures, now)
    assert 5 * DAY <= now < 5 * DAY + 3600
    assert 100 < failures < 140


def test_a_machine_that_was_off_for_a_week_tries_again() -> None:
    assert not hopeless(1, 0.0, 7 * DAY)


def test_a_clock_that_is_set_back_does_not_keep_a_letter_for_a_year() -> None:
    planned = next_try(3, now=400 * DAY)
    assert not is_due(planned, planned - 1)
    assert is_due(planned, planned)
    assert is_due(planned, planned - 365 * DAY)
    assert not hopeless(50, 400 * DAY, 35 * DAY)
