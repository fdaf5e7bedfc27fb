"""Seeing without git that nothing moved in a local repository: a process less, a thousand times a minute.

Only a hint. A picture of the files in which git keeps its branches is taken before and after git is asked;
as long as it stays the same, git's answer does too. Where branches are kept in any other way (a reftable,
a linked work tree, links, thousands of loose branches) there is no picture, and git is asked.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

_MOST_FILES = 2000
_LARGEST_FILE = 4 * 1024 * 1024


def picture(repository: Path) -> bytes | None:
    """Return a digest of where a repository's branches are, or None where it cannot be seen from files.

    ``repository`` is a bare repository or the top of a work tree. Contents are read, not dates: two changes
    within one tick of the file system's clock differ too.
    """
    try:
        folder = _git_folder(repository)
        return None if folder is None else _digest(folder)
    except (OSError, _UnseenError):
        return None


class _UnseenError(Exception):
    pass


def _git_folder(repository: Path) -> Path | None:
    for folder in (repository / ".git", repository):
        if (folder / "HEAD").is_file() and (folder / "objects").is_dir():
            kept_elsewhere = (folder / "reftable").exists() or (folder / "commondir").exists()
            return None if kept_elsewhere or (folder / "refs").is_symlink() else folder
    return None


def _digest(folder: Path) -> bytes:
    digest = hashlib.sha256()
    for name in ("HEAD", "config", "packed-refs"):
        digest.update(_part(name, _content(folder / name)))
    for number, path in enumerate(_loose(folder / "refs" / "heads")):
        if number >= _MOST_FILES:
            raise _UnseenError
        digest.update(_part(str(path), _content(path)))
    return digest.digest()


def _loose(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            yield from _loose(Path(entry.path))
        # A lock is not yet what it will be.
        elif not entry.name.endswith(".lock"):
            yield Path(entry.path)


def _content(path: Path) -> bytes:
    try:
        # Not blocking: what lies there may be a pipe that nobody writes to.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or state.st_size > _LARGEST_FILE:
            raise _UnseenError
        return os.read(descriptor, _LARGEST_FILE)
    finally:
        os.close(descriptor)


def _part(name: str, content: bytes) -> bytes:
    return os.fsencode(f"{name}\0{len(content)}\0") + content
