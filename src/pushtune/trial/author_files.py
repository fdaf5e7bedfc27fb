"""The author's folder, sorted into what a workspace copies, what it links, and what it leaves out."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pushtune import git

COPY_BUDGET = 200 * 1024 * 1024
"""Bytes that a workspace copies; what does not fit is linked."""

IGNORED_FILE_BYTES = 16 * 1024 * 1024
"""A file that git ignores is copied up to this size: a larger one is data, a smaller one may be output."""

MOST_IN_FOLDER = 5000
"""Files of one folder that are taken one by one; a larger folder is linked as a whole."""

DEEPEST = 100
"""Folders within folders that are made anew; deeper ones are linked as a whole."""

LEFT_OUT = frozenset(
    {".git", ".hg", ".svn", ".pushtune", "__pycache__", "node_modules", ".tox", ".nox", ".mypy_cache",
     ".pytest_cache", ".ruff_cache", ".hypothesis", ".ipynb_checkpoints", ".eggs"}
)  # fmt: skip
"""Folders that no training script reads: histories, caches, and what pushtune itself wrote."""

_ENVIRONMENT_MARKS = ("pyvenv.cfg", "conda-meta")


@dataclass(frozen=True)
class Entry:
    """One file or folder. ``path`` is below the root, with forward slashes; ``size`` in bytes."""

    path: str
    size: int = 0
    mode: int = 0o644
    modified_ns: int = 0


@dataclass(frozen=True)
class SortedFiles:
    """What to do with each entry of the author's folder.

    ``folders`` are made, parents before children; ``copies`` are copied; ``links`` become symbolic links
    to the author's own (they may be files, folders, or links themselves).
    """

    folders: tuple[str, ...]
    copies: tuple[Entry, ...]
    links: tuple[Entry, ...]


def sort_files(
    root: Path, needed: Collection[str], *, without: Path | None = None, budget: int = COPY_BUDGET
) -> SortedFiles:
    """Look through ``root`` once and decide.

    Copied: what git does not ignore (outside git: everything), smallest first, up to ``budget`` bytes;
    then ignored files that are small. The rest is linked. Folders are made anew, so that what a script
    writes, moves or removes in them is its own; only a folder of thousands of files is linked as a
    whole, unless it holds one of ``needed`` (the script's own files). ``without`` is left out.
    """
    survey = _Survey(root, needed, without, git.tracked_and_unignored(root))
    survey.walk("", small=False)
    copies, links, left = _within(survey.plain, budget)
    small = [entry for entry in survey.ignored if entry.size <= IGNORED_FILE_BYTES]
    large = [entry for entry in survey.ignored if entry.size > IGNORED_FILE_BYTES]
    more_copies, more_links, _ = _within(small, left)
    return SortedFiles(
        folders=tuple(survey.folders),
        copies=(*copies, *more_copies),
        links=(*links, *more_links, *large, *survey.linked),
    )


def _within(entries: list[Entry], budget: int) -> tuple[list[Entry], list[Entry], int]:
    """Split ``entries`` into those that fit into ``budget``, smallest first, and the rest."""
    left = budget
    fitting: list[Entry] = []
    rest: list[Entry] = []
    for entry in sorted(entries, key=lambda entry: (entry.size, entry.path)):
        if entry.size <= left:
            left -= entry.size
            fitting.append(entry)
        else:
            rest.append(entry)
    return fitting, rest, left


class _Survey:
    """One walk through the author's folder. Symbolic links are never followed."""

    def __init__(
        self, root: Path, needed: Collection[str], without: Path | None, listed: list[str] | None
    ) -> None:
        self._root = root
        self._needed_folders = {str(parent) for path in needed for parent in PurePosixPath(path).parents}
        self._without = (
            None if without is None else os.path.relpath(os.path.realpath(without), root.resolve())
        )
        # Where git lists nothing the whole root lies in an ignored place: then it is taken as it is.
        self._listed = frozenset(listed) if listed else None
        self.folders: list[str] = []
        self.plain: list[Entry] = []
        self.ignored: list[Entry] = []
        self.linked: list[Entry] = []

    def walk(self, folder: str, *, small: bool, listed: bool = False) -> None:
        """Sort what is in ``folder``. ``small``: its size is known; ``listed``: git names it whole."""
        for entry in self._entries(folder):
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_symlink():
                self.linked.append(Entry(path))
            elif entry.is_dir(follow_symlinks=False):
                self._folder(entry, path, small=small, listed=listed)
            else:
                self._file(entry, path, listed=listed)

    def _folder(self, entry: os.DirEntry[str], path: str, *, small: bool, listed: bool) -> None:
        if path.count("/") >= DEEPEST:
            self.linked.append(Entry(path))
            return
        if entry.name in LEFT_OUT or path == self._without or _is_environment(entry.path):
            return
        small = small or not _is_large(entry.path)
        if not small and path not in self._needed_folders:
            self.linked.append(Entry(path))
            return
        self.folders.append(path)
        # Git names a repository within the repository as one entry; its files are the author's all the same.
        self.walk(path, small=small, listed=listed or self._names(path) or self._names(f"{path}/"))

    def _file(self, entry: os.DirEntry[str], path: str, *, listed: bool) -> None:
        try:
            facts = entry.stat(follow_symlinks=False)
        except OSError:
            return
        if not stat.S_ISREG(facts.st_mode):
            return  # A pipe, a socket, a device: neither source nor data.
        record = Entry(path, facts.st_size, stat.S_IMODE(facts.st_mode), facts.st_mtime_ns)
        if not os.access(entry.path, os.R_OK):
            self.linked.append(record)  # The script then meets the same refusal as at home.
        elif listed or self._names(path):
            self.plain.append(record)
        else:
            self.ignored.append(record)

    def _names(self, path: str) -> bool:
        return self._listed is None or path in self._listed

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self._root / folder) as entries:
                return list(entries)
        except (PermissionError, FileNotFoundError):
            return []


def _is_environment(folder: str) -> bool:
    return any(os.path.lexists(f"{folder}/{mark}") for mark in _ENVIRONMENT_MARKS)


def _is_large(folder: str) -> bool:
    """Whether more than ``MOST_IN_FOLDER`` files are below ``folder``; no more than those are looked at."""
    return any(number >= MOST_IN_FOLDER for number, _ in enumerate(_files_below(folder)))


def _files_below(folder: str) -> Iterator[str]:
    for base, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in LEFT_OUT]
        for name in names:
            yield f"{base}/{name}"
