"""Who is looked at when: driven by a table of times, without a clock."""

from __future__ import annotations

import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as some

from pushtune.watch.schedule import LONGEST_PAUSE, Schedule


def looked_at(
    schedule: Schedule, until: float, *, answers: bool = True, step: float = 1.0
) -> list[tuple[float, int]]:
    """Go through the time second by second, every look over at once."""
    found = []
    for tick in range(int(until / step)):
        now = tick * step
        for number in schedule.take(now, 1000):
            found.append((now, number))
            schedule.back(number, now, answered=answers)
    return found


def test_a_new_repository_is_looked_at_at_once() -> None:
    schedule = Schedule()
    schedule.keep({1: 60.0, 2: None}, 0.0)
    assert schedule.take(0.0, 10) == [1, 2]


def test_each_is_looked_at_once_an_interval() -> None:
    schedule = Schedule()
    schedule.keep(dict.fromkeys(range(50), 60.0), 0.0)
    counts = Counter(number for now, number in looked_at(schedule, 660.0) if now >= 60.0)
    assert set(counts.values()) <= {10, 11}


def test_not_all_come_at_once() -> None:
    schedule = Schedule()
    schedule.keep(dict.fromkeys(range(600), 60.0), 0.0)
    seconds = Counter(now for now, _ in looked_at(schedule, 180.0) if now >= 90.0)
    assert len(seconds) > 50
    assert max(seconds.values()) < 40


def test_one_that_is_only_told_of_waits_until_then() -> None:
    schedule = Schedule()
    schedule.keep({1: None}, 0.0)
    assert [now for now, _ in looked_at(schedule, 1000.0)] == [0.0]
    schedule.hurry(1, 1000.0)
    assert schedule.take(1000.0, 10) == [1]


def test_pauses_grow_while_there_is_no_answer_and_end_with_one() -> None:
    schedule = Schedule()
    schedule.keep({1: 60.0}, 0.0)
    times = [now for now, _ in looked_at(schedule, 40_000.0, answers=False)]
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert pauses == sorted(pauses)
    assert LONGEST_PAUSE <= pauses[-1] <= 1.1 * LONGEST_PAUSE + 1
    assert schedule.failures(1) == len(times)
    schedule.hurry(1, 40_000.0)
    assert schedule.take(40_000.0, 1) == [1]
    schedule.back(1, 40_000.0, answered=True)
    assert schedule.failures(1) == 0
    assert 40_030.0 <= (schedule.next_due() or 0.0) <= 40_120.0


def test_one_that_is_only_told_of_is_tried_again_where_it_does_not_answer() -> None:
    schedule = Schedule()
    schedule.keep({1: None}, 0.0)
    assert len(looked_at(schedule, 1000.0, answers=False)) > 2


def test_hurried_ones_go_first_and_are_one_look_however_often_they_are() -> None:
    schedule = Schedule()
    schedule.keep(dict.fromkeys(range(100), 60.0), 0.0)
    for _ in range(1000):
        schedule.hurry(77, 5.0)
    assert schedule.take(6.0, 1) == [77]
    assert 77 not in schedule.take(6.0, 1000)


def test_news_of_one_that_is_being_looked_at_brings_another_look() -> None:
    schedule = Schedule()
    schedule.keep({1: 60.0}, 0.0)
    schedule.take(0.0, 1)
    schedule.hurry(1, 0.1)
    assert schedule.take(0.2, 1) == []
    schedule.back(1, 0.3, answered=True)
    assert schedule.take(0.3, 1) == [1]
    schedule.back(1, 0.4, answered=True)
    assert schedule.take(0.5, 1) == []


def test_what_is_no_longer_watched_is_forgotten() -> None:
    schedule = Schedule()
    schedule.keep({1: 60.0, 2: 60.0}, 0.0)
    assert schedule.take(0.0, 1) == [1]
    schedule.keep({2: 60.0}, 0.0)
    schedule.back(1, 1.0, answered=True)
    schedule.hurry(1, 1.0)
    assert schedule.take(1000.0, 10) == [2]


def test_a_changed_interval_counts_from_now() -> None:
    schedule = Schedule()
    schedule.keep({1: 3600.0}, 0.0)
    assert schedule.take(0.0, 1) == [1]
    schedule.back(1, 0.0, answered=True)
    schedule.keep({1: 10.0}, 100.0)
    assert 100.0 < (schedule.next_due() or 0.0) <= 120.0


things = some.sampled_from(["take", "hurry", "back", "fail", "keep"])
steps = some.lists(some.tuples(things, some.integers(0, 4), some.floats(0, 90)), max_size=60)


@given(steps)
def test_none_is_ever_looked_at_twice_at_a_time_nor_forgotten(steps: list[tuple[str, int, float]]) -> None:
    schedule, away, now = Schedule(), set(), 0.0
    schedule.keep(dict.fromkeys(range(5), 60.0), now)
    for what, number, seconds in steps:
        now += seconds
        if what == "take":
            taken = set(schedule.take(now, number))
            assert not taken & away
            away |= taken
        elif what == "hurry":
            schedule.hurry(number, now)
        elif what == "keep":
            schedule.keep(dict.fromkeys(range(5), 30.0 + number), now)
        elif number in away:
            away.discard(number)
            schedule.back(number, now, answered=what == "back")
    for number in away:
        schedule.back(number, now, answered=True)
    assert set(schedule.take(now + 2 * LONGEST_PAUSE, 10)) == set(range(5))


def test_a_clock_that_was_set_back_holds_up_no_look() -> None:
    schedule = Schedule()
    schedule.keep({1: 60.0, 2: 7200.0}, 100_000.0)
    for number in schedule.take(100_000.0, 10):
        schedule.back(number, 100_000.0, answered=True)
    assert schedule.take(99_990.0, 10) == []
    assert schedule.take(10_000.0, 10) == [1, 2]
