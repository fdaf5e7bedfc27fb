"""The machine's slots, shared between studies: all of them used, nobody starved, nobody stopped."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from pushtune.reconcile import Demand, fair_shares


def test_a_greedy_study_leaves_room_for_a_small_one() -> None:
    greedy, small = Demand("greedy", 0, 100, 0.0), Demand("small", 0, 1, 5.0)
    assert fair_shares(4, [greedy, small]) == {"greedy": 3, "small": 1}


def test_what_runs_is_never_taken_back_and_the_next_free_slot_goes_to_who_has_none() -> None:
    greedy, late = Demand("greedy", 4, 100, 0.0), Demand("late", 0, 2, 9.0)
    assert fair_shares(4, [greedy, late]) == {"greedy": 4, "late": 0}
    assert fair_shares(4, [Demand("greedy", 3, 100, 10.0), late]) == {"greedy": 3, "late": 1}
    assert fair_shares(4, [Demand("greedy", 2, 100, 10.0), late]) == {"greedy": 2, "late": 2}


def test_among_equals_who_waited_longest_goes_first() -> None:
    assert fair_shares(1, [Demand("a", 0, 1, 9.0), Demand("b", 0, 1, 3.0)]) == {"a": 0, "b": 1}


def test_where_the_slots_were_lowered_nothing_more_is_given() -> None:
    assert fair_shares(1, [Demand("a", 3, 2, 0.0), Demand("b", 0, 1, 0.0)]) == {"a": 3, "b": 0}


_demands = st.lists(
    st.builds(
        Demand,
        st.text("abcdefgh", min_size=1, max_size=3),
        st.integers(0, 6),
        st.integers(0, 40),
        st.floats(0, 100),
    ),
    max_size=8,
    unique_by=lambda demand: demand.study,
)


@given(st.integers(0, 20), _demands)
def test_shares_are_within_the_total_use_all_of_it_and_level_nobody_down(
    total: int, demands: list[Demand]
) -> None:
    shares = fair_shares(total, demands)
    running = sum(demand.running for demand in demands)
    wanted = sum(demand.wanted for demand in demands)
    assert sum(shares.values()) == max(running, min(total, running + wanted))
    for demand in demands:
        given_more = shares[demand.study] - demand.running
        assert 0 <= given_more <= demand.wanted
        unmet = given_more < demand.wanted
        for other in demands:
            # Who wants more has at most one less than anybody who was given something.
            if unmet and shares[other.study] > other.running:
                assert shares[demand.study] >= shares[other.study] - 1


@dataclass
class _Study:
    lengths: list[int]
    running: list[int]
    served: float = 0.0


@given(
    st.integers(1, 4),
    st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=12), min_size=2, max_size=6),
)
def test_over_a_whole_run_no_study_waits_longer_than_one_turn_of_the_others(
    total: int, jobs: list[list[int]]
) -> None:
    """Every study's first trial starts once each study before it has had one: at most 9 steps a turn."""
    studies = {f"study {number}": _Study(list(lengths), []) for number, lengths in enumerate(jobs)}
    first_start: dict[str, int] = {}
    now = 0
    while any(study.lengths or study.running for study in studies.values()):
        demands = [
            Demand(name, len(study.running), len(study.lengths), study.served)
            for name, study in studies.items()
        ]
        for name, share in fair_shares(total, demands).items():
            study = studies[name]
            while len(study.running) < share:
                study.running.append(study.lengths.pop(0))
                study.served = float(now)
                first_start.setdefault(name, now)
        assert any(study.running for study in studies.values()), "slots are free and work waits"
        for study in studies.values():
            study.running = [left - 1 for left in study.running if left > 1]
        now += 1
        assert now < 1000
    assert set(first_start) == set(studies)
    assert max(first_start.values()) <= 9 * len(studies)
