"""Reading an attempt's events in bounded bites: whatever a trial writes, a look costs little."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any, BinaryIO

from pushtune_probe import wire

BITE = 1024 * 1024
"""Bytes read at once, and at most in one look at a live attempt; longer than any line that counts."""

MOST_BEHIND = 16 * 1024 * 1024
"""Bytes that may wait to be read; what is further behind is passed over, but never the first bite."""

MOST_LINES = 5000
"""Lines of one bite that are read: a tiny one costs as much as a long one."""

KEPT_OF_FLOOD = 2 * 1024 * 1024
"""Bytes before the end that are read where more was waiting: how an attempt ended is told last."""


class EventFile:
    """The events of one attempt, from first to last. Not thread-safe.

    ``skipped`` counts the bytes that were passed over because there were too many of them. What is no
    regular file (a link, a pipe, a device), or not to be opened, holds no events.
    """

    def __init__(self, path: str, *, end: int | None = None) -> None:
        self._path = path
        self._end = end
        self._offset = 0
        self._in_long_line = False
        self.skipped = 0

    def read(self, *, all_of_it: bool = False) -> Iterator[list[dict[str, Any]]]:
        """Yield the next events, a bite at a time: one, or ``all_of_it`` (within the bounds above)."""
        try:
            with wire.open_plain(self._path) as stream:
                size = os.fstat(stream.fileno()).st_size
                size = size if self._end is None else min(size, self._end)
                before = -1
                while before < self._offset < size:
                    self._catch_up(size)
                    before = self._offset
                    yield self._bite(stream, size)
                    if not all_of_it:
                        return
        except OSError:
            return

    @property
    def offset(self) -> int:
        """The bytes that were read or passed over: whole lines."""
        return self._offset

    def _catch_up(self, size: int) -> None:
        if self._offset and size - self._offset > MOST_BEHIND:
            self.skipped += size - KEPT_OF_FLOOD - self._offset
            self._offset = size - KEPT_OF_FLOOD
            self._in_long_line = True  # most likely in the middle of one

    def _bite(self, stream: BinaryIO, size: int) -> list[dict[str, Any]]:
        stream.seek(self._offset)
        data = stream.read(max(0, min(BITE, size - self._offset)))
        if self._in_long_line:
            data = self._after_long_line(data)
        end = data.rfind(b"\n") + 1
        if not end and len(data) >= BITE:
            # No line that counts is so long: the rest of it is passed over as it comes.
            self._in_long_line = True
            self._offset += len(data)
            return []
        lines = data[:end].split(b"\n")[:-1]
        self._offset += end if len(lines) <= MOST_LINES else sum(len(line) + 1 for line in lines[:MOST_LINES])
        events = (_event(line) for line in lines[:MOST_LINES])
        return [event for event in events if event is not None]

    def _after_long_line(self, data: bytes) -> bytes:
        """Pass over the rest of a line that is too long; return what follows on it."""
        end = data.find(b"\n") + 1
        self._offset += end or len(data)
        if end:
            self._in_long_line = False
        return data[end:] if end else b""


_DECODER = json.JSONDecoder(parse_constant=lambda name: None)


def _event(line: bytes) -> dict[str, Any] | None:
    if not line or len(line) > wire.MAX_LINE:
        return None
    try:
        body = _DECODER.decode(line.decode())
    except (ValueError, RecursionError):  # A hostile line may nest thousands deep.
        return None
    return body if isinstance(body, dict) and isinstance(body.get("event"), str) else None
