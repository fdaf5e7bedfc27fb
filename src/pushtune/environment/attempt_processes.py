"""Which processes belong to an attempt, wherever they went, and ending them all."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pushtune.environment.process_table import (
    ProcessRecord,
    boot_id,
    descendants,
    label_of,
    read_process,
    read_table,
    writes_to,
)
from pushtune.errors import MachineError
from pushtune.model.ports import Handle

KILL_PATIENCE = 10.0
"""Seconds after which a process that SIGKILL does not end (stuck in the kernel) is given up on."""

Table = dict[int, ProcessRecord]
Key = tuple[int, int]

_NOBODY: Key = (0, 2**63)
"""No process of this boot: an attempt that the machine's last boot ended."""


@dataclass(frozen=True)
class AttemptMark:
    """What an attempt's processes are known by.

    ``main`` is the pid and start (kernel ticks) of the process that was started as the attempt; ``label``
    stands in their environment; ``log`` is the absolute path of the file they print to, if it is known.
    """

    label: str
    main: Key
    log: str | None = None

    @staticmethod
    def of(handle: Handle, log: str | None = None) -> AttemptMark:
        """Return the mark of the attempt that ``handle`` names."""
        pid, started, *boot = handle.identity.split(":")
        if boot and boot[0] != boot_id():
            return AttemptMark(handle.label, _NOBODY, log)
        return AttemptMark(handle.label, (int(pid), int(started)), log)

    @property
    def alive(self) -> bool:
        """Whether the attempt's own process lives: the same one, not a later one with its pid."""
        record = read_process(self.main[0])
        return record is not None and record.key == self.main and not record.dead


def handle_of(label: str, record: ProcessRecord) -> Handle:
    """Return the handle of the attempt whose own process is ``record``."""
    return _handle(label, record.pid, record.started)


def _handle(label: str, pid: int, started: int) -> Handle:
    return Handle(label, f"{pid}:{started}:{boot_id()}")


def find_handles(table: Table, labels: Collection[str]) -> dict[str, Handle]:
    """Return the attempts among ``labels`` of which anything lives.

    Its own process is the oldest that leads a session. Where none does, that one has ended and strays
    are left: the handle then names a process that is gone.
    """
    found: dict[str, list[ProcessRecord]] = {}
    for record in table.values():
        label = None if record.dead else label_of(record.pid)
        if label is not None and label in labels:
            found.setdefault(label, []).append(record)
    return {label: _handle_among(label, records) for label, records in found.items()}


def _handle_among(label: str, records: list[ProcessRecord]) -> Handle:
    leaders = [record for record in records if record.pid == record.session]
    if leaders:
        return handle_of(label, min(leaders, key=lambda record: record.started))
    return _handle(label, 0, min(record.started for record in records))


def tree(table: Table, mark: AttemptMark, seen: Iterable[Key]) -> set[int]:
    """Return the pids that descend from the attempt's process, or share its session, or were ``seen`` to.

    Cheap: it reads nothing but ``table``.
    """
    known = set(seen)
    roots = {record.pid for record in table.values() if record.key in known}
    main = table.get(mark.main[0])
    if main is not None and main.key == mark.main:
        roots |= {record.pid for record in table.values() if main.pid in (record.pid, record.session)}
    return descendants(table, roots)


def members(table: Table, mark: AttemptMark, seen: Iterable[Key]) -> list[ProcessRecord]:
    """Return every live process of the attempt: by tree, session, label and log.

    What has left the tree and the session still has the label; what wiped its environment too still
    prints to the log, or was seen before it left.
    """
    marked = {
        record.pid
        for record in table.values()
        if record.started >= mark.main[1] and _is_marked(record.pid, mark)
    }
    pids = tree(table, mark, seen) | descendants(table, marked)
    return [table[pid] for pid in pids - _ourselves(table) if not table[pid].dead]


def kill_all(mark: AttemptMark, seen: Iterable[Key]) -> None:
    """End every process of the attempt, until none is left.

    Raises ``MachineError`` if the kernel does not let go of one.
    """
    give_up = time.monotonic() + KILL_PATIENCE
    known = set(seen)
    while left := members(read_table(), mark, known):
        # What is killed hands its children to others: they are remembered before.
        known |= {record.key for record in left}
        # Stopped first: a process that is stopped starts no other while the rest is being killed.
        for signal_number in (signal.SIGSTOP, signal.SIGKILL):
            for record in left:
                _send(record, signal_number)
        if time.monotonic() > give_up:
            pids = ", ".join(str(record.pid) for record in left)
            raise MachineError(f"processes {pids} of {mark.label} cannot be killed")
        time.sleep(0.005)


def _is_marked(pid: int, mark: AttemptMark) -> bool:
    label = label_of(pid)
    return label == mark.label or (label is None and mark.log is not None and writes_to(pid, mark.log))


def _ourselves(table: Table) -> set[int]:
    """Return our own pid and those of all our parents: what no attempt can be part of."""
    found: set[int] = set()
    pid = os.getpid()
    while pid in table and pid not in found:
        found.add(pid)
        pid = table[pid].parent
    return found


def _send(record: ProcessRecord, signal_number: int) -> None:
    now = read_process(record.pid)
    if now is not None and now.key == record.key:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(record.pid, signal_number)
