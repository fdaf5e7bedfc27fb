"""The inbox: where hooks drop what they saw. Whoever may write there, nothing is believed of it."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pushtune.errors import UsageError
from pushtune.watch.announcement import Announcement, branch_of, is_no_commit

HEADING = "pushtune-news 1"
ENDED = "end"
PART = ".part"
"""How a file is called that is still being written; a dot stands before it too."""

MOST_BRANCHES = 1000
"""Branches that one file tells of. What a larger push moved besides is found by polling."""

LONGEST_NAME = 100
"""Characters of a repository's name."""

_LARGEST = 512 * 1024
_MOST_FILES = 1000
_LEFT_OVER = 3600.0
_NEWS = re.compile(r"[0-9]{1,12}-[0-9]{1,10}\.push")


@dataclass(frozen=True)
class Entry:
    """Whom a hook tells: in which ``repository`` it is, the server's ``inbox``, the ``name`` it has there."""

    repository: str
    inbox: str
    name: str

    @property
    def parts(self) -> tuple[str, str, str]:
        """All three, in this order."""
        return (self.repository, self.inbox, self.name)


def check_name(name: str) -> str:
    """Return ``name`` if a repository can be called so; raises ``UsageError``."""
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable() or name.startswith("-"):
        raise UsageError(f"{name[:LONGEST_NAME]!a} cannot be the name of a repository")
    return name


def read(inbox: str | Path) -> list[Announcement]:
    """Take what lies in the inbox, oldest first, and return what it tells. Each file is taken once.

    Files that are still being written are left; what is no news is removed. Of two pushes within a moment
    the later may come first: it is a reason to look, and no account of what happened.
    """
    taken = (_take(path) for path in _ripe(Path(inbox)))
    return [news for text in taken if text is not None for news in _news(text)]


def _ripe(inbox: Path) -> list[Path]:
    try:
        with os.scandir(inbox) as entries:
            aged = (_aged(entry) for entry in entries)
            ripe = list(itertools.islice((item for item in aged if item is not None), _MOST_FILES))
    except OSError:
        return []
    return [path for _, path in sorted(ripe)]


def _aged(entry: os.DirEntry[str]) -> tuple[int, Path] | None:
    """Return when a file was written, and the file; None for what must be left where it is."""
    try:
        state = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    if stat.S_ISDIR(state.st_mode):
        return None
    # Half written, or taken by a reader that died.
    if entry.name.startswith(".") and time.time() - state.st_mtime < _LEFT_OVER:
        return None
    return state.st_mtime_ns, Path(entry.path)


def _take(path: Path) -> str | None:
    """Return a file's text and remove it; None for one that another took or that is no news."""
    own = path.with_name(f".{secrets.token_hex(8)}.taken")
    try:
        path.rename(own)
    except OSError:
        return None
    try:
        return _text(own) if _NEWS.fullmatch(path.name) else None
    except (OSError, ValueError):
        return None
    finally:
        with contextlib.suppress(OSError):
            own.unlink()


def _text(path: Path) -> str | None:
    # Neither a link to somewhere else nor a pipe that nobody writes to.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or state.st_size > _LARGEST:
            return None
        return file.read(_LARGEST).decode("utf-8")


def _news(text: str) -> Iterator[Announcement]:
    lines = text.split("\n")
    if lines[0] != HEADING or lines[-2:] != [ENDED, ""] or not lines[1].startswith("name "):
        return
    for line in lines[3:-2][:MOST_BRANCHES]:
        with contextlib.suppress(UsageError):
            news = _announcement(check_name(lines[1].removeprefix("name ")), line.split(" "))
            if news is not None:
                yield news


def _announcement(name: str, words: list[str]) -> Announcement | None:
    branch = branch_of(words[2]) if len(words) == 3 and words[0] == "ref" else None
    if branch is None:
        return None
    gone = is_no_commit(words[1])
    commit = None if gone else words[1]
    return Announcement(None, None, branch, commit, "hook", deleted=gone, name=name)
