"""Plain attributes travel from one process to another: copied, filled in place, or left alone."""

from __future__ import annotations

import collections
import random
from typing import Any

from pushtune_probe.trainer_plain import PlainState, refilled


class Holder:
    """An object with attributes."""

    def __init__(self, **values: Any) -> None:
        vars(self).update(values)


def none_shared(item: Any) -> bool:
    return False


def moved(before: Holder, after: Holder, *, old: str = "", new: str = "") -> None:
    """Carry the state of ``before``, saved below ``old``, to ``after`` below ``new``."""
    states = PlainState({"it": before}, none_shared, (), old).capture()
    assert PlainState({"it": after}, none_shared, (), new).restore(states) == []


def test_what_cannot_be_saved_and_what_is_left_out_stays() -> None:
    made = (number for number in range(3))
    before = Holder(stream=made, kept=1, other=5)
    after = Holder(stream="own", kept=0, other=0)
    states = PlainState({"it": before}, none_shared, ("other",)).capture()

    PlainState({"it": after}, none_shared, ("other",)).restore(states)

    assert vars(after) == {"stream": "own", "kept": 1, "other": 0}


def test_lists_and_generators_stay_the_same_objects() -> None:
    shared, chance = [0], random.Random(1)
    drawn = random.Random(2)
    expected = random.Random(2).random()
    after = Holder(losses=shared, chance=chance, last=collections.deque([9], maxlen=2))

    moved(Holder(losses=[1, 2], chance=drawn, last=collections.deque([1, 2], maxlen=2)), after)

    assert after.losses is shared
    assert shared == [1, 2]
    assert after.chance is chance
    assert chance.random() == expected
    assert list(after.last) == [1, 2]


def test_paths_below_the_workspace_are_those_of_the_new_one() -> None:
    after = Holder(best="", scores={})

    moved(
        Holder(
            best="/old/1/logs/best.ckpt",
            scores={"/old/1/a.ckpt": 0.5},
        ),
        after,
        old="/old/1",
        new="/new/2",
    )

    assert vars(after) == {"best": "/new/2/logs/best.ckpt", "scores": {"/new/2/a.ckpt": 0.5}}


def test_what_was_large_from_the_beginning_is_not_saved() -> None:
    held = Holder(rows=[[0] * 10_001], losses=[])
    state = PlainState({"it": held}, none_shared)
    held.losses.append(1.0)

    assert set(state.capture()["it"]) == {"losses"}


def test_of_a_namespace_only_what_changed_is_saved() -> None:
    namespace: dict[str, Any] = {"count": 0, "started": 17.5}
    state = PlainState({"script": namespace}, none_shared)
    namespace["count"] = 3

    assert set(state.capture()["script"]) == {"count"}


def test_holders_that_are_gone_are_named() -> None:
    states = PlainState({"callback 0 Own": Holder(a=1)}, none_shared).capture()

    assert PlainState({}, none_shared).restore(states) == ["callback 0 Own"]


def test_numbers_and_texts_are_replaced() -> None:
    assert refilled(1, 2) == 2
    assert refilled(None, [1]) == [1]
    assert refilled("a", "b") == "b"
