"""What is kept of a trial that has ended, and what is thrown away."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pushtune.trial.events import Watcher
from pushtune.trial.folder import WORKSPACE, TrialFolder, disk_errors
from pushtune.trial.hostile_files import (
    Allowance,
    TooMuchError,
    copy_open,
    is_folder,
    is_plain,
    opened,
    plain_files,
    remove_tree,
)
from pushtune.trial.progress import ArtifactReport
from pushtune_probe import wire

MOST_MODEL = Allowance(bytes=16 * 1024**3, files=20_000)
"""What a model may be at most; a larger one is not kept."""

_LONGEST_NAME = 100


def collect_model(folder: TrialFolder, warn: Callable[[str], None] = lambda line: None) -> Path | None:
    """Copy the trial's model into its ``artifacts/`` and return the copy, or None if it kept none.

    Of the last attempt that kept one: the last that the script saved itself, else the last that the
    probe saved. A model may be a file or a folder; it is copied, never opened. No link is followed, nothing
    outside the attempt's folder is read. ``warn`` takes a line for a person where one is too large. Raises
    ``MachineError`` where the disk is full.
    """
    for number in reversed(folder.attempts()):
        attempt = folder.attempt(number)
        told = Watcher(attempt).read(all_of_it=True).artifacts
        models = [item for item in told if item.kind == "model"]
        models.reverse()
        models.sort(key=lambda item: item.origin != "script")
        for model in models:
            kept = _kept(attempt, model, folder.artifacts, warn)
            if kept is not None:
                return kept
    return None


def finish_attempt(attempt: Path, *, keep_checkpoints: bool = False) -> None:
    """Remove the workspace, and the checkpoints, of an attempt that has ended; what it reported stays.

    Links are removed, never what they point to.
    """
    remove_tree(attempt / WORKSPACE)
    if not keep_checkpoints:
        remove_tree(attempt / wire.CHECKPOINTS)


def finish_trial(folder: TrialFolder) -> None:
    """Remove the workspaces and checkpoints of all attempts of a trial that has ended."""
    for number in folder.attempts():
        finish_attempt(folder.attempt(number))


def has_checkpoints(attempt: Path) -> bool:
    """Whether the attempt finished an epoch that a later one may go on from."""
    return bool(wire.checkpoint_folders(str(attempt)))


def _kept(attempt: Path, model: ArtifactReport, into: Path, warn: Callable[[str], None]) -> Path | None:
    """Copy one model below ``into``, whole or not at all; None if it is none."""
    target = into / _safe_name(model.path.rpartition("/")[2])
    partial = into / ".partial"
    try:
        with opened(attempt, model.path) as source, disk_errors(into):
            if not is_folder(source) and not is_plain(source):
                return None
            into.mkdir(parents=True, exist_ok=True)
            remove_tree(partial)
            _copy(source, partial)
            remove_tree(target)
            partial.replace(target)
    except TooMuchError:
        warn(f"the model {target.name} is larger than {MOST_MODEL.bytes >> 30} GiB and was not kept")
        return None
    except (OSError, ValueError):
        return None  # not there, or not what it was said to be
    finally:
        remove_tree(partial)
    return target


def _copy(source: int, target: Path) -> None:
    allowance = replace(MOST_MODEL)
    if not is_folder(source):
        copy_open(source, target, allowance)
        return
    target.mkdir()
    for path, descriptor in plain_files(source):
        own = target.joinpath(*map(_plain, path.split("/")))
        own.parent.mkdir(parents=True, exist_ok=True)
        copy_open(descriptor, own, allowance)


def _safe_name(name: str) -> str:
    """Return a file's name that neither a person nor a program can mistake, as like ``name`` as can be."""
    return re.sub(r"^[. -]", "_", _plain(name)[-_LONGEST_NAME:])


def _plain(name: str) -> str:
    return re.sub(r"[^\w.+=@ -]", "_", name)
