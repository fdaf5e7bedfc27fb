"""The picture of a letter, decoded by another program."""

from __future__ import annotations

import io
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pushtune.notify.facts import CurvePoint
from pushtune.notify.picture import HEIGHT, WIDTH, curve_png
from pushtune.notify.picture.axis import axis
from pushtune.notify.picture.canvas import Canvas
from pushtune.notify.picture.curve import BLUE, GREY, PINK
from pushtune.notify.picture.digits import GLYPHS, draw_text, text_width

RISING = tuple(CurvePoint(trial, 0.9 + trial / 200, 0.9 + trial / 200) for trial in range(12))


def _decoded(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def _places(picture: Image.Image, colour: tuple[int, int, int]) -> list[tuple[int, int]]:
    pixels = picture.load()
    assert pixels is not None
    width, height = picture.size
    return [(x, y) for x in range(width) for y in range(height) if pixels[x, y] == (*colour, 255)]


def test_it_is_a_picture_for_sharp_screens_on_any_background() -> None:
    data = curve_png(RISING, 0.95)
    assert data is not None
    picture = _decoded(data)
    assert (picture.format, picture.mode, picture.size) == ("PNG", "RGBA", (2 * WIDTH, 2 * HEIGHT))
    assert picture.getpixel((0, 0)) == (0, 0, 0, 0)
    assert len(data) < 40_000


def test_the_line_rises_to_the_right_and_the_target_lies_across() -> None:
    data = curve_png(RISING, 0.93)
    assert data is not None
    picture = _decoded(data)
    line, target = _places(picture, BLUE), _places(picture, PINK)
    assert min(line)[1] > max(line)[1]
    assert {y for _, y in target} <= set(range(min(y for _, y in target), min(y for _, y in target) + 3))
    assert max(line)[1] < target[0][1] < min(line)[1]


def test_without_a_target_there_is_no_such_line() -> None:
    data = curve_png(RISING, None)
    assert data is not None
    assert _places(_decoded(data), PINK) == []


@pytest.mark.parametrize(
    "points", [(), (CurvePoint(0, math.nan, math.nan),), (CurvePoint(0, math.inf, 1.0),)]
)
def test_nothing_to_draw_is_no_picture(points: tuple[CurvePoint, ...]) -> None:
    assert curve_png(points, 0.9) is None


def test_a_trial_that_diverged_does_not_flatten_the_rest() -> None:
    wild = (*RISING, CurvePoint(12, -1e9, RISING[-1].best))
    plain, with_wild = curve_png(RISING, None), curve_png(wild, None)
    assert plain is not None
    assert with_wild is not None
    heights = [{y for _, y in _places(_decoded(data), BLUE)} for data in (plain, with_wild)]
    assert max(heights[1]) - min(heights[1]) > 0.8 * (max(heights[0]) - min(heights[0]))


def test_every_figure_of_a_number_can_be_drawn() -> None:
    assert set("0123456789.-+e") == set(GLYPHS)
    for character in GLYPHS:
        canvas = Canvas(40, 40)
        draw_text(canvas, character, 8, 8, 24, GREY)
        box = _decoded(canvas.png()).getbbox()
        assert box is not None
        assert box[0] >= 5
        assert box[2] <= 8 + text_width(character, 24) + 3


numbers = st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), numbers, numbers), max_size=20), st.none() | numbers)
def test_any_values_give_a_picture_that_decodes(
    values: list[tuple[int, float, float]], target: float | None
) -> None:
    data = curve_png([CurvePoint(*one) for one in values], target)
    assert data is None or _decoded(data).size == (2 * WIDTH, 2 * HEIGHT)


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.95, 0.99, ["0.95", "0.96", "0.97", "0.98", "0.99"]),
        (0.0, 0.1, ["0.000", "0.025", "0.050", "0.075", "0.100"]),
        (-2.0, 2.0, ["-2", "-1", "0", "1", "2"]),
        (2e-5, 8e-5, ["2e-05", "4e-05", "6e-05", "8e-05"]),
        (0.98765, 0.98769, ["0.98765", "0.98766", "0.98767", "0.98768", "0.98769"]),
        (30_000.0, 70_000.0, ["30000", "40000", "50000", "60000", "70000"]),
        (1e9, 3e9, ["1e+09", "1.5e+09", "2e+09", "2.5e+09", "3e+09"]),
    ],
)
def test_marks_stand_at_round_numbers_that_can_be_told_apart(
    low: float, high: float, labels: list[str]
) -> None:
    assert [label for _, label in axis([low, high], 0.0, 400.0).marks(5)] == labels


@pytest.mark.parametrize("value", [0.9, 1e-7, 123_456.0, -3e12])
def test_no_figure_is_cut_off_at_the_left(value: float) -> None:
    data = curve_png([CurvePoint(trial, value * (1 + trial / 9), value) for trial in range(9)], None)
    assert data is not None
    box = _decoded(data).getbbox()
    assert box is not None
    assert box[0] >= 4
