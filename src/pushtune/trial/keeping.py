"""What is kept of a trial that has ended, and what is thrown away."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from pathlib import Path

from pushtune.trial.events import Watcher
from pushtune.trial.folder import WORKSPACE, TrialFolder, disk_errors
from pushtune.trial.progress import ArtifactReport
from pushtune_probe import wire


def collect_model(folder: TrialFolder) -> Path | None:
    """Copy the trial's model into its ``artifacts/`` and return the copy, or None if it kept none.

    Of the last attempt that kept one: the last that the script saved itself, else the last that the
    probe saved. A model may be a file or a folder. Links are not followed and nothing outside the
    attempt's folder is read. Raises ``MachineError`` where the disk is full.
    """
    for number in reversed(folder.attempts()):
        attempt = folder.attempt(number)
        models = [item for item in Watcher(attempt).read().artifacts if item.kind == "model"]
        models.reverse()
        models.sort(key=lambda item: item.origin != "script")
        for model in models:
            source = _inside(attempt, model)
            if source is not None:
                return _keep(source, folder.artifacts)
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


def remove_tree(folder: Path) -> None:
    """Remove ``folder`` and what is below it, also what was made read-only. One that is not there is fine."""
    if not folder.exists():
        return
    for base, _, _ in os.walk(folder):
        with contextlib.suppress(OSError):
            Path(base).chmod(stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)


def _inside(attempt: Path, artifact: ArtifactReport) -> Path | None:
    """Return where the artifact is, if that is a real file or folder below the attempt's folder."""
    path = attempt / artifact.path
    resolved = path.resolve()
    if path.is_symlink() or not resolved.is_relative_to(attempt.resolve()) or resolved == attempt.resolve():
        return None
    return resolved if resolved.is_file() or resolved.is_dir() else None


def _keep(source: Path, into: Path) -> Path:
    """Copy ``source`` below ``into``: whole or not at all."""
    partial, target = into / f".{source.name}.partial", into / source.name
    with disk_errors(into):
        into.mkdir(parents=True, exist_ok=True)
        _remove(partial)
        if source.is_dir():
            shutil.copytree(source, partial, ignore=_links)
        else:
            shutil.copy2(source, partial, follow_symlinks=False)
        _remove(target)
        partial.replace(target)
    return target


def _links(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if (Path(folder) / name).is_symlink()]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        remove_tree(path)
    else:
        path.unlink(missing_ok=True)
