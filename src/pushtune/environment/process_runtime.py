"""Attempts as processes of this machine: started in their own session, found again, kept to their limits."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pushtune.environment.disk_watch import LOG_NAME, bytes_below, cap_log, open_log
from pushtune.environment.process_table import (
    LABEL_VARIABLE,
    ProcessRecord,
    descendants,
    kernel_memory_kills,
    label_of,
    proportional_memory,
    read_process,
    read_table,
    seconds_since,
    volunteer_for_memory_kill,
    writes_to,
)
from pushtune.errors import MachineError
from pushtune.model.ports import AttemptSpec, Exit, Handle, Limits

TABLE_AGE = 0.25
"""Seconds for which one reading of the process table serves all attempts."""

DISK_AGE = 1.0
"""Seconds between two counts of an attempt's bytes on disk."""

SHARE_OF_TIME = 20
"""A look that costs *c* seconds is taken again after 20 *c* at the earliest: 5 % of our time at most."""

NEAR_LIMIT = 0.9
"""Resident memory counts shared pages more than once; above this share of the limit it is counted exactly."""

KILL_PATIENCE = 10.0
"""Seconds after which a process that SIGKILL does not end (stuck in the kernel) is given up on."""


@dataclass
class _Watched:
    """What this runtime remembers of one attempt. Lost with us; nothing depends on it but comfort."""

    folder: str | None = None
    child: subprocess.Popen[bytes] | None = None
    kills_before: int = 0
    seen: set[tuple[int, int]] = field(default_factory=set)
    peak: int = 0
    killed_for: str = ""
    next_tree: float = 0.0
    next_disk: float = 0.0
    ended: Exit | None = None


class ProcessRuntime:
    """Implements ``Runtime`` with sessions, labels in the environment, and /proc. Linux only.

    A handle's identity is ``"pid:start"``, the start in kernel ticks. Exit statuses are known for
    attempts that this object started; of others only that they ended. When an attempt ends, whatever it
    left running is killed.
    """

    def __init__(self) -> None:
        if not sys.platform.startswith("linux") or not Path("/proc/self/stat").exists():
            raise MachineError(
                "trials as plain processes need Linux with /proc", fix="run pushtune on Linux or in WSL 2"
            )
        self._watched: dict[str, _Watched] = {}
        self._table: dict[int, ProcessRecord] = {}
        self._table_until = 0.0

    def start(self, spec: AttemptSpec) -> Handle:
        """Start the attempt in a session of its own. Raises ``MachineError`` if it cannot be started."""
        child = _launch(spec)
        volunteer_for_memory_kill(child.pid)
        record = read_process(child.pid)
        if record is None:  # Cannot be: nobody but us reaps it.
            raise MachineError(f"the process of {spec.label} vanished as it started")
        self._watched[spec.label] = _Watched(
            folder=spec.folder, child=child, kills_before=kernel_memory_kills()
        )
        return Handle(spec.label, _identity(record))

    def find(self, labels: Sequence[str]) -> dict[str, Handle]:
        """Return the live attempts among ``labels``, also those an earlier program started.

        Where an attempt's own process has ended and only strays of it live, its handle names a process
        that is gone: ``poll`` then ends the strays and says so.
        """
        wanted = set(labels)
        found: dict[str, list[ProcessRecord]] = {}
        for record in self._fresh_table().values():
            label = None if record.dead else label_of(record.pid)
            if label in wanted and label is not None:
                found.setdefault(label, []).append(record)
        return {label: Handle(label, _main_identity(records)) for label, records in found.items()}

    def poll(self, handle: Handle, limits: Limits, folder: str) -> Exit | None:
        """Return how the attempt ended, or None while it lives. Enforces ``limits``."""
        watched = self._watched.setdefault(handle.label, _Watched())
        watched.folder = folder
        if watched.ended is not None:
            return watched.ended
        ended = _has_ended(handle, watched)
        if not ended:
            self._enforce(handle, watched, limits, folder)
        if ended or watched.killed_for:
            watched.ended = self._end(handle, watched)
            cap_log(folder, limits.log)
        return watched.ended

    def kill(self, handle: Handle) -> None:
        """End the whole process tree, at once and for good. Ending twice is no error.

        Raises ``MachineError`` if the kernel does not let go of a process.
        """
        watched = self._watched.setdefault(handle.label, _Watched())
        if watched.ended is None:
            watched.ended = self._end(handle, watched)

    def memory(self, handle: Handle) -> int:
        """Return the resident bytes of the whole process tree now, 0 if it is gone."""
        table = self._fresh_table()
        watched = self._watched.get(handle.label, _Watched())
        members = self._members(table, handle, watched)
        return proportional_memory(record.pid for record in members)

    def _enforce(self, handle: Handle, watched: _Watched, limits: Limits, folder: str) -> None:
        now = time.monotonic()
        if now >= watched.next_tree:
            self._look_at_tree(handle, watched, limits)
            watched.next_tree = now + TABLE_AGE
            cap_log(folder, limits.log)
        if limits.disk is not None and now >= watched.next_disk:
            if bytes_below(folder) > limits.disk:
                watched.killed_for = "disk"
            spent = time.monotonic() - now
            watched.next_disk = now + max(DISK_AGE, SHARE_OF_TIME * spent)
        if limits.seconds is not None and seconds_since(_started(handle)) > limits.seconds:
            watched.killed_for = "time"

    def _look_at_tree(self, handle: Handle, watched: _Watched, limits: Limits) -> None:
        """Remember who belongs to the attempt, and measure what they hold together."""
        table = self._recent_table()
        members = [table[pid] for pid in _tree(table, handle, watched)]
        watched.seen = {record.key for record in members}
        held = sum(record.resident for record in members)
        if limits.memory is not None and held > NEAR_LIMIT * limits.memory:
            held = proportional_memory(record.pid for record in members)
            if held > limits.memory:
                watched.killed_for = "memory"
        watched.peak = max(watched.peak, held)

    def _end(self, handle: Handle, watched: _Watched) -> Exit:
        """Kill what is left of the attempt and return how it ended.

        Our own child is reaped last: until then nobody else can get its pid, so its group stays its own.
        """
        self._kill_all(handle, watched)
        code = None if watched.child is None else watched.child.wait()
        by_kernel = code == -signal.SIGKILL and kernel_memory_kills() > watched.kills_before
        watched.killed_for = watched.killed_for or ("memory" if by_kernel else "")
        return Exit(code, watched.killed_for, watched.peak)

    def _kill_all(self, handle: Handle, watched: _Watched) -> None:
        give_up = time.monotonic() + KILL_PATIENCE
        while members := self._members(self._fresh_table(), handle, watched):
            # Stopped first: a process that is stopped starts no other while the rest is being killed.
            for signal_number in (signal.SIGSTOP, signal.SIGKILL):
                for record in members:
                    _send(record, signal_number)
            if time.monotonic() > give_up:
                pids = ", ".join(str(record.pid) for record in members)
                raise MachineError(f"processes {pids} of {handle.label} cannot be killed")
            time.sleep(0.005)

    def _members(
        self, table: dict[int, ProcessRecord], handle: Handle, watched: _Watched
    ) -> list[ProcessRecord]:
        """Return every live process of the attempt, wherever it went: by tree, session, label and log."""
        log = None if watched.folder is None else os.path.realpath(Path(watched.folder) / LOG_NAME)
        marked = {
            record.pid
            for record in table.values()
            if record.started >= _started(handle) and _is_marked(record.pid, handle.label, log)
        }
        pids = _tree(table, handle, watched) | descendants(table, marked)
        return [table[pid] for pid in pids - _ourselves(table) if not table[pid].dead]

    def _recent_table(self) -> dict[int, ProcessRecord]:
        return self._table if time.monotonic() < self._table_until else self._fresh_table()

    def _fresh_table(self) -> dict[int, ProcessRecord]:
        begun = time.monotonic()
        self._table = read_table()
        now = time.monotonic()
        self._table_until = now + max(TABLE_AGE / 2, SHARE_OF_TIME * (now - begun))
        return self._table


