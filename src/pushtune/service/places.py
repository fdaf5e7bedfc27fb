"""Where things lie: the project's `.pushtune` folder, its ledger, a study's folder and its lock."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pushtune.errors import MachineError, StudyBusyError
from pushtune.model.analysis import Script
from pushtune.settings import Settings

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


def study_key(script: Script, settings: Settings) -> str:
    """Return what makes a study: sources, arguments, target, metric, strategy and what steers the search.

    The budget is not part of it: a larger one extends the study.
    """
    sources = [(file.path, hashlib.sha256(file.data).hexdigest()) for file in script.files]
    body = {
        "entry": script.entry,
        "workdir": script.workdir,
        "args": script.args,
        "sources": sorted(sources),
        "target": settings.target,
        "metric": settings.metric,
        "strategy": settings.strategy,
        "program": settings.program,
        "seed": settings.seed,
        "rungs": settings.rungs,
        "max_epochs": settings.max_epochs,
    }
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def study_name(script: Script, key: str, number: int) -> str:
    """Return a study's name: the script's, the key's head, and a number from the second fresh one on."""
    entry = Path(script.entry)
    stem = (
        entry.stem if entry.stem not in ("train", "main", "run") or len(entry.parts) < 2 else entry.parts[-2]
    )
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")[:40] or "script"
    return f"{stem}-{key[:8]}" + (f"-{number}" if number > 1 else "")


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a study for this process. ``StudyBusyError`` if another command has it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise MachineError(
            f"cannot write {folder}: {error.strerror}", fix="make the folder writable"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise StudyBusyError(
            f"another pushtune works on {folder.name}", fix="wait for it, or stop it with Ctrl-C"
        ) from None
    try:
        yield
    finally:
        os.close(descriptor)
