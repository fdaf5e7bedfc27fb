"""Reads line after line what a script prints: labelled values and tables, and the whole before its parts."""

from typing import List, Optional, Set

from pushtune_probe.text_tables import Tables
from pushtune_probe.text_values import Found, Scanner


class LineReader:
    """Reads one stream. What ``Scanner`` sees in one line is weighed by the lines before it."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._tables = Tables(scanner.canonical)
        self._wholes: Set[str] = set()

    def find(self, line: str) -> List[Found]:
        """Return the values of one line, from left to right. Never raises; linear in the line."""
        found = self._tables.read(line) or self._scanner.find(line)
        kept = [item for item in found if not (item.part and item.name in self._wholes)]
        # A line a class below the line for all of them; a line a model where there is none for all.
        self._wholes.update(item.name for item in kept if not item.part and item.split != "train")
        return kept


def reader(wanted: Optional[str]) -> LineReader:
    """Return a reader that also looks for the metric that the developer named."""
    return LineReader(Scanner(wanted))
