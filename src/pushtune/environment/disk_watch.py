"""What an attempt has written: its bytes on disk, and its log kept to a size."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

LOG_NAME = "stdout.log"
"""Below the attempt's folder: what the trial's processes print."""

_BLOCK = 512

# In the place of the log may stand a link, or a pipe that nobody writes to: the folder is the trial's.
_PLAIN = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def bytes_below(folder: str) -> int:
    """Return the bytes that files below ``folder`` take on disk; links are not followed.

    What vanishes while it is counted is not an error.
    """
    total = 0
    waiting = [folder]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    with contextlib.suppress(OSError):
                        total += entry.stat(follow_symlinks=False).st_blocks * _BLOCK
    return total


def open_log(folder: str) -> int:
    """Open the log for a new process. Its writes go to the end, wherever ``cap_log`` has put that."""
    path = Path(folder) / LOG_NAME
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)


def cap_log(folder: str, limit: int) -> None:
    """Cut the log in place to the last half of ``limit`` bytes once it is longer than ``limit``.

    The trial holds the file open for appending, so it is never replaced. What is printed in the instant
    of the cut may be lost; what is printed is never what a metric is read from.
    """
    try:
        descriptor = os.open(Path(folder) / LOG_NAME, os.O_RDWR | os.O_APPEND | _PLAIN)
    except OSError:
        return
    try:
        size = os.fstat(descriptor).st_size
        if size > limit:
            tail = _tail(descriptor, size, limit // 2)
            os.ftruncate(descriptor, 0)
            os.write(
                descriptor, b"[pushtune: %d bytes of earlier output dropped]\n" % (size - len(tail)) + tail
            )
    except OSError:
        # A full disk must not stop the watching; the next look tries again.
        pass
    finally:
        os.close(descriptor)


def _tail(descriptor: int, size: int, length: int) -> bytes:
    """Return the last ``length`` bytes, from the start of a line where there is one."""
    data = os.pread(descriptor, length, max(0, size - length))
    cut = data.find(b"\n") + 1
    return data[cut:] if cut < len(data) else data
