"""Reads along what the script prints and reports the metric values in it."""

import re
import sys
from collections import deque
from types import FrameType
from typing import Deque, Dict, List, NamedTuple, Optional, Tuple

from pushtune_probe import text_values
from pushtune_probe.data_roles import UNKNOWN
from pushtune_probe.loop_metrics import Value
from pushtune_probe.session import Session
from pushtune_probe.stdio import Listener
from pushtune_probe.text_lines import LineReader, reader
from pushtune_probe.text_values import Found

SCANNED_LINES = 20000
"""Lines looked at as they come. Of what follows only the tail is looked at, at the end."""

_TAIL = 200
_LONGEST_LINE = 4096
_REPORTED = 2000
_FRAMES = 16


class _Line(NamedTuple):
    """One line, and where it came from: ``stdout:12``."""

    text: str
    source: str


class PrintedMetrics:
    """The values that the script prints. Bounded in time and memory however much it prints."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._readers: Dict[str, LineReader] = {}
        self._streams: Dict[str, _Lines] = {}
        self._reports = 0

    def listener(self, name: str) -> Listener:
        """Return what is to be called with all text that goes to the stream ``name``."""
        lines = self._streams[name] = _Lines(name, self)
        self._readers[name] = reader(self._session.plan.metric)
        return lines.write

    def looks_at(self, number: int) -> bool:
        """Whether line ``number`` is looked at as it comes, and not only if it belongs to the tail.

        In an epoch of the script's own loop each is: of all that an epoch prints little is reported.
        """
        return self._session.epoch_values is not None or (
            number <= SCANNED_LINES and self._reports < _REPORTED
        )

    def line(self, text: str, source: str) -> None:
        """Look at one whole line. Never raises."""
        printed = self._printed_from(sys._getframe(1))
        if printed is not None:
            self._session.guarded(lambda: self._report_all(text, source, printed))

    def finish(self) -> None:
        """Look at what is left at the end: the tail, the last line, and what was held back."""
        for lines in self._streams.values():
            for text, source in lines.rest():
                self._report_all(text, source, NOWHERE)
        printed = self._streams.get("stdout")
        if printed is not None and printed.last is not None:
            self._report_bare(*printed.last)

    def _printed_from(self, frame: Optional[FrameType]) -> Optional["_From"]:
        """Return where the script prints from; None if a framework prints that reports its values itself."""
        for _ in range(_FRAMES):
            if frame is None:
                return NOWHERE
            if self._session.callsite.is_own(frame.f_code.co_filename):
                return _From(
                    frame.f_lineno, _SPLIT_OF_FUNCTION.get(_first_word(frame.f_code.co_name), UNKNOWN)
                )
            if self._session.is_silenced(str(frame.f_globals.get("__name__", ""))):
                return None
            frame = frame.f_back
        return NOWHERE

    def _report_all(self, text: str, source: str, printed: "_From") -> None:
        for found in self._readers[source.partition(":")[0]].find(text):
            split = found.split if found.split != UNKNOWN else printed.split
            values = self._session.epoch_values
            if values is not None:
                told = Value(found.name, found.value, split, source, text, printed.line)
                values.printed(told, found.tolerance)
            elif not self._session.log.is_copy(found.name, found.value, found.tolerance, split):
                self._reports += 1
                self._emit(found._replace(split=split), text, source, printed.line)

    def _report_bare(self, text: str, source: str) -> None:
        name = self._session.plan.metric or "value"
        found = text_values.bare(text, name)
        if found is not None and not self._session.log.is_copy("value", found.value, found.tolerance):
            self._emit(found, text, source, 0)

    def _emit(self, found: Found, text: str, source: str, line: int) -> None:
        self._session.metric(
            found.name, found.value, source, split=found.split, step=found.step, line=line, text=text
        )


class _From(NamedTuple):
    """The script's line that prints (0: not known), and the split that its function is there for."""

    line: int
    split: str


NOWHERE = _From(0, UNKNOWN)

# A function ``test`` measures on test data. One called ``train`` may print what it measured on other data.
_SPLIT_OF_FUNCTION = {
    "test": "test",
    "validate": "validation",
    "validation": "validation",
    "val": "validation",
}


def _first_word(name: str) -> str:
    return name.lower().partition("_")[0]


class _Lines:
    """Cuts the text of one stream into lines, numbered from 1; ``\\r`` and ``\\b`` start a line over.

    Written for speed: this runs at every ``print``, several times.
    """

    def __init__(self, name: str, metrics: PrintedMetrics) -> None:
        self._last: Optional[_Line] = None
        self._name = name
        self._metrics = metrics
        self._number = 1
        self._parts: List[str] = []
        self._length = 0
        self._tail: Deque[Tuple[int, List[str]]] = deque(maxlen=_TAIL)

    def write(self, text: str) -> None:
        if text == "\n":
            self._end_line()
        elif "\n" not in text:
            self._parts.append(text)
            self._length += len(text)
            if self._length > 2 * _LONGEST_LINE:
                self._shorten()
        else:
            self._cut(text)

    def rest(self) -> List[_Line]:
        """Return what was not looked at: the tail of a long output, and a last line without an end."""
        if self._length:
            self._tail.append((self._number, self._parts))
        lines = [self._line(*item) for item in self._tail]
        self._tail.clear()
        self._parts, self._length = [], 0
        for line in lines:
            self._remember(line)
        return lines

    @property
    def last(self) -> Optional[_Line]:
        """The last line that is not blank. Complete after ``rest``."""
        return self._last

    def _cut(self, text: str) -> None:
        *whole, rest = text.split("\n")
        for line in whole:
            if line:
                self.write(line)
            self._end_line()
        if rest:
            self.write(rest)

    def _shorten(self) -> None:
        self._parts = ["".join(self._parts)[-_LONGEST_LINE:]]
        self._length = len(self._parts[0])

    def _end_line(self) -> None:
        number, parts = self._number, self._parts
        self._number = number + 1
        if not self._length:
            return
        self._parts, self._length = [], 0
        if not self._metrics.looks_at(number):
            self._tail.append((number, parts))
            return
        line = self._line(number, parts)
        self._remember(line)
        if _MAY_HOLD_VALUE(line.text):
            self._metrics.line(*line)

    def _line(self, number: int, parts: List[str]) -> _Line:
        return _Line(_shown("".join(parts)[-_LONGEST_LINE:]), "%s:%d" % (self._name, number))

    def _remember(self, line: _Line) -> None:
        if line.text and not line.text.isspace():
            self._last = line


# A digit, or what the header of a table may say.
_MAY_HOLD_VALUE = re.compile(
    r"\d|nan|acc|loss|f1|precision|score|error|ma[ep]|[rm]se|auc", re.IGNORECASE
).search


def _shown(text: str) -> str:
    """Return what is left on the line after carriage returns and backspaces."""
    if "\r" in text or "\b" in text:
        pieces = [piece for piece in text.replace("\b", "\r").split("\r") if piece.strip()]
        return pieces[-1] if pieces else ""
    return text
