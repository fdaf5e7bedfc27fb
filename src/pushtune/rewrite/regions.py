"""Which piece of text a list element or a statement takes with it when it is deleted or copied."""

from __future__ import annotations

import ast

from pushtune.model.analysis import Span
from pushtune.source import Module, SourceText


def statement_region(module: Module, statement: ast.stmt) -> Span | None:
    """Return the whole lines of ``statement``, line end included; None if it shares them with others."""
    source = module.source
    start, end = source.bounds(module.span(statement))
    first, last = _line_start(source, start), _line_end(source, end)
    rest = source.text[end:last].strip()
    if source.text[first:start].strip() or (rest and not rest.startswith("#")):
        return None
    return source.between(first, last)


def element_region(
    module: Module, around: ast.List | ast.Tuple, element: ast.expr
) -> tuple[Span | None, bool]:
    """Return the region of a list element with its comma, and whether it is whole lines.

    On lines of its own: those lines, with the comment behind. Otherwise the element, its comma and the
    blanks up to the next one. None for the last element where no comma follows.
    """
    source = module.source
    start, end = source.bounds(module.span(element))
    comma = _next_comma(source, end, *source.bounds(module.span(around)))
    if comma is None:
        return None, False
    start = _with_parentheses(source, start, end)
    first, last = _line_start(source, start), _line_end(source, comma)
    rest = source.text[comma:last].strip()
    if not source.text[first:start].strip() and (not rest or rest.startswith("#")):
        return source.between(first, last), True
    while source.text[comma : comma + 1] in (" ", "\t"):
        comma += 1
    return source.between(start, comma), False


def _next_comma(source: SourceText, end: int, begin: int, limit: int) -> int | None:
    """Return the index after the comma behind the element that ends at ``end``, in a list from ``begin``."""
    for token in source.tokens_in(begin, limit):
        if token.start < end or token.text == ")":
            continue
        return token.end if token.text == "," else None
    return None


def _with_parentheses(source: SourceText, start: int, end: int) -> int:
    """Move ``start`` before the parentheses around an element, which ``ast`` leaves out."""
    place = start
    while source.text[place - 1 : place] in ("(", " ", "\t") and place > 0:
        place -= 1
        if source.text[place] == "(":
            start = place
    return start


def _line_start(source: SourceText, offset: int) -> int:
    return offset - source.position(offset)[1]


def _line_end(source: SourceText, offset: int) -> int:
    """Return the index after the end of the line that holds ``offset``."""
    line = source.position(offset)[0]
    return source.offset(line + 1, 0) if line < len(source.lines) else len(source.text)
