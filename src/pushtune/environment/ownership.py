"""Whose an attempt's folder is: the trial's user's while it runs, ours again when it has ended.

What is in there is hostile. No link is followed, and no name is looked up twice: a directory is opened once
and everything in it is changed by its descriptor.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

from pushtune.errors import MachineError, UsageError

User = tuple[int, int]
"""A user's number and group."""

NO_HOME = "/nonexistent"
"""What a trial is told where it has no home folder."""

DEEPEST = 200
"""Folders within folders that are looked into."""

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def find_user(name: str) -> User:
    """Return who is called ``name`` (or ``uid``, or ``uid:gid``). Raises ``UsageError`` if nobody may be."""
    uid, _, gid = name.partition(":")
    if uid.isdigit() and (gid.isdigit() or not gid):
        found = int(uid), int(gid or uid)
    else:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            raise UsageError(
                f"there is no user {name!r} on this machine",
                fix=f"make it with: useradd --system --no-create-home {name}",
            ) from None
        found = entry.pw_uid, entry.pw_gid
    if 0 in found:
        raise UsageError("trials must not run as root", fix="name another user")
    if os.geteuid() not in (0, found[0]):
        raise UsageError(f"only root can run trials as {name}", fix="leave the setting out, or run as root")
    return found


def give_folder(folder: str, user: User) -> None:
    """Make ``folder`` and all below it the user's, the top one last: until then nobody can interfere."""
    try:
        for parent, name in _below(folder):
            os.chown(name, *user, dir_fd=parent, follow_symlinks=False)
        Path(folder).chmod(0o700)
        os.chown(folder, *user, follow_symlinks=False)
    except OSError as error:
        raise MachineError(
            f"cannot give {folder} to the trial's user: {error.strerror}", fix="run pushtune as root"
        ) from error


def take_folder(folder: str) -> None:
    """Make ``folder`` and all below it ours; the group that it had may read it, so that a later attempt can.

    Files that have further names elsewhere stay as they are: they may not be the trial's at all. So does
    what is nested deeper than anybody nests.
    """
    try:
        if os.lstat(folder).st_uid == os.geteuid():
            return
        for parent, name in _below(folder):
            with contextlib.suppress(FileNotFoundError):
                _take(name, parent)
        _take(folder, None)
    except OSError as error:
        raise MachineError(f"cannot take {folder} back from the trial's user: {error.strerror}") from error


def _below(folder: str) -> Iterator[tuple[int, str]]:
    """Yield what is below ``folder``, contents before their folder, as a parent's descriptor and a name."""
    top = os.open(folder, _READ | os.O_DIRECTORY)
    try:
        yield from _below_open(top, 0)
    finally:
        os.close(top)


def _below_open(parent: int, depth: int) -> Iterator[tuple[int, str]]:
    with os.scandir(parent) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in found:
        if is_folder and depth < DEEPEST:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                inner = os.open(name, _READ | os.O_DIRECTORY, dir_fd=parent)
                try:
                    yield from _below_open(inner, depth + 1)
                finally:
                    os.close(inner)
        yield parent, name


def _take(name: str, parent: int | None) -> None:
    facts = os.stat(name, dir_fd=parent, follow_symlinks=False)
    is_folder = stat.S_ISDIR(facts.st_mode)
    if not is_folder and facts.st_nlink > 1:
        return
    os.chown(name, os.geteuid(), -1, dir_fd=parent, follow_symlinks=False)
    if is_folder or stat.S_ISREG(facts.st_mode):
        descriptor = os.open(name, _READ, dir_fd=parent)
        try:
            os.fchmod(descriptor, 0o750 if is_folder else 0o640)
        finally:
            os.close(descriptor)


def check_reach(folder: str, user: User) -> None:
    """Raise ``MachineError`` if a folder on the way to ``folder`` is closed to ``user``."""
    for parent in reversed(Path(folder).parents):
        if not _may_pass(parent.stat(), user):
            raise MachineError(
                f"the user that trials run as (number {user[0]}) cannot reach {folder}: {parent} is closed",
                fix=f"open it for passing through with: chmod o+x {parent}",
            )


def _may_pass(facts: os.stat_result, user: User) -> bool:
    if facts.st_uid == user[0]:
        return bool(facts.st_mode & stat.S_IXUSR)
    if facts.st_gid == user[1]:
        return bool(facts.st_mode & stat.S_IXGRP)
    return bool(facts.st_mode & stat.S_IXOTH)


def make_home(folder: str, user: User | None) -> None:
    """Make the folder that trials call their home, theirs if it is not yet."""
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
        if user is not None and path.lstat().st_uid != user[0]:
            os.chown(path, *user, follow_symlinks=False)
            path.chmod(0o700)
    except OSError as error:
        raise MachineError(f"cannot make {folder}: {error.strerror}") from error
