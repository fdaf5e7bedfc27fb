"""A commit's files as a plain folder, in which nothing is left of git and nothing leads outside."""

from __future__ import annotations

import errno
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pushtune.errors import UsageError
from pushtune.git.command import Way, answer, disk_errors
from pushtune.git.names import check_path, shown
from pushtune.git.records import EXECUTABLE, GITLINK, REGULAR, TreeFile


@dataclass(frozen=True)
class Limits:
    """How much one commit may bring: files, and bytes of all of them together."""

    files: int = 50_000
    bytes: int = 4 << 30


_BLOCK = 4096

DEFAULT_LIMITS = Limits()


def export(mirror: Path, sha: str, files: Sequence[TreeFile], folder: Path, limits: Limits) -> None:
    """Write ``files`` of the commit ``sha`` to ``folder``; does nothing where they are there already."""
    wanted = [file for file in files if file.mode != GITLINK]
    _check(wanted, limits)
    if folder.is_dir() and _noted(_note(folder)) == sha:
        return
    with disk_errors():
        folder.parent.mkdir(parents=True, exist_ok=True)
        _need_room(wanted, folder.parent)
        _write_whole(mirror, sha, wanted, folder)


def _write_whole(mirror: Path, sha: str, wanted: Sequence[TreeFile], folder: Path) -> None:
    """Write the files beside, and put them in place together."""
    _remove_what_kills_left(folder)
    note = _note(folder)
    beside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.making")
    try:
        _write(mirror, wanted, beside)
        _put_in_place(beside / "tree", folder)
        note.write_text(sha, encoding="ascii")
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _check(files: Sequence[TreeFile], limits: Limits) -> None:
    if len(files) > limits.files:
        raise UsageError(f"the commit has {len(files)} files, more than {limits.files}", fix="remove some")
    total = sum(file.size for file in files)
    if total > limits.bytes:
        raise UsageError(
            f"the commit's files are {total >> 20} MB, more than {limits.bytes >> 20}",
            fix="keep data outside the repository",
        )
    paths = {check_path(file.path) for file in files}
    folders = {"/".join(parts[:end]) for parts in map(_parts, paths) for end in range(1, len(parts))}
    doubled = paths & folders
    if doubled or len(paths) != len(files):
        name = shown(min(doubled, default="a path"))
        raise UsageError(f"{name} is two things in one commit", fix="make the commit anew with git")


def _need_room(files: Sequence[TreeFile], folder: Path) -> None:
    # Before the disk is full for everybody else, too.
    needed = sum(file.size + _BLOCK for file in files)
    if needed > shutil.disk_usage(folder).free:
        raise OSError(errno.ENOSPC, f"{needed >> 20} MB are needed for the commit's files")


def _parts(path: str) -> list[str]:
    return path.split("/")


def _write(mirror: Path, files: Sequence[TreeFile], beside: Path) -> None:
    """Let git write the files, from an index that names nothing else."""
    tree = beside / "tree"
    tree.mkdir(parents=True)
    way = Way(variables={"GIT_INDEX_FILE": str(beside / "index"), "GIT_WORK_TREE": str(tree)})
    # A link is entered as the file that holds its target: there is no link for git to make.
    entries = "".join(f"{_plain_mode(file)} {file.hash}\t{file.path}\0" for file in files)
    answer(mirror, "update-index", "-z", "--index-info", way=way, input=entries)
    answer(mirror, "checkout-index", "--all", "--force", "--quiet", way=way, timeout=1800.0)


def _plain_mode(file: TreeFile) -> str:
    return EXECUTABLE if file.mode == EXECUTABLE else REGULAR


def _put_in_place(tree: Path, folder: Path) -> None:
    if folder.exists():
        # Of another commit, or without a note of its own: whoever wrote it was interrupted.
        folder.rename(tree.with_name("old"))
    tree.rename(folder)


def _note(folder: Path) -> Path:
    """Return where it is written which commit the folder is of."""
    return folder.with_name(f".{folder.name}.commit")


def _noted(note: Path) -> str | None:
    return note.read_text(encoding="ascii", errors="replace") if note.is_file() else None


def _remove_what_kills_left(folder: Path) -> None:
    for left in folder.parent.glob(f".{folder.name}.*.making"):
        shutil.rmtree(left, ignore_errors=True)
