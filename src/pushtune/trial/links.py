"""The author's data that a workspace links: looked at before and after, so that a change is noticed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

LINKS = "links.json"
"""Beside an attempt's folder, after its number: what its workspace links, as it was when it was made.

Not in the folder: there the trial could write what we are to look at.
"""

MOST_ENTRIES = 5000
"""Entries of one linked folder that are looked at."""


@dataclass(frozen=True)
class LinkedData:
    """A file or folder of the author's that a workspace links.

    ``path`` is absolute; ``facts`` sums up sizes and times of change, and is empty where nothing is there.
    """

    path: str
    facts: str


def look_at(paths: Iterable[str]) -> tuple[LinkedData, ...]:
    """Return how the files and folders at ``paths`` (absolute) are now."""
    return tuple(LinkedData(path, _facts(path)) for path in paths)


def write_links(attempt: Path, links: tuple[LinkedData, ...]) -> None:
    """Note beside the attempt's folder how its linked data was before it started."""
    _place(attempt).write_text(json.dumps([asdict(link) for link in links]))


def changed_links(attempt: Path) -> tuple[str, ...]:
    """Return the paths of linked data that is not as it was when the attempt was made.

    Somebody changed it while the attempt was there: most likely the script, through a link.
    """
    try:
        noted = [LinkedData(**item) for item in json.loads(_place(attempt).read_text())]
    except (OSError, ValueError, TypeError):
        return ()
    return tuple(link.path for link in noted if _facts(link.path) != link.facts)


def _place(attempt: Path) -> Path:
    return attempt.with_name(f"{attempt.name}.{LINKS}")


def _facts(path: str) -> str:
    try:
        facts = Path(path).stat()
    except OSError:
        return ""
    if not stat.S_ISDIR(facts.st_mode):
        return f"{facts.st_size}:{facts.st_mtime_ns}"
    digest = hashlib.sha256()
    for line in _lines(path):
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _lines(folder: str) -> Iterator[str]:
    """Name the entries of ``folder`` in a fixed order, with size and time, at most ``MOST_ENTRIES``."""
    left = MOST_ENTRIES
    waiting = [folder]
    while waiting and left > 0:
        for entry in _sorted_entries(waiting.pop())[:left]:
            left -= 1
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
                continue
            with contextlib.suppress(OSError):
                facts = entry.stat(follow_symlinks=False)
                yield f"{entry.path}:{facts.st_size}:{facts.st_mtime_ns}\n"


def _sorted_entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []
