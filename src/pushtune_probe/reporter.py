"""Appends events to the attempt's ``events.jsonl``: one line, one write."""

import os
from typing import Any, Set

from pushtune_probe import wire

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT


class Reporter:
    """The one writer of an attempt's events. Safe to call from any thread.

    Only the process that made it reports: a forked child (multiprocessing, ``os.fork``) inherits the
    object and stays silent. Reporting never raises: a full disk must not end a training that could
    go on; ``lost`` counts the events that could not be written. ``calls`` are the numbers of
    the ``fit`` events so far, ``trainings`` counts ``fit`` and ``epoch`` events: who asks before and after
    knows whether somebody reported a training in between.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._owner = os.getpid()
        self._descriptor = os.open(path, _FLAGS, 0o644)
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
        # A line that was cut short before would swallow this one: end it first.
        self._write(b"\n" + line if self._torn else line)

    def _write(self, data: bytes) -> None:
        for attempt in (1, 2):
            try:
                self._torn = os.write(self._descriptor, data) < len(data)
                self.lost += self._torn
                return
            except OSError:
                # The script may have closed every descriptor (daemons do): open it once more.
                if attempt == 1 and self._reopen():
                    continue
        self.lost += 1

    def _reopen(self) -> bool:
        try:
            self._descriptor = os.open(self._path, _FLAGS, 0o644)
        except OSError:
            return False
        return True
