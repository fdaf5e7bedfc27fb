"""What the trials of a repository share: their home folder, and what a person's own libraries hold."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pushtune.model.containers import Mount

HOME_INSIDE = "/home/trainer"
"""The home of trials: the repository's cache. What libraries download once is found by the next trial."""

OWN_CACHES = (
    ".keras/datasets",
    ".keras/models",
    ".cache/torch/hub",
    ".cache/huggingface/hub",
    ".cache/huggingface/datasets",
    "scikit_learn_data",
    "seaborn-data",
    "nltk_data",
    "tensorflow_datasets",
)
"""Below a person's own home: where libraries keep what they have downloaded."""

_DEEPEST = 3
"""Folders within those folders that are mounted entry by entry."""

_MOST_ENTRIES = 100

Owner = tuple[int, int]


def cache_mounts(cache: Path, owner: Owner, home: Path | None) -> list[Mount]:
    """Return the mounts of a repository's ``cache``, the cache itself first; what is missing there is made.

    ``home`` is the home folder of the person whose own run this is, None where the code is not theirs. What
    their libraries have downloaded is for trials to read.
    """
    cache.mkdir(parents=True, exist_ok=True)
    _give(cache, owner)
    mounts = [Mount(str(cache), HOME_INSIDE, read_only=False)]
    for name in OWN_CACHES if home is not None else ():
        if home is not None and (home / name).is_dir():
            mounts += _over(home, cache, name, owner, 0)
    return mounts


def _give(folder: Path, owner: Owner) -> None:
    """Let trials write a folder of the cache. Only root can give; what others make is theirs already."""
    if os.geteuid() == 0:
        os.chown(folder, *owner)


def _over(home: Path, cache: Path, name: str, owner: Owner, depth: int) -> Iterator[Mount]:
    """Yield mounts of a person's folder over the repository's: entry by entry where that has things too."""
    place = cache / name
    _make_folders(cache, name, owner)
    if not place.is_dir() or place.is_symlink():
        return
    if not _is_used(place):
        yield Mount(str((home / name).resolve()), f"{HOME_INSIDE}/{name}")
        return
    # What is not to be seen any more is downloaded for the repository; nothing of the repository's is hidden.
    for entry in sorted((home / name).iterdir())[:_MOST_ENTRIES] if depth < _DEEPEST else ():
        inner = f"{name}/{entry.name}"
        if entry.is_dir():
            yield from _over(home, cache, inner, owner, depth + 1)
        elif entry.is_file() and not _is_used(cache / inner):
            _make_file(cache / inner, owner)
            yield Mount(str(entry.resolve()), f"{HOME_INSIDE}/{inner}")


def _is_used(path: Path) -> bool:
    """Whether there is more than places that others are mounted over: empty files, and folders of such."""
    if path.is_symlink() or not path.is_dir():
        return path.is_symlink() or (path.exists() and path.stat().st_size > 0)
    return any(_is_used(entry) for entry in path.iterdir())


def _make_file(path: Path, owner: Owner) -> None:
    if not path.exists():
        path.touch()
        _give(path, owner)


def _make_folders(cache: Path, name: str, owner: Owner) -> None:
    """Make the places that are mounted over, so that the engine need not, as root."""
    path = cache
    for part in Path(name).parts:
        path = path / part
        if path.is_symlink() or path.is_file():
            return  # A trial made it: nothing is made behind it.
        if not path.is_dir():
            path.mkdir()
            _give(path, owner)
