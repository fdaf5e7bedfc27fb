"""The kernel's process table, read from /proc: who is whose child, since when, and how much they hold."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

LABEL_VARIABLE = "PUSHTUNE_LABEL"
"""The environment variable that marks every process of an attempt."""

_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class ProcessRecord:
    """One process at one moment. ``started`` is in kernel ticks since boot; ``resident`` in bytes.

    The pid and the start together name a process for good: pids are used again.
    """

    pid: int
    parent: int
    group: int
    session: int
    state: str
    started: int
    resident: int

    @property
    def key(self) -> tuple[int, int]:
        """What tells this process from an earlier or later one with the same pid."""
        return self.pid, self.started

    @property
    def dead(self) -> bool:
        """Whether it has ended and only its parent has not yet taken notice."""
        return self.state in ("Z", "X", "x")


@functools.cache
def boot_id() -> str:
    """Return what this boot of the machine is called; after another one, pids and ticks begin anew."""
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip().replace("-", "")[:16]
    except OSError:
        return ""


def read_process(pid: int) -> ProcessRecord | None:
    """Return the process ``pid``, or None if there is none."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The name in brackets may itself hold brackets and spaces; all fields after the last one are plain.
    fields = text[text.rfind(")") + 2 :].split()
    return ProcessRecord(
        pid=pid,
        parent=int(fields[1]),
        group=int(fields[2]),
        session=int(fields[3]),
        state=fields[0],
        started=int(fields[19]),
        resident=int(fields[21]) * _PAGE,
    )


def read_table() -> dict[int, ProcessRecord]:
    """Return all processes by pid. It costs about 15 µs a process."""
    with os.scandir(_PROC) as entries:
        pids = [int(entry.name) for entry in entries if entry.name.isdigit()]
    records = (read_process(pid) for pid in pids)
    return {record.pid: record for record in records if record is not None}


def descendants(table: dict[int, ProcessRecord], roots: Iterable[int]) -> set[int]:
    """Return the pids of ``roots`` that are in the table, and of all their children's children."""
    children: dict[int, list[int]] = {}
    for record in table.values():
        children.setdefault(record.parent, []).append(record.pid)
    found: set[int] = set()
    waiting = [pid for pid in roots if pid in table]
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting.extend(children.get(pid, ()))
    return found


def label_of(pid: int) -> str | None:
    """Return the label in the environment of ``pid`` as it was started; None if there is none."""
    prefix = f"{LABEL_VARIABLE}=".encode()
    try:
        data = (_PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return None
    if prefix not in data:
        return None
    for item in data.split(b"\0"):
        if item.startswith(prefix):
            return item[len(prefix) :].decode(errors="replace")
    return None


def writes_to(pid: int, path: str) -> bool:
    """Whether the standard output or error of ``pid`` is the file ``path`` (absolute, links resolved)."""
    for descriptor in ("1", "2"):
        with contextlib.suppress(OSError):
            if str((_PROC / str(pid) / "fd" / descriptor).readlink()) == path:
                return True
    return False


def proportional_memory(pids: Iterable[int]) -> int:
    """Return the bytes that ``pids`` hold together, pages that they share counted once.

    Some ms a process: the kernel walks its pages. Falls back to resident pages where it does not tell.
    """
    return sum(_proportional(pid) for pid in pids)


def _proportional(pid: int) -> int:
    try:
        for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    record = read_process(pid)
    return 0 if record is None else record.resident


def seconds_since(started: int) -> float:
    """Return the seconds that have passed since ``started`` (kernel ticks since boot)."""
    uptime = float((_PROC / "uptime").read_text().split()[0])
    return max(0.0, uptime - started / _TICKS)


def kernel_memory_kills() -> int:
    """Return how many processes the kernel has killed for want of memory since boot; 0 if it is silent."""
    with contextlib.suppress(OSError, ValueError):
        for line in (_PROC / "vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def volunteer_for_memory_kill(pid: int) -> None:
    """Let the kernel take ``pid``, and what it starts, before anything else when memory runs out."""
    with contextlib.suppress(OSError):
        (_PROC / str(pid) / "oom_score_adj").write_text("800")
