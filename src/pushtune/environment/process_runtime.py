"""Attempts as processes of this machine: started in their own session, found again, kept to their limits."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pushtune.environment.attempt_processes import (
    AttemptMark,
    Key,
    Table,
    find_handles,
    handle_of,
    kill_all,
    tree,
)
from pushtune.environment.confinement import confined, hide_ourselves, kernel_limits
from pushtune.environment.disk_watch import LOG_NAME, bytes_below, cap_log, open_log
from pushtune.environment.ownership import NO_HOME, User, check_reach, give_folder, make_home, take_folder
from pushtune.environment.process_table import (
    LABEL_VARIABLE,
    kernel_memory_kills,
    proportional_memory,
    read_process,
    read_table,
    seconds_since,
    volunteer_for_memory_kill,
)
from pushtune.errors import MachineError
from pushtune.model.ports import AttemptSpec, Exit, Handle, Limits

TREE_AGE = 0.25
"""Seconds between two looks at an attempt's processes."""

DISK_AGE = 1.0
"""Seconds between two counts of an attempt's bytes on disk."""

SHARE_OF_TIME = 30
"""A look that costs *c* seconds is taken again after 30 *c* at the earliest: trials lack that time."""

START_TIMEOUT = 30.0
"""Seconds that a confined trial may take to become its own program."""

NEAR_LIMIT = 0.9
"""Resident memory counts shared pages more than once; above this share of the limit it is counted exactly."""


@dataclass
class _Watched:
    """What this runtime remembers of one attempt. Lost with us; nothing depends on it but comfort."""

    folder: str | None = None
    child: subprocess.Popen[bytes] | None = None
    kernel_kills_before: int = 0
    seen: frozenset[Key] = field(default_factory=frozenset)
    peak: int = 0
    killed_for: str = ""
    next_tree: float = 0.0
    next_disk: float = 0.0
    ended: Exit | None = None

    def mark(self, handle: Handle) -> AttemptMark:
        log = None if self.folder is None else os.path.realpath(Path(self.folder) / LOG_NAME)
        return AttemptMark.of(handle, log)


class ProcessRuntime:
    """Implements ``Runtime`` with sessions, labels in the environment, and /proc. Linux only.

    A handle's identity is ``"pid:start:boot"``, the start in kernel ticks since that boot of the machine.
    Exit statuses are known for attempts that this object started; of others only that they ended. When an
    attempt ends, whatever it left running is killed. What escapes: a process that left its session, wiped
    its environment and closed its log, all between two looks.

    ``confined``: attempts get the kernel's limits and can gain no rights; and no process of our user can look
    into us from now on. ``user``: who they run as where their ``AttemptSpec`` names nobody; it takes root.
    """

    def __init__(self, *, confined: bool = False, user: User | None = None) -> None:
        if not sys.platform.startswith("linux") or not Path("/proc/self/stat").exists():
            raise MachineError(
                "trials as plain processes need Linux with /proc", fix="run pushtune on Linux or in WSL 2"
            )
        self._confined = confined or user is not None
        self._user = user
        if self._confined:
            hide_ourselves()
        self._watched: dict[str, _Watched] = {}
        self._table: Table = {}
        self._table_until = 0.0

    def start(self, spec: AttemptSpec) -> Handle:
        """Start the attempt in a session of its own. Raises ``MachineError`` if it cannot be started."""
        kills = kernel_memory_kills()
        child = _launch(spec) if not self._confined and spec.user is None else self._launch_confined(spec)
        volunteer_for_memory_kill(child.pid)
        record = read_process(child.pid)
        if record is None:  # Cannot be: nobody but us reaps it.
            raise MachineError(f"the process of {spec.label} vanished as it started")
        self._watched[spec.label] = _Watched(folder=spec.folder, child=child, kernel_kills_before=kills)
        return handle_of(spec.label, record)

    def find(self, labels: Sequence[str]) -> dict[str, Handle]:
        """Return the live attempts among ``labels``, also those an earlier program started.

        Where an attempt's own process has ended and only strays of it live, its handle names a process
        that is gone: ``poll`` then ends the strays and says so. A stray that leads a session of its own
        cannot be told from it; who wrote the identity down at the start should go by that.
        """
        return find_handles(read_table(), set(labels)) if labels else {}

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
            watched.ended = _end(handle, watched)
            cap_log(folder, limits.log)
        return watched.ended

    def kill(self, handle: Handle) -> None:
        """End the whole process tree, at once and for good. Ending twice is no error.

        Raises ``MachineError`` if the kernel does not let go of a process.
        """
        watched = self._watched.setdefault(handle.label, _Watched())
        if watched.ended is None:
            watched.ended = _end(handle, watched)

    def memory(self, handle: Handle) -> int:
        """Return the resident bytes of the whole process tree now, 0 if its own process is gone.

        Pages that several of them share count for each: to count exactly takes tens of milliseconds.
        """
        mark = AttemptMark.of(handle)
        if not mark.alive:
            return 0
        table = self._recent_table()
        if mark.main[0] not in table:
            table = read_table()
        watched = self._watched.get(handle.label, _Watched())
        return sum(table[pid].resident for pid in tree(table, mark, watched.seen))

    def _launch_confined(self, spec: AttemptSpec) -> subprocess.Popen[bytes]:
        user = spec.user or self._user
        home = spec.environment.get("HOME")
        if home is not None and home != NO_HOME:
            make_home(home, user)
        log = _open_log(spec)
        reading, writing = os.pipe()
        try:
            if user is not None:
                check_reach(spec.folder, user)
                give_folder(spec.folder, user)
            command = confined(spec.command, user, kernel_limits(spec.limits, user), writing)
            child = _popen(spec, command, log, writing)
        except MachineError:
            os.close(reading)
            raise
        finally:
            os.close(writing)
            os.close(log)
        _wait_for_start(spec, child, reading)
        return child

    def _enforce(self, handle: Handle, watched: _Watched, limits: Limits, folder: str) -> None:
        if time.monotonic() >= watched.next_tree:
            begun = time.monotonic()
            self._look_at_tree(handle, watched, limits)
            cap_log(folder, limits.log)
            watched.next_tree = _next_look(begun, TREE_AGE)
        if limits.disk is not None and time.monotonic() >= watched.next_disk:
            begun = time.monotonic()
            if bytes_below(folder) > limits.disk:
                watched.killed_for = "disk"
            watched.next_disk = _next_look(begun, DISK_AGE)
        if limits.seconds is not None and seconds_since(watched.mark(handle).main[1]) > limits.seconds:
            watched.killed_for = "time"

    def _look_at_tree(self, handle: Handle, watched: _Watched, limits: Limits) -> None:
        """Remember who belongs to the attempt, and measure what they hold together."""
        table = self._recent_table()
        records = [table[pid] for pid in tree(table, watched.mark(handle), watched.seen)]
        watched.seen = frozenset(record.key for record in records)
        held = sum(record.resident for record in records)
        if limits.memory is not None and held > NEAR_LIMIT * limits.memory:
            held = proportional_memory(record.pid for record in records)
            if held > limits.memory:
                watched.killed_for = "memory"
        watched.peak = max(watched.peak, held)

    def _recent_table(self) -> Table:
        """Return a process table that is at most about ``TREE_AGE`` old; one reading serves all attempts."""
        begun = time.monotonic()
        if begun >= self._table_until:
            self._table = read_table()
            self._table_until = _next_look(begun, TREE_AGE / 2)
        return self._table


