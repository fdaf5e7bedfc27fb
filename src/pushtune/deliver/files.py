"""The model, the report, the patch and the logs of a push, copied to where they stay.

What trials wrote is only copied, byte for byte. A model can run code when it is loaded; nothing here loads
one.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pushtune.errors import MachineError, UsageError

LATEST = "latest"

_PIECE = 1 << 20
_LONGEST_NAME = 200
_LONGEST_PATH = 1000


@dataclass(frozen=True)
class FileLimits:
    """How much one push may leave: files, and bytes of all of them together."""

    files: int = 10_000
    bytes: int = 20 << 30


@dataclass(frozen=True)
class LeftOut:
    """What was not copied, and why in a few words. ``name`` can be shown."""

    name: str
    why: str


@dataclass(frozen=True)
class DeliveredFiles:
    """``files`` are the paths below ``folder``, sorted; they are there as a whole."""

    folder: Path
    files: tuple[Path, ...]
    left_out: tuple[LeftOut, ...]


DEFAULT_LIMITS = FileLimits()


def deliver_files(
    sources: Mapping[str, Path], folder: Path, limits: FileLimits = DEFAULT_LIMITS
) -> DeliveredFiles:
    """Copy files and folders into ``folder``, which appears whole or not at all; an older one is replaced.

    ``sources`` gives each its name there; one that is not there is no trouble. Links, devices and sockets
    are never opened; what is too large, or has a name that cannot be shown, is left out and told. Raises
    ``MachineError`` where the disk is full.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(f".{folder.name}.*"):
        shutil.rmtree(left, ignore_errors=True)
    beside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    copying = _Copying(beside / "new", limits)
    try:
        copying.into.mkdir(parents=True)
        for name, source in sources.items():
            copying.take(name, source)
        if folder.exists():
            folder.rename(beside / "old")
        copying.into.rename(folder)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise MachineError(f"no room on the disk for {folder}", fix="make room") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    files = tuple(sorted(folder / name for name in copying.copied))
    return DeliveredFiles(folder, files, tuple(copying.left_out))


def point_latest(folder: Path) -> bool:
    """Let `latest`, beside the folder of a push (its name is a number), lead to it; never to an older one."""
    if not folder.name.isdigit():
        raise UsageError(f"{folder.name!r} is no number of a push")
    link = folder.with_name(LATEST)
    now = link.readlink().name if link.is_symlink() else ""
    if now.isascii() and now.isdigit() and int(now) > int(folder.name) and link.is_dir():
        return False
    beside = link.with_name(f".{LATEST}.{secrets.token_hex(4)}")
    beside.symlink_to(folder.name)
    beside.replace(link)
    return True


@dataclass
class _Copying:
    """Counts while it copies into ``into``."""

    into: Path
    limits: FileLimits
    copied: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    bytes: int = 0

    def take(self, name: str, source: Path) -> None:
        """Copy one file, or what is below one folder."""
        try:
            mode = source.lstat().st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(mode):
            self._file(name, source.name, os.open(source.parent, os.O_RDONLY | os.O_DIRECTORY))
            return
        for below, names, parent in _walk(source):
            for file in names:
                self._file(f"{name}/{below}{file}", file, os.dup(parent))

    def _file(self, name: str, entry: str, parent: int) -> None:
        """Copy the file ``entry`` of the open folder ``parent``, which is closed."""
        try:
            why = self._wrong_with(name) or self._copied(name, entry, parent)
        finally:
            os.close(parent)
        if why:
            self.left_out.append(LeftOut(_shown(name), why))

    def _wrong_with(self, name: str) -> str:
        if len(self.copied) >= self.limits.files:
            return "too many files"
        if len(name.encode("utf-8", "surrogateescape")) > _LONGEST_PATH:
            return "a path that is too long"
        if not name.isprintable() or any(len(part.encode()) > _LONGEST_NAME for part in name.split("/")):
            return "a name that cannot be shown"
        return ""

    def _copied(self, name: str, entry: str, parent: int) -> str:
        """Copy, and return what was wrong; a link is not followed, a pipe is not waited for."""
        try:
            source = os.open(entry, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent)
        except OSError as error:
            return "a link" if error.errno == errno.ELOOP else "not to be read"
        with os.fdopen(source, "rb") as stream:
            facts = os.fstat(source)
            if not stat.S_ISREG(facts.st_mode):
                return "not a file"
            room = self.limits.bytes - self.bytes
            if facts.st_size > room:
                return "too large"
            target = self.into / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as copy:
                # Up to the size it had: one that still grows ends there.
                left = facts.st_size
                while left > 0 and (piece := stream.read(min(left, _PIECE))):
                    copy.write(piece)
                    left -= len(piece)
                copy.flush()
                os.fsync(copy.fileno())
        self.bytes += facts.st_size
        self.copied.append(name)
        return ""


def _walk(folder: Path) -> Iterator[tuple[str, list[str], int]]:
    """Yield each folder below ``folder`` as (its path with a slash, its files' names, an open descriptor)."""
    for base, folders, names, descriptor in os.fwalk(folder, follow_symlinks=False):
        folders.sort()
        below = os.path.relpath(base, folder)
        linked = [name for name in folders if _is_link(name, descriptor)]
        yield ("" if below == "." else below + "/"), sorted([*names, *linked]), descriptor


def _is_link(name: str, parent: int) -> bool:
    return stat.S_ISLNK(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)


def _shown(name: str) -> str:
    return name if name.isprintable() and len(name) <= _LONGEST_NAME else repr(name[:_LONGEST_NAME])
