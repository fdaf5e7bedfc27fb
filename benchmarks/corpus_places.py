"""Where a labelled value stands in a file, and whether something that is offered stands there too."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from corpus_labels import Row

from pushtune.model.analysis import Knob, Span

Position = tuple[int, int]
"""Line from 1, column from 0 in characters."""


class LabelsDoNotFitError(Exception):
    """The file is not the one that was labelled: a text does not stand on its line."""


@dataclass(frozen=True)
class Place:
    """A labelled row with its extent; the end is exclusive. An implicit one's is the whole call."""

    row: Row
    start: Position
    end: Position

    def holds(self, knob: Knob) -> bool:
        """Whether ``knob`` is this value; a knob with several spans may be several values."""
        return any(self.holds_span(knob, span) for span in knob.spans)

    def holds_span(self, knob: Knob, span: Span) -> bool:
        """Whether ``span`` of ``knob`` lies on this value, or for an argument left out, inside its call."""
        overlaps = (span.line, span.column) < self.end and (span.end_line, span.end_column) > self.start
        if self.row.style != "implicit":
            return overlaps and knob.style != "implicit"
        named = (knob.role, knob.name.rpartition(".")[2])
        return overlaps and knob.style == "implicit" and self.row.role in named

    @property
    def size(self) -> int:
        """Characters of the label: of two labels on one value the shorter one is about it."""
        return len(self.row.text)


def find_places(text: str, rows: tuple[Row, ...]) -> list[Place]:
    """Return each row's place in the file ``text``; ``LabelsDoNotFitError`` if one is not there."""
    lines = text.split("\n")  # as the syntax tree counts, which knows no other line ends
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    return [_call(row, calls, lines) if row.style == "implicit" else _literal(row, lines) for row in rows]


def _literal(row: Row, lines: list[str]) -> Place:
    line = lines[row.line - 1] if row.line <= len(lines) else ""
    before = r"(?<![\w.])" if re.match(r"[\w.]", row.text) else ""
    after = r"(?![\w.])" if re.search(r"\w$", row.text) else ""
    # A label in brackets or of a piece of a number stands where no word ends.
    found = re.search(before + re.escape(row.text) + after, line) or re.search(re.escape(row.text), line)
    if found is None:
        raise LabelsDoNotFitError(f"line {row.line} does not hold {row.text!r}")
    return Place(row, (row.line, found.start()), (row.line, found.end()))


def _call(row: Row, calls: list[ast.Call], lines: list[str]) -> Place:
    """Return the extent of the call that ``row`` names; the name's own where it is called elsewhere."""
    for call in calls:
        name = ast.unparse(call.func)
        if call.lineno == row.line and (name == row.text or name.endswith(f".{row.text}")):
            assert call.end_lineno is not None
            assert call.end_col_offset is not None
            start = (call.lineno, _characters(lines, call.lineno, call.col_offset))
            return Place(
                row, start, (call.end_lineno, _characters(lines, call.end_lineno, call.end_col_offset))
            )
    return _literal(row, lines)


def _characters(lines: list[str], line: int, offset: int) -> int:
    """Return the column in characters; the syntax tree counts in bytes."""
    return len(lines[line - 1].encode()[:offset].decode())