def _launch(spec: AttemptSpec) -> subprocess.Popen[bytes]:
    try:
        log = open_log(spec.folder)
    except OSError as error:
        raise MachineError(f"cannot write {spec.folder}/{LOG_NAME}: {error.strerror}") from error
    try:
        return subprocess.Popen(
            spec.command,
            cwd=spec.workdir,
            env={**spec.environment, LABEL_VARIABLE: spec.label},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise MachineError(f"cannot start {spec.command[0]}: {error.strerror}") from error
    finally:
        os.close(log)


def _identity(record: ProcessRecord) -> str:
    return f"{record.pid}:{record.started}"


def _pid(handle: Handle) -> int:
    return int(handle.identity.partition(":")[0])


def _started(handle: Handle) -> int:
    return int(handle.identity.partition(":")[2])


def _main_identity(records: list[ProcessRecord]) -> str:
    """Return the identity of the process that was started as the attempt: the oldest leader of a session."""
    leaders = [record for record in records if record.pid == record.session]
    if leaders:
        return _identity(min(leaders, key=lambda record: record.started))
    oldest = min(record.started for record in records)
    return f"0:{oldest}"


def _is_marked(pid: int, label: str, log: str | None) -> bool:
    """Whether ``pid`` has the label, or wiped its environment but still writes to the attempt's log."""
    found = label_of(pid)
    return found == label or (found is None and log is not None and writes_to(pid, log))


def _alive(handle: Handle) -> bool:
    record = read_process(_pid(handle))
    return record is not None and record.key == (_pid(handle), _started(handle)) and not record.dead


def _has_ended(handle: Handle, watched: _Watched) -> bool:
    """Whether the attempt's own process has ended. Our child stays a zombie, so its pid stays its own."""
    if watched.child is None:
        return not _alive(handle)
    try:
        return os.waitid(os.P_PID, watched.child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        # Somebody else in this program reaped it: that it ended is all that can be known.
        watched.child = None
        return True


def _tree(table: dict[int, ProcessRecord], handle: Handle, watched: _Watched) -> set[int]:
    """Return the pids that descend from the attempt's process, share its session, or did when last seen."""
    main = table.get(_pid(handle))
    roots = {record.pid for record in table.values() if record.key in watched.seen}
    if main is not None and main.started == _started(handle):
        roots |= {record.pid for record in table.values() if main.pid in (record.pid, record.session)}
    return descendants(table, roots)


def _ourselves(table: dict[int, ProcessRecord]) -> set[int]:
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
