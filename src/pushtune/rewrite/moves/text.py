"""Small edits on calls and lines that the moves share."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from pushtune.model.analysis import Edit, Span
from pushtune.source import Module

INPUT_KEYWORDS = ("input_shape", "input_dim", "batch_input_shape", "batch_shape", "input_length")
"""Keywords by which a first layer says what comes in."""


def without_keywords(module: Module, call: ast.Call, names: Iterable[str]) -> Iterator[Edit]:
    """Yield the edits that take the keyword arguments ``names`` out of ``call``."""
    source = module.source
    items = _arguments(call)
    places = [source.bounds(module.span(item)) for item in items]
    gone = [isinstance(item, ast.keyword) and item.arg in tuple(names) for item in items]
    for first, after in _runs(gone):
        if first > 0:
            start, end = places[first - 1][1], places[after - 1][1]
        elif after < len(items):
            start, end = places[0][0], places[after][0]
        else:
            start, end = places[0][0], source.bounds(module.span(call))[1] - 1
        yield Edit(source.between(start, end), "")


def with_argument(module: Module, call: ast.Call, text: str) -> Edit:
    """Return the edit that gives ``call`` one more argument, behind the others."""
    source = module.source
    items = _arguments(call)
    if items:
        end = source.bounds(module.span(items[-1]))[1]
        return Edit(source.between(end, end), f", {text}")
    end = source.bounds(module.span(call))[1] - 1
    return Edit(source.between(end, end), text)


def indentation(module: Module, span: Span) -> str:
    """Return the blanks before the first character of the line on which ``span`` begins."""
    line = module.source.lines[span.line - 1]
    return line[: len(line) - len(line.lstrip())]


def before_line_end(module: Module, region: Span) -> Span | None:
    """Return the empty span before the line end that closes ``region``; None at the end of the file."""
    source = module.source
    start, end = source.bounds(region)
    text = source.text[start:end]
    bare = text.removesuffix("\n").removesuffix("\r")
    return source.between(start + len(bare), start + len(bare)) if bare != text else None


def _arguments(call: ast.Call) -> list[ast.expr | ast.keyword]:
    """Return all arguments in the order in which they are written."""
    items: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
    return sorted(items, key=lambda item: (item.lineno, item.col_offset))


def _runs(flags: list[bool]) -> Iterator[tuple[int, int]]:
    """Yield the start and the end of each run of true flags."""
    start = None
    for place, flag in enumerate([*flags, False]):
        if flag and start is None:
            start = place
        elif not flag and start is not None:
            yield start, place
            start = None