def _next_look(begun: float, age: float) -> float:
    """Return when to look again, after a look that began at ``begun`` and ends now."""
    now = time.monotonic()
    return now + max(age, SHARE_OF_TIME * (now - begun))


def _open_log(spec: AttemptSpec) -> int:
    try:
        return open_log(spec.folder)
    except OSError as error:
        raise MachineError(f"cannot write {spec.folder}/{LOG_NAME}: {error.strerror}") from error


def _launch(spec: AttemptSpec) -> subprocess.Popen[bytes]:
    log = _open_log(spec)
    try:
        return _popen(spec, spec.command, log)
    finally:
        os.close(log)


def _popen(spec: AttemptSpec, command: Sequence[str], log: int, *kept: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            cwd=spec.workdir,
            env={**spec.environment, LABEL_VARIABLE: spec.label},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=kept,
        )
    except OSError as error:
        raise MachineError(f"cannot start {spec.command[0]}: {error.strerror}") from error


def _wait_for_start(spec: AttemptSpec, child: subprocess.Popen[bytes], reading: int) -> None:
    """Return when the trial's own program has begun. Raises ``MachineError`` with the reason if it cannot."""
    try:
        ready, _, _ = select.select([reading], [], [], START_TIMEOUT)
        said = os.read(reading, 4096).decode(errors="replace") if ready else "it does not begin"
    finally:
        os.close(reading)
    if said:
        child.kill()
        child.wait()
        raise MachineError(f"cannot start {said}")


def _has_ended(handle: Handle, watched: _Watched) -> bool:
    """Whether the attempt's own process has ended. Our child stays a zombie, so its pid stays its own."""
    if watched.child is None:
        return not AttemptMark.of(handle).alive
    try:
        return os.waitid(os.P_PID, watched.child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        # Somebody else in this program reaped it: that it ended is all that can be known.
        watched.child = None
        return True


def _end(handle: Handle, watched: _Watched) -> Exit:
    """Kill what is left of the attempt and return how it ended.

    Our own child is reaped last: until then nobody else can get its pid, so its session stays its own.
    """
    kill_all(watched.mark(handle), watched.seen)
    if watched.folder is not None and os.geteuid() == 0:
        take_folder(watched.folder)
    code = None if watched.child is None else watched.child.wait()
    # Who sent the signal is not told; but the kernel counts those that it killed for want of memory.
    by_kernel = code == -signal.SIGKILL and kernel_memory_kills() > watched.kernel_kills_before
    watched.killed_for = watched.killed_for or ("memory" if by_kernel else "")
    return Exit(code, watched.killed_for, watched.peak)
