"""Tables that a script prints: a header of metric names, then rows of numbers below it."""

import re
from typing import Callable, List, NamedTuple, Optional

from pushtune_probe.metric_names import SYNONYMS, canonical_metric
from pushtune_probe.text_numbers import NUMBER, measure
from pushtune_probe.text_values import Found, plain, told_apart
from pushtune_probe.text_words import pattern

_STEPS = ("epoch", "epochs", "ep", "round", "step", "iter", "iteration", "epoche", "époque", "epoca", "época")
_RULE = r"[\s|+:=_*─━═┼╋╪┿╂┬┴├┤┌┐└┘╞╡╔╗╚╝╠╣╬╦╩-]+"
_MOST_CELLS = 64
_AVERAGES = {"macro avg": "", "weighted avg": "_weighted"}


class _Column(NamedTuple):
    """What a column holds: a metric, the epoch, or (both empty) something else."""

    name: str
    split: str
    is_step: bool = False


class Tables:
    """Reads one stream's tables, line by line. A table ends with the first line that is none of its rows."""

    def __init__(self, known: Optional[Callable[[str], str]] = None) -> None:
        self._known = known
        self._columns: List[_Column] = []
        self._cells: Callable[[str], List[str]] = str.split

    def read(self, line: str) -> List[Found]:
        """Return the values of a row; none for every other line. Never raises; linear in the line."""
        text = plain(line)
        if self._columns:
            if not text.strip() or pattern(_RULE).fullmatch(text[:400]):
                return []
            row = self._row(text)
            if row is not None:
                return row
            self._columns = []
        self._header(text)
        return []

    def _header(self, text: str) -> None:
        for cells in _SPLITTERS:
            names = cells(text)
            if not 2 <= len(names) <= _MOST_CELLS or any(_is_number(name) for name in names):
                continue
            columns = [self._column(name) for name in names]
            metrics = sum(1 for column in columns if column.name)
            if metrics >= 2 or (metrics and any(column.is_step for column in columns)):
                self._columns, self._cells = columns, cells
                return

    def _column(self, name: str) -> _Column:
        canonical, split = canonical_metric(name)
        if canonical in SYNONYMS or (self._known is not None and self._known(name)):
            return _Column(canonical, split)
        return _Column("", "unknown", canonical.split("_")[0] in _STEPS)

    def _row(self, text: str) -> Optional[List[Found]]:
        """Return the values of a row, None for a line that is no row of this table."""
        cells = self._cells(text)
        if self._is_report():
            return self._report_row(text)
        # A data frame prints its index before each row, under no name.
        extra = len(cells) - len(self._columns)
        if extra not in (0, 1) or not any(_is_number(cell) for cell in cells):
            return None
        pairs = list(zip(self._columns, cells[extra:]))  # noqa: B905 - Python 3.9 has no strict=
        steps = [cell for column, cell in pairs if column.is_step]
        match = re.match(r"\d{1,9}", steps[0]) if steps else None
        step = int(match.group()) if match else None
        found = [_found(column, cell, step) for column, cell in pairs if column.name]
        return told_apart([item for item in found if item is not None])

    def _is_report(self) -> bool:
        """Whether it is scikit-learn's classification report: a row a class, then the averages."""
        return [column.name for column in self._columns[:3]] == ["precision", "recall", "f1"]

    def _report_row(self, text: str) -> Optional[List[Found]]:
        words = text.split()
        numbers = [word for word in words if _is_number(word)]
        suffix = _AVERAGES.get(" ".join(words[:2]))
        if suffix is not None and len(numbers) >= 3:
            column = _Column("f1" + suffix, "unknown")
            found = _found(column, numbers[2], None)
            return [found] if found else []
        return [] if len(numbers) >= 2 and not text.startswith("accuracy") else None


def _found(column: _Column, cell: str, step: Optional[int]) -> Optional[Found]:
    match = pattern(r"(%s)\s?(%%)?" % NUMBER).fullmatch(cell)
    measured = measure(column.name, match[1], bool(match[2])) if match else None
    return Found(column.name, *measured, column.split, step) if measured else None


def _is_number(cell: str) -> bool:
    return pattern(r"(?:%s)\s?%%?" % NUMBER).fullmatch(cell) is not None


def _by_bars(text: str) -> List[str]:
    return [cell.strip() for cell in text.strip().strip("|").split("|")] if "|" in text else []


def _by_tabs(text: str) -> List[str]:
    return [cell.strip() for cell in text.strip().split("\t")] if "\t" in text else []


def _by_commas(text: str) -> List[str]:
    return [cell.strip() for cell in text.strip().split(",")] if "," in text else []


def _by_gaps(text: str) -> List[str]:
    return pattern(r"\s{2,}").split(text.strip())


def _by_blanks(text: str) -> List[str]:
    return text.split()


_SPLITTERS = (_by_bars, _by_tabs, _by_commas, _by_gaps, _by_blanks)
