"""Which data a metric was measured on is proven by identity or content, or it is unknown."""

from __future__ import annotations

from typing import Any

import pytest

from pushtune.testing.real_parts import need_module
from pushtune_probe.data_roles import DataRoles


@pytest.fixture
def numpy() -> Any:
    need_module("numpy")
    import numpy

    return numpy


def test_equal_content_proves_as_identity_does(numpy: Any) -> None:
    roles, labels = DataRoles(), numpy.random.default_rng(0).integers(0, 2, 50)
    roles.fitted(None, labels)

    assert roles.split_of(labels) == "train"
    assert roles.split_of(labels.copy().reshape(-1, 1)) == "train"
    assert roles.split_of(labels.tolist()) == "train"
    assert roles.split_of(labels[:40]) == "unknown"


def test_a_few_equal_labels_prove_nothing(numpy: Any) -> None:
    roles = DataRoles()
    roles.fitted(numpy.zeros(10))

    assert roles.split_of(numpy.zeros(10)) == "unknown"


def test_labels_that_are_equal_in_both_parts_prove_nothing(numpy: Any) -> None:
    roles, pool, held = DataRoles(), numpy.zeros(50), numpy.zeros(50)
    roles.split([numpy.zeros(100)], [pool, held])
    roles.fitted(pool)

    assert roles.split_of(held) == "test"
    assert roles.split_of(held.copy()) == "unknown"


def test_a_test_set_is_one_only_while_the_other_part_is_trained_on(numpy: Any) -> None:
    roles, everything = DataRoles(), numpy.arange(100.0)
    pool, held = everything[:70].copy(), everything[70:].copy()
    roles.split([everything], [pool, held])
    assert roles.split_of(held) == "unknown"
    roles.fitted(pool)
    assert roles.split_of(held) == "test"
    roles.fitted(everything)
    assert roles.split_of(held) == "unknown"


def test_the_parts_of_a_second_split(numpy: Any) -> None:
    roles, everything = DataRoles(), numpy.arange(100.0)
    pool, rest = everything[:60].copy(), everything[60:].copy()
    roles.split([everything], [pool, rest])
    validation, test = rest[:20].copy(), rest[20:].copy()
    roles.split([rest], [validation, test])
    roles.fitted(pool)
    roles.watched(validation)

    assert [roles.split_of(part) for part in (pool, validation, test)] == ["train", "validation", "test"]
    assert [roles.seen_by_fit(part) for part in (pool, validation, test)] == [False, True, False]


def test_data_of_any_kind_is_taken_and_none_is_kept_alive(numpy: Any) -> None:
    roles = DataRoles()
    roles.fitted(object(), "text", [[1], [1, 2]], None, {"a": 1}, numpy.array([None] * 30))

    assert roles.split_of({"a": 1}, iter(())) == "unknown"
