"""Applying edits to a text and taking them back. Everything outside their spans stays byte for byte."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from pushtune.model.analysis import Edit, Span
from pushtune.source.text import SourceText


def apply_edits(source: SourceText, edits: Iterable[Edit]) -> str:
    """Return ``source.text`` with ``edits`` made; ``ValueError`` if two of them overlap.

    All spans are on the unedited text. Two insertions at one place are an overlap too.
    """
    pieces, at = [], 0
    for start, end, text in _placed(source, edits):
        pieces += [source.text[at:start], text]
        at = end
    return "".join([*pieces, source.text[at:]])


def undo_edits(source: SourceText, edits: Iterable[Edit], text: str) -> str:
    """Return the author's text, made from the edited ``text`` and the replaced pieces alone.

    ``ValueError`` if ``text`` does not hold what the edits put there.
    """
    pieces, at, shift = [], 0, 0
    for start, end, put in _placed(source, edits):
        place = start + shift
        if text[place : place + len(put)] != put:
            raise ValueError(f"the text does not hold {put!r} at {place}")
        pieces += [text[at:place], source.text[start:end]]
        at = place + len(put)
        shift += len(put) - (end - start)
    return "".join([*pieces, text[at:]])


def edited_span(source: SourceText, edits: Sequence[Edit], span: Span) -> tuple[int, int]:
    """Return where ``span``, which no edit cuts, lies in the edited text (as indices)."""
    start, end = source.bounds(span)
    before = sum(len(text) - (e - s) for s, e, text in _placed(source, edits) if e <= start and s < start)
    within = sum(len(text) - (e - s) for s, e, text in _placed(source, edits) if s >= start and e <= end)
    return start + before, end + before + within


def _placed(source: SourceText, edits: Iterable[Edit]) -> list[tuple[int, int, str]]:
    placed = sorted((*source.bounds(edit.span), edit.text) for edit in edits)
    for (first_start, first_end, _), (start, _end, _) in pairwise(placed):
        if start < first_end or start == first_start:
            raise ValueError(f"edits overlap at {source.position(start)} of {source.path}")
    return placed
