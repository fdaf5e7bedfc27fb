"""Best value so far over the trials: dots, a stair, and the target, legible on light and on dark paper."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pushtune.notify.facts import CurvePoint
from pushtune.notify.picture.axis import Axis, axis, without_outliers
from pushtune.notify.picture.canvas import Canvas, Colour
from pushtune.notify.picture.digits import draw_text, text_width

WIDTH, HEIGHT = 552, 220
"""In CSS pixels; the file has twice as many each way, for sharp screens."""
MOST_DOTS = 400
_SCALE = 2
_RIGHT, _TOP, _BOTTOM = 1090.0, 18.0, 380.0
_MARGIN = 24.0
_FIGURES = 19.0
_MARKS = 5
# Middle tones: a mail program shows the same picture on white and on black.
BLUE: Colour = (46, 125, 235)
GREY: Colour = (122, 133, 148)
PINK: Colour = (219, 68, 112)


def curve_png(points: Sequence[CurvePoint], target: float | None) -> bytes | None:
    """Return the picture as a PNG file, or None where there is nothing to draw."""
    shown = [one for one in points if math.isfinite(one.value) and math.isfinite(one.best)]
    if not shown:
        return None
    wanted = [target] if target is not None and math.isfinite(target) else []
    # The best is always inside, however far it is from the rest.
    values = [*without_outliers([one.value for one in shown]), shown[0].best, shown[-1].best]
    y = axis(values + wanted, _BOTTOM, _TOP)
    left = _MARGIN + max((text_width(label, _FIGURES) for _, label in y.marks(_MARKS)), default=0.0)
    x = axis([one.trial for one in shown], left, _RIGHT)
    canvas = Canvas(WIDTH * _SCALE, HEIGHT * _SCALE)
    _grid(canvas, x, y)
    for value in wanted:
        _dashes(canvas, left, y.at(value))
    for one in shown[:: -(-len(shown) // MOST_DOTS)]:
        canvas.dot((x.at(one.trial), y.at(one.value)), 5.5, GREY, 0.75)
    _stair(canvas, shown, x, y)
    return canvas.png()


def _grid(canvas: Canvas, x: Axis, y: Axis) -> None:
    for at, label in y.marks(_MARKS):
        canvas.stroke((x.start, at), (_RIGHT, at), 1.0, GREY, 0.35)
        draw_text(
            canvas, label, x.start - 16 - text_width(label, _FIGURES), at - _FIGURES / 2, _FIGURES, GREY
        )
    for at, label in x.marks(7, whole=True):
        draw_text(canvas, label, at - text_width(label, _FIGURES) / 2, _BOTTOM + 22, _FIGURES, GREY)


def _dashes(canvas: Canvas, left: float, at: float) -> None:
    for start in range(int(left), int(_RIGHT), 22):
        canvas.stroke((start, at), (min(start + 12.0, _RIGHT), at), 3.0, PINK)


def _stair(canvas: Canvas, shown: Sequence[CurvePoint], x: Axis, y: Axis) -> None:
    """Draw a line that steps at the trial that was better, and runs on to the last one."""
    points = [(x.at(shown[0].trial), y.at(shown[0].best))]
    for one in shown[1:]:
        if y.at(one.best) != points[-1][1]:
            points += [(x.at(one.trial), points[-1][1]), (x.at(one.trial), y.at(one.best))]
    canvas.path([*points, (x.at(shown[-1].trial), points[-1][1])], 5.0, BLUE)
