"""Hooks in repositories of this machine: after a push or a commit they drop a file into an inbox."""

from __future__ import annotations

import contextlib
import os
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pushtune.errors import MachineError, UsageError
from pushtune.git.hooks import HooksPlace, hooks_place
from pushtune.watch.hook_script import MARK, script
from pushtune.watch.inbox import Entry, check_name

HOOKS = {True: ("post-receive",), False: ("post-commit", "post-merge", "post-rewrite", "post-receive")}
"""The hooks that tell of news, in bare repositories and in those with a work tree."""

_BEFORE = ".before-pushtune"
_LARGEST_HOOK = 1024 * 1024


def install_hook(repository: str | Path, home: str | Path, name: str) -> tuple[Path, ...]:
    """Let a repository tell the server with this ``home`` of news, under the name it is watched by.

    Returns the hooks, which are there afterwards however often this is called. A hook that the user had
    is kept beside ours and called by it. Several servers may be told. Raises ``UsageError`` where there is
    no repository or its hooks are switched off, ``MachineError`` where they cannot be written.
    """
    place = hooks_place(repository)
    entry = _entry(place, home, name)
    with _said_plainly(place):
        Path(entry.inbox).mkdir(parents=True, exist_ok=True)
        place.folder.mkdir(parents=True, exist_ok=True)
        return tuple(_install(place.folder / hook, entry) for hook in HOOKS[place.bare])


def remove_hook(repository: str | Path, home: str | Path, name: str) -> tuple[Path, ...]:
    """Take back what ``install_hook`` did, and return the hooks that it changed: none, if none told."""
    place = hooks_place(repository)
    entry = _entry(place, home, name)
    with _said_plainly(place):
        paths = [place.folder / hook for hook in HOOKS[place.bare]]
        return tuple(path for path in paths if _remove(path, entry))


def _entry(place: HooksPlace, home: str | Path, name: str) -> Entry:
    entry = Entry(str(place.repository), str(Path(home).absolute() / "inbox"), check_name(name))
    for path in (entry.repository, entry.inbox):
        if not path.isprintable():
            raise UsageError(f"a hook cannot hold the path {path!r}", fix="rename the folder")
    if place.folder.exists() and not place.folder.is_dir():
        raise UsageError(
            f"hooks are switched off: core.hooksPath is {place.folder}",
            fix="unset it, or let the server poll this repository",
        )
    return entry


def _install(path: Path, entry: Entry) -> Path:
    entries = _entries(path)
    if entries is None:
        _keep_users(path)
    others = [other for other in entries or () if other != entry]
    _write(path, [*others, entry])
    return path


def _remove(path: Path, entry: Entry) -> bool:
    entries = _entries(path)
    if not entries or entry not in entries:
        return False
    left = [other for other in entries if other != entry]
    users = path.with_name(path.name + _BEFORE)
    if left:
        _write(path, left)
    elif os.path.lexists(users):
        users.replace(path)
    else:
        path.unlink()
    return True


def _entries(path: Path) -> list[Entry] | None:
    """Return whom our hook tells; an empty list where there is no hook, None where it is the user's."""
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_HOOK).decode("utf-8", "replace")
    except FileNotFoundError:
        # A link that leads nowhere is something that the user had.
        return None if path.is_symlink() else []
    if MARK not in text.splitlines()[:3]:
        return None
    calls = (_call(line) for line in text.splitlines() if line.startswith("tell "))
    return [Entry(*call[1:]) for call in calls if len(call) == 4]


def _call(line: str) -> list[str]:
    try:
        return shlex.split(line)
    # Somebody changed our hook; that line told nobody.
    except ValueError:
        return []


def _keep_users(path: Path) -> None:
    """Put the user's hook aside. It stays in force until ours is in its place."""
    users = path.with_name(path.name + _BEFORE)
    if os.path.lexists(users) and not os.path.samestat(users.lstat(), path.lstat()):
        raise UsageError(
            f"there are two hooks of yours, {path.name} and {users.name}, in {path.parent}",
            fix="join them to one, remove the other, and try again",
        )
    if not os.path.lexists(users):
        _link(path, users)


def _link(path: Path, other: Path) -> None:
    try:
        os.link(path, other, follow_symlinks=False)
    except OSError:
        # A file system without links.
        path.rename(other)


def _write(path: Path, entries: list[Entry]) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(script(path.name, entries))
        Path(temporary).chmod(0o755)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _said_plainly(place: HooksPlace) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MachineError(f"cannot write hooks in {place.folder}: {error.strerror or error}") from error
