"""Building the folder that an attempt runs in: the author's files, copied or linked, under a candidate's."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pushtune.model.analysis import Candidate, Script
from pushtune.trial.author_files import COPY_BUDGET, Entry, SortedFiles, sort_files
from pushtune.trial.folder import WORKSPACE
from pushtune.trial.hostile_files import Allowance, TooMuchError, copy_open, plain_files
from pushtune.trial.links import LinkedData, look_at
from pushtune_probe import wire

# "../data", os.pardir, dirname(dirname(__file__)), Path(__file__).parent.parent: ways to leave the folder.
_LEAVES = re.compile(rb"(?<!\.)\.\.[/\\'\"]|\bpardir\b|\bdirname\s*\(|\.parents?\b")
_STEPS_UP = re.compile(rb"(?:\.\.[/\\])+")

LEAST_LEVELS = 2
"""Folders above the root that are stood in for, once the script mentions any: how many is hard to tell."""

MOST_LEVELS = 6
MOST_NEIGHBOURS = 2000

_BLOCK = 8 * 1024 * 1024

_MOST_LAID_OVER = 2 * 1024**3
_MOST_FILES = 50_000
"""Bytes and files of a checkpoint that are laid over: several times what the probe puts there."""


@dataclass(frozen=True)
class Workspace:
    """A built workspace. ``root`` stands for the script's root; ``links`` are the author's data in reach."""

    root: Path
    links: tuple[LinkedData, ...]


def build_workspace(
    attempt: Path,
    script: Script,
    candidate: Candidate,
    *,
    checkpoint: Path | None = None,
    without: Path | None = None,
    budget: int = COPY_BUDGET,
) -> Workspace:
    """Build ``attempt/workspace`` and return where the script's root is in it. Only reads the author's tree.

    ``checkpoint`` is the folder of the checkpoint that the attempt resumes from: the files that the
    script had written by then are laid over. ``without`` is the study's folder, left out. Raises
    ``OSError`` as the disk does.
    """
    source = Path(script.root)
    root = _place_of_root(attempt / WORKSPACE, source, levels_up(script))
    root.mkdir(parents=True)
    files = sort_files(source, [file.path for file in script.files], without=without, budget=budget)
    reached = [*_fill(source, root, files), *_link_neighbours(source, root, attempt / WORKSPACE, script)]
    for file in candidate.files:
        _own_path(root, file.path).write_bytes(file.data)
    if checkpoint is not None:
        _lay_over(checkpoint / wire.CHECKPOINT_FILES, root)
    (root / script.workdir).mkdir(parents=True, exist_ok=True)
    return Workspace(root, look_at(reached))


def levels_up(script: Script) -> int:
    """Return how many folders above its root the script may look into: 0 where it never mentions them."""
    texts = [*(file.data for file in script.files), *(os.fsencode(f'"{arg}"') for arg in script.args)]
    if not any(_LEAVES.search(text) for text in texts):
        return 0
    steps = (match.group().count(b"..") for text in texts for match in _STEPS_UP.finditer(text))
    above = len(PurePosixPath(script.root).parents)
    return min(max(LEAST_LEVELS, max(steps, default=0)), MOST_LEVELS, above)


def _place_of_root(workspace: Path, source: Path, levels: int) -> Path:
    """Return the root's place: so deep below ``workspace`` that its parents stand for the author's."""
    if levels == 0:
        return workspace
    # The root of the file system has a name of no letters; here it needs one.
    return workspace.joinpath(*(part.strip("/") or "_" for part in source.parts[-levels - 1 :]))


def _fill(source: Path, root: Path, files: SortedFiles) -> Iterator[str]:
    """Make, copy and link; yield the author's paths that can be reached through a link."""
    for folder in files.folders:
        (root / folder).mkdir()
    for entry in files.copies:
        # What vanishes while it is copied was not the script's to rely on.
        with contextlib.suppress(FileNotFoundError):
            copy_file(f"{source}/{entry.path}", f"{root}/{entry.path}", entry)
    for entry in files.links:
        target = _link_target(source, entry.path)
        (root / entry.path).symlink_to(target)
        if target.is_absolute():
            yield str(target)


def _link_target(source: Path, path: str) -> Path:
    """Return what a link in the place of ``path`` points to: a link within the root stays what it was."""
    own = source / path
    if not own.is_symlink():
        return own
    target = own.readlink()
    resolved = Path(os.path.normpath(own.parent / target))
    inside = not target.is_absolute() and resolved.is_relative_to(source)
    return target if inside else resolved


def copy_file(source: str, target: str, entry: Entry) -> None:
    """Copy a regular file with its time and mode (made writable)."""
    reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        writing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, entry.mode | 0o200)
        try:
            while os.sendfile(writing, reading, None, _BLOCK):
                pass
            os.utime(writing, ns=(entry.modified_ns, entry.modified_ns))
        finally:
            os.close(writing)
    finally:
        os.close(reading)


def _link_neighbours(source: Path, root: Path, workspace: Path, script: Script) -> list[str]:
    """Beside the root, and beside each of its parents, link what stands there at the author's.

    Returns those that the script mentions by name, which are worth watching.
    """
    texts = b"\n".join([*(file.data for file in script.files), *map(os.fsencode, script.args)])
    mentioned: list[str] = []
    while root.parent != workspace and root != workspace:
        source, own, root = source.parent, root.name, root.parent
        for name in _names(source)[:MOST_NEIGHBOURS]:
            if name != own:
                (root / name).symlink_to(source / name)
                if os.fsencode(name) in texts:
                    mentioned.append(str(source / name))
    return mentioned


def _names(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return []


def _lay_over(files: Path, root: Path) -> None:
    """Copy the plain files below ``files`` to the same places below ``root``, times kept.

    An earlier attempt has written what is there: links are not followed, and it may be too much.
    """
    allowance = Allowance(_MOST_LAID_OVER, _MOST_FILES)
    try:
        folder = os.open(files, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        for path, descriptor in plain_files(folder):
            # A file where the author has a folder, or the other way round: the author's stays.
            with contextlib.suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
                target = _own_path(root, path)
                target.unlink(missing_ok=True)
                copy_open(descriptor, target, allowance)
    except TooMuchError:
        return
    finally:
        os.close(folder)


def _own_path(root: Path, path: str) -> Path:
    """Return ``root/path`` so made that writing there reaches nothing of the author's.

    A linked folder on the way becomes a real one that links each of its entries.
    """
    place = root
    for part in PurePosixPath(path).parts[:-1]:
        place = place / part
        if place.is_symlink():
            target = place.resolve()
            place.unlink()
            place.mkdir()
            for name in _names(target):
                (place / name).symlink_to(target / name)
        else:
            place.mkdir(exist_ok=True)
    place = place / PurePosixPath(path).name
    if place.is_symlink():
        place.unlink()
    return place
