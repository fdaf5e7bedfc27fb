"""A transparent canvas with smooth edges, and its PNG (https://www.w3.org/TR/png/). Pixels; y grows down."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Sequence
from itertools import pairwise

Colour = tuple[int, int, int]
Point = tuple[float, float]


class Canvas:
    """``width`` × ``height`` pixels of red, green, blue and opacity, all transparent at first."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._rows = [bytearray(width * 4) for _ in range(height)]

    def stroke(self, start: Point, end: Point, thickness: float, colour: Colour, alpha: float = 1.0) -> None:
        """Draw a straight line with round ends; a point where both are the same."""
        reach = thickness / 2 + 1
        (x0, y0), (x1, y1) = start, end
        for y in self._span(min(y0, y1) - reach, max(y0, y1) + reach, self.height):
            for x in self._span(min(x0, x1) - reach, max(x0, x1) + reach, self.width):
                distance = _distance(x + 0.5, y + 0.5, start, end)
                self._blend(x, y, colour, alpha * min(1.0, max(0.0, thickness / 2 + 0.5 - distance)))

    def path(self, points: Sequence[Point], thickness: float, colour: Colour, alpha: float = 1.0) -> None:
        """Draw a line through ``points``."""
        for start, end in pairwise(points):
            self.stroke(start, end, thickness, colour, alpha)

    def dot(self, at: Point, radius: float, colour: Colour, alpha: float = 1.0) -> None:
        """Draw a disc."""
        self.stroke(at, at, 2 * radius, colour, alpha)

    def png(self) -> bytes:
        """Return the picture as a PNG file, 8 bits a channel with opacity."""
        header = struct.pack(">IIBBBBB", self.width, self.height, 8, 6, 0, 0, 0)
        data = zlib.compress(b"".join(b"\0" + bytes(row) for row in self._rows), 9)
        chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in chunks)

    @staticmethod
    def _span(low: float, high: float, end: int) -> range:
        return range(max(0, math.floor(low)), min(end, math.ceil(high)))

    def _blend(self, x: int, y: int, colour: Colour, cover: float) -> None:
        if cover <= 0:
            return
        row, at = self._rows[y], x * 4
        below = row[at + 3] / 255 * (1 - cover)
        whole = cover + below
        for channel in range(3):
            row[at + channel] = round((colour[channel] * cover + row[at + channel] * below) / whole)
        row[at + 3] = round(255 * whole)


def _distance(x: float, y: float, start: Point, end: Point) -> float:
    """Return the distance of a point from a line segment."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = dx * dx + dy * dy
    share = 0.0 if length == 0 else ((x - start[0]) * dx + (y - start[1]) * dy) / length
    share = min(1.0, max(0.0, share))
    return math.hypot(x - start[0] - share * dx, y - start[1] - share * dy)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
