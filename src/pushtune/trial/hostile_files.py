"""Copying and removing what a trial has written: bounded, and never through a link.

A directory is opened once and everything in it reached by its descriptor, so that nothing can be swapped
for a link between two looks.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DEEPEST = 60
"""Folders within folders that are copied."""

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = _READ | os.O_DIRECTORY
_BLOCK = 8 * 1024 * 1024


class TooMuchError(Exception):
    """There is more to copy than may be copied."""


@dataclass
class Allowance:
    """How many bytes and files may still be copied."""

    bytes: int
    files: int

    def take(self, size: int) -> None:
        """Use some of it up. Raises ``TooMuchError`` where it does not suffice."""
        self.bytes -= size
        self.files -= 1
        if self.bytes < 0 or self.files < 0:
            raise TooMuchError


@contextlib.contextmanager
def opened(base: Path, path: str) -> Iterator[int]:
    """Open the file or folder ``path`` (relative, with slashes) below ``base``; no link is followed.

    Raises ``OSError`` if there is none, or something else than a plain file or folder; ``ValueError`` if the
    path leads out or is none.
    """
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\0" in path:
        raise ValueError(path)
    descriptor = os.open(base, _FOLDER)
    try:
        for part in parts:
            inner = os.open(part, _READ, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def is_folder(descriptor: int) -> bool:
    """Whether an open file is a folder."""
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)


def is_plain(descriptor: int) -> bool:
    """Whether an open file is a regular one that has no further name elsewhere."""
    facts = os.fstat(descriptor)
    return stat.S_ISREG(facts.st_mode) and facts.st_nlink == 1


def copy_open(source: int, target: Path, allowance: Allowance) -> None:
    """Copy an open plain file to ``target`` (which must not be there), time kept.

    Raises ``TooMuchError`` or ``OSError``; what was begun is left to the caller.
    """
    facts = os.fstat(source)
    allowance.take(facts.st_size)
    mode = stat.S_IMODE(facts.st_mode) & 0o755 | 0o600
    writing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        left = facts.st_size  # no more, should somebody still be writing
        while left and (done := os.sendfile(writing, source, None, min(left, _BLOCK))):
            left -= done
        os.utime(writing, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    finally:
        os.close(writing)


def plain_files(folder: int, above: str = "", depth: int = 0) -> Iterator[tuple[str, int]]:
    """Yield every plain file below an open folder: its path from there, and its descriptor while it is open.

    Links, pipes, devices, files with further names, and what is nested too deep are passed over.
    """
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries)
    for name in names:
        try:
            descriptor = os.open(name, _READ, dir_fd=folder)
        except OSError:
            continue  # a link, a socket, or nothing any more
        try:
            path = f"{above}{name}"
            if is_folder(descriptor):
                if depth < DEEPEST:
                    yield from plain_files(descriptor, f"{path}/", depth + 1)
            elif is_plain(descriptor):
                yield path, descriptor
        finally:
            os.close(descriptor)


def remove_tree(folder: Path) -> None:
    """Remove ``folder`` and all below it, however deep and closed. One that is not there is fine.

    A link in its place is removed, not what it points to. What cannot be removed is left.
    """
    with contextlib.suppress(OSError):
        if not stat.S_ISDIR(folder.lstat().st_mode):
            folder.unlink()
            return
        try:
            top = os.open(folder, _FOLDER)
        except PermissionError:
            folder.chmod(stat.S_IRWXU)  # our own, and closed
            top = os.open(folder, _FOLDER)
        _remove_open(folder, top)


def _remove_open(folder: Path, top: int) -> None:
    """Empty an open folder and remove it. Folders below are moved up before they are emptied: no depth
    can exhaust us.
    """
    try:
        os.fchmod(top, stat.S_IRWXU)
        waiting, count = _emptied(top, top, 0)
        while waiting:
            name = waiting.pop()
            with contextlib.suppress(OSError):
                os.chmod(name, stat.S_IRWXU, dir_fd=top)
                inner = os.open(name, _FOLDER, dir_fd=top)
                try:
                    more, count = _emptied(inner, top, count)
                finally:
                    os.close(inner)
                waiting += more
                os.rmdir(name, dir_fd=top)
    except OSError:
        pass  # what cannot be removed is left
    finally:
        os.close(top)
    with contextlib.suppress(OSError):
        folder.rmdir()


def _emptied(folder: int, top: int, count: int) -> tuple[list[str], int]:
    """Remove the files of an open folder and move its folders up; return their new names, and the count."""
    with os.scandir(folder) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    moved: list[str] = []
    for name, inner_is_folder in found:
        with contextlib.suppress(OSError):
            if not inner_is_folder:
                os.unlink(name, dir_fd=folder)
                continue
            if folder == top:
                moved.append(name)
                continue
            count += 1
            os.chmod(name, stat.S_IRWXU, dir_fd=folder)
            os.rename(name, f".removing-{count}", src_dir_fd=folder, dst_dir_fd=top)
            moved.append(f".removing-{count}")
    return moved, count
