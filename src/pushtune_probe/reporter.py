"""Appends events to the attempt's ``events.jsonl``: one line, one write."""

import os
import threading
import time
from collections import deque
from typing import Any, Deque, Set

from pushtune_probe import wire

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT

MOST_KEPT = 1000
"""Lines that are kept while they cannot be written."""

_LOOK_AGAIN = 0.1


class Reporter:
    """The one writer of an attempt's events. Safe to call from any thread.

    Only the process that made it reports: a forked child (multiprocessing, ``os.fork``) inherits the
    object and stays silent. Reporting never raises: a full disk must not end a training that could
    go on. What cannot be written is kept and written, in its order, before the next event that can be;
    ``lost`` counts the events that were dropped because too many waited. ``calls`` are the numbers of
    the ``fit`` events so far, ``trainings`` counts ``fit`` and ``epoch`` events: who asks before and after
    knows whether somebody reported a training in between.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._owner = os.getpid()
        self._descriptor = os.open(path, _FLAGS, 0o644)
        self._kept: Deque[bytes] = deque()
        # Reentrant: the script's signal handler may report while its main thread does.
        self._one_at_a_time = threading.RLock()
        self._torn = False
        self.lost = 0
        self.calls: Set[int] = set()
        self.trainings = 0

    @property
    def mine(self) -> bool:
        """Whether this process is the one that reports."""
        return os.getpid() == self._owner

    def emit(self, event: str, **fields: Any) -> None:
        """Append one event. ``fields`` are those that ``wire`` names for it."""
        if not self.mine:
            return
        if event == "fit":
            self.calls.add(fields.get("call", 0))
        self.trainings += event in ("fit", "epoch")
        line = wire.event_line(event, fields)
        if len(line) > wire.MAX_LINE:
            line = wire.event_line(
                "warning", {"code": "event-too-long", "text": "a %r event of %d bytes" % (event, len(line))}
            )
        with self._one_at_a_time:
            self._kept.append(line)
            while len(self._kept) > MOST_KEPT:
                self._kept.popleft()
                self.lost += 1
            self._write_kept()

    def settle(self, seconds: float) -> None:
        """Wait, at most for ``seconds``, until all that was told is written."""
        until = time.monotonic() + seconds
        while not self.write_kept() and time.monotonic() < until:
            time.sleep(_LOOK_AGAIN)

    def write_kept(self) -> bool:
        """Write what could not be written before; whether nothing is left."""
        if not self.mine:
            return True
        with self._one_at_a_time:
            self._write_kept()
            return not self._kept

    def _write_kept(self) -> None:
        while self._kept:
            line = self._kept.popleft()
            if not self._write(line):
                self._kept.appendleft(line)
                return

    def _write(self, line: bytes) -> bool:
        # A line that was cut short before would swallow this one: end it first.
        data = b"\n" + line if self._torn else line
        for attempt in (1, 2):
            try:
                written = os.write(self._descriptor, data)
            except OSError:
                # The script may have closed every descriptor (daemons do): open it once more.
                if attempt == 1 and self._reopen():
                    continue
                return False
            self._torn = written < len(data)
            return written >= len(data) - 1  # its end of line aside, it is whole
        return False

    def _reopen(self) -> bool:
        try:
            self._descriptor = os.open(self._path, _FLAGS, 0o644)
        except OSError:
            return False
        return True
