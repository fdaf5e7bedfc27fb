"""An attempt's folder as a container writes it. What is in there is hostile: no link in it is followed."""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from pushtune.environment.container_kernel import Kernel
from pushtune.environment.disk_watch import bytes_below

_LONGEST_NOTE = 100


@dataclass(frozen=True)
class EndNote:
    """What the container's first process saw: the exit status, and how many processes lacked memory."""

    code: int
    memory_kills: int


def end_note(folder: str, name: str) -> EndNote | None:
    """Read the note ``name`` below ``folder``; None where there is none, or a torn or a forged one."""
    if not folder:
        return None
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(Path(folder) / name, flags)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        words = os.read(descriptor, _LONGEST_NOTE).decode("ascii", "replace").split()
        return EndNote(int(words[0]), int(words[1])) if words[2:] == ["end"] else None
    except (OSError, ValueError, LookupError):
        return None
    finally:
        os.close(descriptor)


def bytes_written(folder: str, kernel: Kernel | None) -> int:
    """Return what the attempt takes on disk: below its folder, and in deleted files that it holds open."""
    total = bytes_below(folder)
    if kernel is not None:
        with contextlib.suppress(OSError):
            total += kernel.unlinked_bytes(Path(folder).stat().st_dev)
    return total
