"""Ends that are the machine's fault: its disk was full. The trial is not to blame and is tried again."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from pushtune.model.ports import Exit
from pushtune.trial import Progress

FULL = 16 * 1024 * 1024
"""Free bytes below which a disk is taken to be full: what was being written has been given up by now."""

NEARLY_FULL = 64 * 1024 * 1024
"""The same where the script says so itself."""

MOST_BELIEVED = 3
"""How often a trial's own word is enough: beyond that its disk must be full when it is looked at."""

_NO_SPACE = ("[Errno 28]", "No space left on device", "[Errno 122]", "Disk quota exceeded")


def full_disk(progress: Progress, ended: Exit, folder: Path, *, believed: int = 0) -> str:
    """Return the place whose full disk an attempt ended for, ``""`` if that is not why it ended.

    ``progress`` is what it told. The script's word alone is enough at first: room may have come back before
    anybody looked. ``believed`` is how often it was for this trial.
    """
    if progress.finished or ended.killed_for:
        return ""
    if progress.failed is None:
        # Even its end could not be written down.
        return _first_with_less(FULL, [folder])
    said = f"{progress.failed.message} {progress.failed.traceback}"
    if not any(words in said for words in _NO_SPACE):
        return ""
    places = [folder, Path("/tmp"), Path("/dev/shm")]  # noqa: S108 - looked at only
    return _first_with_less(NEARLY_FULL, places) or ("" if believed >= MOST_BELIEVED else str(folder))


def _first_with_less(least: int, places: Iterable[Path]) -> str:
    for place in places:
        try:
            if shutil.disk_usage(place).free < least:
                return str(place)
        except OSError:
            continue
    return ""
