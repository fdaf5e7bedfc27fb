"""The figures of an axis as strokes. Words stand in the letter beside the picture, never in it.

A glyph is drawn in a box 4 wide and 6 high, y growing down.
"""

from __future__ import annotations

import math

from pushtune.notify.picture.canvas import Canvas, Colour, Point

Lines = tuple[tuple[Point, ...], ...]

_NARROW = 1.2
_WIDE = 4.0
_GAP = 1.7


def _arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> tuple[Point, ...]:
    """Return points on an ellipse, from one angle to another, in degrees clockwise from the right."""
    angles = [math.radians(start + (end - start) * step / 16) for step in range(17)]
    return tuple((x + rx * math.cos(angle), y + ry * math.sin(angle)) for angle in angles)


def _turned(lines: Lines) -> Lines:
    return tuple(tuple((_WIDE - x, 6.0 - y) for x, y in line) for line in lines)


_SIX: Lines = (_arc(2.0, 4.15, 1.75, 1.85, 0, 360), _arc(3.2, 4.15, 2.95, 4.15, 180, 268))

GLYPHS: dict[str, Lines] = {
    "0": (_arc(2.0, 3.0, 1.75, 3.0, 0, 360),),
    "1": (((0.7, 1.3), (2.3, 0.0), (2.3, 6.0)),),
    "2": ((*_arc(2.0, 1.75, 1.7, 1.75, -165, 35), (0.3, 6.0), (3.8, 6.0)),),
    "3": (_arc(1.9, 1.55, 1.5, 1.55, -155, 85), _arc(1.9, 4.5, 1.8, 1.5, -85, 155)),
    "4": (((3.9, 4.3), (0.1, 4.3), (3.0, 0.0), (3.0, 6.0)),),
    "5": (((3.5, 0.0), (0.8, 0.0), *_arc(1.95, 4.05, 1.8, 1.95, -135, 150)),),
    "6": _SIX,
    "7": (((0.2, 0.0), (3.8, 0.0), (1.5, 6.0)),),
    "8": (_arc(2.0, 1.5, 1.45, 1.5, 0, 360), _arc(2.0, 4.5, 1.75, 1.5, 0, 360)),
    "9": _turned(_SIX),
    "-": (((0.7, 3.2), (3.3, 3.2)),),
    "+": (((0.5, 3.2), (3.5, 3.2)), ((2.0, 1.7), (2.0, 4.7))),
    "e": (((0.3, 4.0), (3.6, 4.0), *_arc(1.95, 4.0, 1.65, 2.0, 0, -315)),),
    ".": (((0.6, 5.8), (0.6, 5.8)),),
}


def text_width(text: str, size: float) -> float:
    """Return how wide ``text`` is when drawn ``size`` pixels high."""
    widths = [_NARROW if character == "." else _WIDE for character in text if character in GLYPHS]
    return (sum(widths) + _GAP * max(0, len(widths) - 1)) * size / 6


def draw_text(canvas: Canvas, text: str, left: float, top: float, size: float, colour: Colour) -> None:
    """Draw a number ``size`` pixels high; characters that no number has are left out."""
    unit = size / 6
    for character in text:
        for line in GLYPHS.get(character, ()):
            points = [(left + x * unit, top + y * unit) for x, y in line]
            canvas.path(points, size * 0.13, colour)
        if character in GLYPHS:
            left += ((_NARROW if character == "." else _WIDE) + _GAP) * unit
