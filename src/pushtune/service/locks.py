"""Who may write: one server for a home, or commands that each take one push."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pushtune.errors import MachineError, StudyBusyError


@contextmanager
def held(
    path: Path, *, shared: bool = False, busy: str, fix: str, wait: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Hold a lock file for this process; it is free again however this process ends.

    Raises ``StudyBusyError`` with ``busy`` and ``fix`` if another holds it, ``MachineError`` if it cannot be
    written. With ``wait`` nothing is raised: it is told ``busy``, and the other is waited for.
    """
    descriptor = _opened(path)
    try:
        if not _taken(descriptor, shared=shared):
            if wait is None:
                raise StudyBusyError(busy, fix=fix)
            wait(busy)
            fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def is_free(path: Path, *, shared: bool = False) -> bool:
    """Whether nobody holds a lock file now; ``shared``: nobody holds it alone."""
    if not path.exists():
        return True
    descriptor = _opened(path)
    try:
        return _taken(descriptor, shared=shared)
    finally:
        os.close(descriptor)


def _taken(descriptor: int, *, shared: bool) -> bool:
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _opened(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Not inherited: a trial that outlives us must not hold our lock.
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise MachineError(
            f"cannot write {path.parent}: {error.strerror}", fix="make the folder writable"
        ) from error
