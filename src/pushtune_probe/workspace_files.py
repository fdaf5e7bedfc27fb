"""The files of the workspace: which of them the script wrote, and copies of those for a checkpoint."""

import os
from typing import Dict, Iterable, Iterator, List, NamedTuple, Set

from pushtune_probe import wire

_IGNORED_FOLDERS = {"__pycache__", ".git", ".ipynb_checkpoints"}
SNAPSHOT_LIMIT = 200 * 1024 * 1024
"""Bytes of the script's files that one checkpoint may hold."""


class Facts(NamedTuple):
    """What tells that a file changed: its size in bytes and when it was last written."""

    size: int
    written_ns: int


class WorkspaceFiles:
    """Compares the workspace with what it was when the attempt started.

    Names are relative to the workspace, with the system's separator. Symbolic links (data that is linked
    instead of copied) are never followed and never copied. Files that an earlier attempt of the trial
    wrote, and that came back with its checkpoint, count as the script's.
    """

    def __init__(self, root: str, checkpoints: Iterable[str] = ()) -> None:
        self.root = root
        self._inherited: Set[str] = set()
        for folder in checkpoints:
            self._inherited.update(_scan(os.path.join(folder, wire.CHECKPOINT_FILES)))
        self._start = _scan(root)

    def changed(self) -> List[str]:
        """Return the files that the script has written or changed, sorted by name."""
        now = _scan(self.root)
        return sorted(
            name for name, facts in now.items() if name in self._inherited or self._start.get(name) != facts
        )

    def snapshot(self, into: str, limit_bytes: int = SNAPSHOT_LIMIT) -> List[str]:
        """Copy the changed files below ``into``, keeping times; return the names that were left out.

        A file is left out where it would take the copies beyond ``limit_bytes`` altogether, or where it
        cannot be read (it may vanish while being copied). Raises ``OSError`` if ``into`` cannot be written.
        """
        import shutil  # it brings the compression libraries, which an ordinary run does not need

        left_out, room = [], limit_bytes
        for name in self.changed():
            source = os.path.join(self.root, name)
            target = os.path.join(into, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            try:
                size = os.lstat(source).st_size
                if size > room:
                    left_out.append(name)
                    continue
                shutil.copy2(source, target, follow_symlinks=False)
            except FileNotFoundError:
                left_out.append(name)
                continue
            room -= size
        return left_out


def _scan(root: str) -> Dict[str, Facts]:
    return {os.path.relpath(entry.path, root): _facts(entry) for entry in _regular_files(root)}


def _facts(entry: "os.DirEntry[str]") -> Facts:
    try:
        stat = entry.stat(follow_symlinks=False)
    except OSError:
        return Facts(-1, -1)
    return Facts(stat.st_size, stat.st_mtime_ns)


def _regular_files(folder: str) -> Iterator["os.DirEntry[str]"]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            if entry.name not in _IGNORED_FOLDERS:
                yield from _regular_files(entry.path)
        elif entry.is_file(follow_symlinks=False):
            yield entry
