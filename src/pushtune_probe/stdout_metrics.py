"""Reads along what the script prints and reports the metric values in it."""

import sys
from collections import deque
from types import FrameType
from typing import Deque, Dict, List, Optional, Tuple

from pushtune_probe import text_values
from pushtune_probe.session import Session
from pushtune_probe.stdio import Listener
from pushtune_probe.text_values import Found, Scanner

SCANNED_LINES = 20000
"""Lines looked at as they come; of what follows only the tail is looked at, at the end."""

_TAIL = 50
_LONGEST_LINE = 4096
_REPORTED = 2000
_FRAMES = 16


class PrintedMetrics:
    """The values that the script prints. Bounded in time and memory however much it prints."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._scanner = Scanner(session.plan.metric)
        self._streams: Dict[str, _Lines] = {}
        self._reports = 0
        self._held_back: Dict[Tuple[str, str], Tuple[Found, str, str]] = {}

    def listener(self, name: str) -> Listener:
        """Return what is to be called with all text that goes to the stream ``name``."""
        lines = self._streams[name] = _Lines(name, self)
        return lines.write

    def line(self, text: str, source: str) -> None:
        """Look at one whole line. Never raises."""
        if self._is_progress(sys._getframe(1)):
            return
        self._session.guarded(lambda: self._report_all(text, source))

    def finish(self) -> None:
        """Look at what is left at the end: the tail, the last line, and what was held back."""
        for lines in self._streams.values():
            for text, source in lines.rest():
                self._report_all(text, source)
        for found, text, source in self._held_back.values():
            self._emit(found, text, source)
        printed = self._streams.get("stdout")
        if printed is not None and printed.last is not None:
            self._report_bare(*printed.last)

    def _is_progress(self, frame: Optional[FrameType]) -> bool:
        """Whether a framework prints that reports its values itself, and not the script."""
        for _ in range(_FRAMES):
            if frame is None or self._session.callsite.is_own(frame.f_code.co_filename):
                return False
            if self._session.is_silenced(str(frame.f_globals.get("__name__", ""))):
                return True
            frame = frame.f_back
        return False

    def _report_all(self, text: str, source: str) -> None:
        for found in self._scanner.find(text):
            if self._session.log.is_copy(found.name, found.value, found.tolerance):
                continue
            if self._reports < _REPORTED:
                self._reports += 1
                self._emit(found, text, source)
            else:
                self._held_back[found.name, found.split] = (found, text, source)

    def _report_bare(self, text: str, source: str) -> None:
        name = self._session.plan.metric or "value"
        found = text_values.bare(text, name)
        if found is not None and not self._session.log.is_copy("value", found.value, found.tolerance):
            self._emit(found, text, source)

    def _emit(self, found: Found, text: str, source: str) -> None:
        self._session.metric(found.name, found.value, source, split=found.split, step=found.step, text=text)


class _Lines:
    """Cuts the text of one stream into lines, numbered from 1; ``\\r`` and ``\\b`` start a line over."""

    def __init__(self, name: str, metrics: PrintedMetrics) -> None:
        self.last: Optional[Tuple[str, str]] = None
        self._name = name
        self._metrics = metrics
        self._number = 0
        self._parts: List[str] = []
        self._length = 0
        self._tail: Deque[Tuple[str, str]] = deque(maxlen=_TAIL)

    def write(self, text: str) -> None:
        if "\n" not in text:
            self._keep(text)
            return
        *whole, rest = text.split("\n")
        for line in whole:
            self._keep(line)
            self._end_line()
        self._keep(rest)

    def rest(self) -> List[Tuple[str, str]]:
        """Return what was not looked at: the tail of a long output, and a last line without an end."""
        lines = list(self._tail)
        self._tail.clear()
        if self._length:
            lines.append(self._take())
        return lines

    def _keep(self, text: str) -> None:
        if not text:
            return
        self._parts.append(text)
        self._length += len(text)
        if self._length > 2 * _LONGEST_LINE:
            self._parts = ["".join(self._parts)[-_LONGEST_LINE:]]
            self._length = _LONGEST_LINE

    def _end_line(self) -> None:
        text, source = self._take()
        if not text:
            return
        if self._number > SCANNED_LINES:
            self._tail.append((text, source))
        elif any(map(str.isdigit, text)) or "nan" in text.lower():
            self._metrics.line(text, source)

    def _take(self) -> Tuple[str, str]:
        text = "".join(self._parts)[-_LONGEST_LINE:]
        self._parts, self._length = [], 0
        self._number += 1
        shown = _shown(text)
        source = "%s:%d" % (self._name, self._number)
        if shown.strip():
            self.last = (shown, source)
        return shown, source


def _shown(text: str) -> str:
    """Return what is left on the line after carriage returns and backspaces."""
    if "\r" in text or "\b" in text:
        pieces = [piece for piece in text.replace("\b", "\r").split("\r") if piece.strip()]
        return pieces[-1] if pieces else ""
    return text
