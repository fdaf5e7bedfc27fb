"""What the kernel tells of a container from outside: whether it lives, and what it holds."""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from pushtune.environment.process_table import read_process

_CGROUPS = Path("/sys/fs/cgroup")
_PROC = Path("/proc")
_BLOCK = 512


@dataclass(frozen=True)
class Kernel:
    """A container's main process, and the folder of its memory group ("" where it is not known)."""

    pid: int
    started: int
    group: str

    @staticmethod
    def of(pid: int, container: str) -> Kernel | None:
        """Return how the container ``container`` (its id) is seen whose main process is ``pid``.

        None where that process is not of this machine: an engine in a virtual machine, or elsewhere.
        """
        record = read_process(pid) if pid > 0 else None
        groups = _groups(pid)
        if record is None or not any(container in path for path in groups.values()):
            return None
        return Kernel(pid, record.started, _memory_folder(groups, container))

    @property
    def alive(self) -> bool:
        """Whether the main process lives: the same one, not a later one with its pid."""
        record = read_process(self.pid)
        return record is not None and record.started == self.started and not record.dead

    def memory(self) -> int:
        """Return the bytes held that cannot be dropped: anonymous pages and files in memory, 0 if gone."""
        facts = _pairs(f"{self.group}/memory.stat") if self.group else {}
        if "anon" in facts:
            return facts["anon"] + facts.get("shmem", 0)
        return facts.get("total_rss", 0) + facts.get("total_shmem", 0)

    def memory_kills(self) -> int:
        """Return how many of the container's processes the kernel has killed for want of memory."""
        if not self.group:
            return 0
        for name in ("memory.events", "memory.oom_control"):
            facts = _pairs(f"{self.group}/{name}")
            if facts:
                return facts.get("oom_kill", 0)
        return 0

    def unlinked_bytes(self, device: int) -> int:
        """Return the bytes on ``device`` of deleted files that the container's processes hold open.

        Nobody else's count of a folder sees them. Those of processes that we may not look at count nothing.
        """
        sizes: dict[int, int] = {}
        for pid in self._pids():
            with contextlib.suppress(OSError), os.scandir(_PROC / str(pid) / "fd") as entries:
                for entry in entries:
                    with contextlib.suppress(OSError):
                        facts = entry.stat()
                        if facts.st_nlink == 0 and facts.st_dev == device and stat.S_ISREG(facts.st_mode):
                            sizes[facts.st_ino] = facts.st_blocks * _BLOCK
        return sum(sizes.values())

    def _pids(self) -> list[int]:
        with contextlib.suppress(OSError, ValueError):
            return [int(line) for line in Path(self.group, "cgroup.procs").read_text().split()]
        return [self.pid]


def _groups(pid: int) -> dict[str, str]:
    """Return the control groups of ``pid`` by their controllers; ``""`` is the unified one."""
    try:
        lines = (_PROC / str(pid) / "cgroup").read_text().splitlines()
    except OSError:
        return {}
    parts = [line.split(":", 2) for line in lines]
    return {part[1]: part[2] for part in parts if len(part) == 3}


def _memory_folder(groups: dict[str, str], container: str) -> str:
    """Return the folder of the container's own memory group.

    A process that has ended is shown in the root's group on the older hierarchies: that is the whole
    machine's memory, and its kills.
    """
    own = next((path for names, path in groups.items() if "memory" in names.split(",")), None)
    base, path = (_CGROUPS, groups.get("", "/")) if own is None else (_CGROUPS / "memory", own)
    folder = Path(f"{base}{path}")
    return str(folder) if container in path and (folder / "memory.stat").exists() else ""


def _pairs(path: str) -> dict[str, int]:
    """Return a file of ``name number`` lines as a dict; empty where it cannot be read."""
    found: dict[str, int] = {}
    with contextlib.suppress(OSError, ValueError):
        for line in Path(path).read_text().splitlines():
            name, _, value = line.partition(" ")
            found[name] = int(value)
    return found
