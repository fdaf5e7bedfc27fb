"""Where a trial keeps its files, and the small ones that pushtune writes while an attempt lives."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pushtune.errors import MachineError
from pushtune.model.analysis import Candidate, Script, ScriptFile
from pushtune.trial.fence import believed_checkpoints
from pushtune_probe import wire
from pushtune_probe.wire import Order

PATCH = "candidate.patch"
"""Below a trial's folder: the candidate's diff from the author's files."""

ARGUMENTS = "candidate.args"
"""Beside it: the arguments that the candidate is started with, as a JSON list."""

WORKSPACE = "workspace"

_FULL = (errno.ENOSPC, errno.EDQUOT)
_CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST)


@dataclass(frozen=True)
class TrialFolder:
    """The folder of one trial: ``candidate/``, ``artifacts/`` and ``attempts/<n>/``."""

    path: Path

    @staticmethod
    def of(study: str | Path, trial: int) -> TrialFolder:
        """Return the folder of trial number ``trial`` below the study's folder (not made)."""
        return TrialFolder(Path(study).absolute() / "trials" / f"{trial:04d}")

    @property
    def candidate(self) -> Path:
        """The candidate's edited files."""
        return self.path / "candidate"

    @property
    def artifacts(self) -> Path:
        """The model that was kept, once the trial has ended."""
        return self.path / "artifacts"

    def attempt(self, number: int) -> Path:
        """Return the folder of attempt ``number`` (not made)."""
        return self.path / "attempts" / str(number)

    def attempts(self) -> tuple[int, ...]:
        """Return the numbers of the attempts that have a folder, lowest first."""
        try:
            names = [entry.name for entry in (self.path / "attempts").iterdir()]
        except FileNotFoundError:
            return ()
        return tuple(sorted(int(name) for name in names if name.isdigit()))

    @property
    def has_workspaces(self) -> bool:
        """Whether something is left of where its attempts ran."""
        return any((self.attempt(number) / WORKSPACE).exists() for number in self.attempts())

    def checkpoints_below(self, attempt: int) -> tuple[Path, ...]:
        """Return the whole checkpoints of attempts lower than ``attempt``, the newest attempt's first.

        Every file of a checkpoint is read to verify it.
        """
        lower = [number for number in reversed(self.attempts()) if number < attempt]
        folders = [folder for number in lower for folder in believed_checkpoints(self.attempt(number))]
        return tuple(folder for folder in folders if wire.read_manifest(str(folder)) is not None)


def write_candidate(folder: TrialFolder, candidate: Candidate) -> None:
    """Write the candidate's files, arguments and diff below ``folder``: all of it or nothing.

    Raises ``MachineError`` where the disk is full or the folder cannot be written.
    """
    partial = folder.path / "candidate.tmp"
    with disk_errors(folder.path):
        shutil.rmtree(partial, ignore_errors=True)
        lay_files(partial, candidate.files)
        (partial / PATCH).write_text(candidate.diff, encoding="utf-8", errors="surrogateescape", newline="")
        (partial / ARGUMENTS).write_text(json.dumps(candidate.args), encoding="ascii")
        shutil.rmtree(folder.candidate, ignore_errors=True)
        partial.replace(folder.candidate)


def read_candidate(folder: TrialFolder, script: Script) -> Candidate:
    """Return what ``write_candidate`` wrote for the script: its files and arguments; edits are not kept.

    Raises ``OSError`` where there is none.
    """
    files = tuple(ScriptFile(file.path, (folder.candidate / file.path).read_bytes()) for file in script.files)
    arguments = folder.candidate / ARGUMENTS
    if not arguments.exists():  # written before candidates had arguments of their own
        return Candidate(files, (), "", script.args)
    return Candidate(files, (), "", tuple(json.loads(arguments.read_text(encoding="ascii"))))


def lay_files(folder: Path, files: tuple[ScriptFile, ...]) -> None:
    """Write ``files`` below ``folder``, over what is there. A link in their place is replaced."""
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            path.unlink()
        path.write_bytes(file.data)


def order(attempt: Path, new: Order) -> None:
    """Give a live attempt its order; the last one counts. Raises ``MachineError`` if it cannot be written."""
    with disk_errors(attempt):
        wire.write_atomically(str(attempt / wire.ORDER), new.to_json().encode())


def beat(attempt: Path) -> None:
    """Tell a paused probe that it is still watched. Call it well within the plan's patience."""
    # A full disk does not keep a file's time from being set; only its first making could fail.
    heartbeat = attempt / wire.HEARTBEAT
    with disk_errors(attempt):
        try:
            # The folder is the trial's to write in: a link in the file's place is not followed.
            os.utime(heartbeat, follow_symlinks=False)
        except FileNotFoundError:
            heartbeat.touch()


@contextlib.contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn a disk that is full, or a folder that cannot be written, into a ``MachineError`` with the fix."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise MachineError(
                f"the disk that holds {folder} is full",
                fix="free some space and give the same command again: nothing is lost",
            ) from error
        if error.errno in _CLOSED:
            raise MachineError(
                f"cannot write below {folder}: {error.strerror}",
                fix="make the folder writable and give the same command again",
            ) from error
        raise
