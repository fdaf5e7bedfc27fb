"""How a mirror is made, kept up to date, and made anew where it is damaged."""

from __future__ import annotations

import contextlib
import fcntl
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

from pushtune.errors import MachineError, PushtuneError
from pushtune.git.addresses import Address
from pushtune.git.command import MEBIBYTE, NoRoomError, Way, answer, call, disk_errors
from pushtune.git.names import OURS
from pushtune.git.remote import LOCAL_UPLOAD, Credentials, explained, list_heads, uploading, way_to

LARGEST_PACK = 8192 * MEBIBYTE
"""Bytes that one fetch may bring."""

# Its presence says that the mirror is whole. Whoever finds it damaged takes it away.
_MARK = "pushtune-mirror"

# The last word on attributes: no file is filtered, converted or expanded, whatever a repository says.
_ATTRIBUTES = "* -text -ident -filter !working-tree-encoding\n"

# What old programs wrote and harms nobody. Git refuses the rest, as the large forges do.
_HARMLESS = (
    *("zeroPaddedFilemode", "badTimezone", "missingSpaceBeforeDate", "missingSpaceBeforeEmail"),
    *("missingNameBeforeEmail", "badDate", "badDateOverflow", "multipleAuthors", "nulInCommit"),
)

_CHECKED = {
    "transfer.fsckObjects": "true",
    "fetch.unpackLimit": "1",
    **{f"fetch.fsck.{name}": "ignore" for name in _HARMLESS},
}

_MOST_PACKS = 50
_SHA256_DIGITS = 64
_LEFT_BY_A_KILL = ("objects/pack/tmp_*", "objects/pack/*.keep", "objects/tmp_*", "objects/??/tmp_*")


class Copy:
    """The folder ``path`` as a bare repository of ours."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def is_whole(self) -> bool:
        """Whether it was made to the end, and nothing was found damaged since."""
        return (self.path / _MARK).is_file()

    def fetch(self, address: Address, credentials: Credentials | None, timeout: float) -> None:
        """Fetch all branches, into a copy made anew where there is no whole one."""
        with disk_errors(), self._lock("fetch.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with self.used():
                if self.is_whole() and self._fetch_whole(address, credentials, timeout):
                    return
            with self._lock("lock") as alone:
                fcntl.flock(alone, fcntl.LOCK_EX)
                self._make_anew(address, credentials, timeout)

    def doubted(self, error: MachineError) -> MachineError:
        """Return what to raise where git could not do what it must be able to: is the copy damaged?"""
        if not self.path.is_dir():
            return MachineError("the repository was not fetched yet")
        if isinstance(error, NoRoomError) or self._is_sound():
            return error
        (self.path / _MARK).unlink(missing_ok=True)
        return MachineError(
            f"the copy of the repository is damaged ({error})", fix="it is made anew: try again"
        )

    @contextlib.contextmanager
    def used(self) -> Iterator[None]:
        """Write to it, beside other threads and processes, while none puts another in its place.

        A fetch that takes long keeps nobody from writing a branch.
        """
        with self._lock("lock") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Nobody else writes here now: what is half written was left by a kill.
                self._remove_what_kills_left()
            except BlockingIOError:
                pass
            fcntl.flock(lock, fcntl.LOCK_SH)
            yield

    def _lock(self, name: str) -> IO[str]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self.path.with_name(f"{self.path.name}.{name}").open("w")

    def _fetch_whole(self, address: Address, credentials: Credentials | None, timeout: float) -> bool:
        """Fetch into what is there; False if that is damaged."""
        error = _fetch(self.path, address, credentials, timeout)
        if error is None:
            self._tidy()
            return True
        if isinstance(error, NoRoomError):
            raise error
        # Does it answer at all? If so the trouble may be ours.
        list_heads(address, credentials)
        if self._is_sound():
            raise error
        return False

    def _make_anew(self, address: Address, credentials: Credentials | None, timeout: float) -> None:
        """Make it beside, and put it in place once it is whole."""
        for left in self.path.parent.glob(f".{self.path.name}.*"):
            shutil.rmtree(left, ignore_errors=True)
        beside = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        try:
            _make_empty(beside, _kind_of_hashes(address, credentials))
            error = _fetch(beside, address, credentials, timeout)
            if error is not None:
                raise error
            self._rescue_our_branches(beside)
            (beside / _MARK).touch()
            self._put_in_place(beside)
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def _rescue_our_branches(self, beside: Path) -> None:
        refs = f"+refs/heads/{OURS}*:refs/heads/{OURS}*"
        with contextlib.suppress(MachineError):
            if self.path.is_dir():
                way = Way(transport="file")
                call(beside, "fetch", "--quiet", "--no-tags", f"--upload-pack={LOCAL_UPLOAD}",
                     "--", str(self.path.absolute()), refs, way=way, timeout=600.0)  # fmt: skip

    def _put_in_place(self, beside: Path) -> None:
        if self.path.exists():
            old = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
            self.path.rename(old)
            beside.rename(self.path)
            shutil.rmtree(old, ignore_errors=True)
        else:
            beside.rename(self.path)

    def _is_sound(self) -> bool:
        settings = {f"fsck.{name}": "ignore" for name in _HARMLESS}
        checking = ("fsck", "--no-dangling", "--no-progress", "--no-reflogs")
        return call(self.path, *checking, way=Way(settings), timeout=1800.0).code == 0

    def _remove_what_kills_left(self) -> None:
        """Remove locks and half-written files."""
        for pattern in _LEFT_BY_A_KILL:
            for left in self.path.glob(pattern):
                left.unlink(missing_ok=True)
        for lock in (*self.path.glob("*.lock"), *(self.path / "refs").rglob("*.lock")):
            lock.unlink(missing_ok=True)

    def _tidy(self) -> None:
        """Put many packs into one, now and then. What no branch reaches is kept."""
        packs = sum(1 for _ in (self.path / "objects/pack").glob("*.pack"))
        # Only a matter of speed: another time, if not now.
        with contextlib.suppress(MachineError):
            if packs > _MOST_PACKS:
                settings = {"pack.windowMemory": "128m", "repack.writeBitmaps": "false"}
                answer(self.path, "repack", "-a", "-d", "-k", "-q", way=Way(settings), timeout=1800.0)


def _kind_of_hashes(address: Address, credentials: Credentials | None) -> str:
    hashes = list_heads(address, credentials).branches.values()
    return "sha256" if any(len(sha) == _SHA256_DIGITS for sha in hashes) else "sha1"


def _make_empty(path: Path, hashes: str) -> None:
    kind = f"--object-format={hashes}"
    answer(path, "init", "--bare", "--quiet", "--template=", "--initial-branch=main", kind)
    (path / "info").mkdir(exist_ok=True)
    (path / "info" / "attributes").write_text(_ATTRIBUTES, encoding="ascii")


def _fetch(
    path: Path, address: Address, credentials: Credentials | None, timeout: float
) -> PushtuneError | None:
    """Fetch into ``path`` and return what went wrong, or None."""
    way = way_to(address, credentials)
    way = replace(way, settings={**way.settings, **_CHECKED}, largest_file=LARGEST_PACK)
    completed = call(
        path, "fetch", "--quiet", "--no-tags", "--prune", "--force", "--update-shallow",
        "--no-recurse-submodules", "--no-auto-maintenance", "--no-write-fetch-head", *uploading(address),
        "--", address.text, "+refs/heads/*:refs/remotes/origin/*", way=way, timeout=timeout,
    )  # fmt: skip
    return None if completed.code == 0 else explained(completed, address, way)
