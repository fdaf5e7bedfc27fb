"""Where things lie: the project's `.pushtune` folder, its ledger, a study's folder and its lock."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path

from pushtune.errors import MachineError
from pushtune.service.locks import held

HOME = ".pushtune"
LEDGER = "ledger.db"
_LOCK = "lock"


def home_of(root: Path) -> Path:
    """Return the project's folder for studies (not made)."""
    return root / HOME


def make_home(root: Path) -> Path:
    """Make the project's folder, ignored by git. ``MachineError`` if it cannot be written."""
    home = home_of(root)
    try:
        (home / "studies").mkdir(parents=True, exist_ok=True)
        ignore = home / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
        probe = home / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise MachineError(
            f"cannot write {home}: {error.strerror}",
            fix="make the folder writable, or run from a copy of the project",
        ) from error
    return home


def find_home(start: Path) -> Path | None:
    """Return the nearest folder for studies at or above ``start``, or None."""
    for folder in (start, *start.parents):
        if (folder / HOME / LEDGER).is_file():
            return folder / HOME
    return None


def study_folder(home: Path, study: str) -> Path:
    """Return a study's folder (not made)."""
    return home / "studies" / study


def study_lock(folder: Path) -> AbstractContextManager[None]:
    """Hold a study for this process. ``StudyBusyError`` if another command has it."""
    return held(
        folder / _LOCK,
        busy=f"another pushtune works on {folder.name}",
        fix="wait for it, or stop it with Ctrl-C",
    )
