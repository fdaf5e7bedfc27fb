"""What a learning curve says about epochs."""

import math

import pytest

from pushtune.tune.curves import best_epoch, noise, smoothed, still_improving

RISING = [1 - math.exp(-epoch / 6) for epoch in range(1, 13)]
PEAK_AT_6 = [0.8 - 0.01 * (epoch - 6) ** 2 for epoch in range(1, 13)]
PLATEAU_FROM_5 = [0.2, 0.5, 0.7, 0.8, 0.84, 0.845, 0.841, 0.846, 0.842, 0.845, 0.841, 0.846]


@pytest.mark.parametrize(
    ("curve", "epoch"),
    [
        ([0.5], 1),
        ([0.5, 0.6], 2),
        ([0.6, 0.5], 1),
        (RISING, 12),
        (PEAK_AT_6, 6),
    ],
)
def test_the_best_epoch_is_where_the_curve_is_highest(curve: list[float], epoch: int) -> None:
    assert best_epoch(curve) == epoch


def test_on_a_plateau_fewer_epochs_are_as_good() -> None:
    assert best_epoch(PLATEAU_FROM_5) in (5, 6)


def test_one_lucky_epoch_is_not_the_best() -> None:
    curve = [0.5, 0.95, 0.52, 0.6, 0.65, 0.7, 0.74, 0.78, 0.8, 0.82, 0.83, 0.84]
    assert best_epoch(curve) > 8


def test_saving_less_than_a_third_is_not_worth_another_training() -> None:
    late_plateau = [*RISING[:9], *[RISING[8]] * 3]
    assert best_epoch(late_plateau) == 12


@pytest.mark.parametrize(
    ("curve", "improving"),
    [([0.9], True), ([0.9, 0.1], True), (RISING, True), (PEAK_AT_6, False), (PLATEAU_FROM_5, False)],
)
def test_whether_more_epochs_may_help(curve: list[float], improving: bool) -> None:
    assert still_improving(curve) is improving


def test_smoothing_keeps_a_straight_line_inside_and_the_length_everywhere() -> None:
    line = [float(x) for x in range(6)]
    assert smoothed(line)[1:-1] == pytest.approx(line[1:-1])
    assert len(smoothed(line)) == 6


def test_a_straight_line_has_no_noise_and_a_jagged_one_has() -> None:
    assert noise([0.1, 0.2, 0.3, 0.4, 0.5]) == pytest.approx(0.0, abs=1e-12)
    assert noise([0.5, 0.6, 0.5, 0.6, 0.5, 0.6]) > 0.05


def test_an_empty_curve_has_no_best_epoch() -> None:
    with pytest.raises(ValueError, match="empty"):
        best_epoch([])
