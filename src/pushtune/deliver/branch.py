"""The winner as one commit on top of the pushed one, on a branch of ours that later pushes move."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from pushtune.deliver.message import (
    BRANCH,
    PUSH,
    SCRIPT,
    Told,
    message_of,
    read_trailers,
    trailers_of,
)
from pushtune.errors import MachineError, UsageError
from pushtune.git import ABSENT, OURS, Address, Commit, Credentials, Mirror, Person, list_heads

COMMITTER = Person("pushtune", "noreply@pushtune.invalid")
"""Who commits; the author is the one of the pushed commit."""

_TRIES = 5
_LONGEST_NAME = 60
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Delivery:
    """A winner to be handed back.

    ``commit`` is the pushed one. ``files`` are the winner's, whole, by path from the repository's root; none,
    and no other command: nothing better was found. ``time`` (unix seconds) must be the same whenever the
    same delivery is made: that makes the same commit. ``beside``: another branch of the repository comes
    first, and the plain name `pushtune/<script>` is left to it.
    """

    commit: str
    files: Mapping[str, bytes]
    told: Told
    time: int = 0
    beside: bool = False


@dataclass(frozen=True)
class Delivered:
    """Where the winner is. ``branch`` and ``commit`` are None where there is none; ``note`` says why."""

    branch: str | None
    commit: str | None
    note: str


def deliver_branch(mirror: Mirror, delivery: Delivery, *, newer_delivered: bool = False) -> Delivered:
    """Commit the winner and let our branch of its script be there. Doing it twice changes nothing.

    What a later push delivered is never moved back: by ``newer_delivered``, and by the number of the push
    that is written in the commit. Raises ``UsageError`` where the pushed commit or a file of it is not to
    be had, ``MachineError`` where git cannot write.
    """
    files = _changed(mirror, delivery)
    if not files and not delivery.told.command:
        return Delivered(None, None, "nothing better than the pushed script was found: no branch")
    commit = _write(mirror, delivery, files)
    for _ in range(_TRIES):
        branch, before = _place(mirror, delivery)
        if newer_delivered or (before is not None and _push_of(before) > delivery.told.push):
            return Delivered(None, commit, f"a later push was delivered on {branch}: it stays")
        if mirror.set_branch(branch, commit, ABSENT if before is None else before.sha):
            return Delivered(branch, commit, f"the winner is on {branch}")
    raise MachineError("the branch of the winner is written by others all the time", fix="try again")


def push_branch(
    mirror: Mirror, address: Address, branch: str, credentials: Credentials | None = None
) -> bool:
    """Bring our branch to the origin; True once it is there, False where a later push's is there instead.

    Raises ``UsageError`` where the origin's branch of that name holds what pushtune did not put there, or
    does not let us write; ``MachineError`` where it cannot be reached.
    """
    ours = mirror.branch(branch)
    if ours is None:
        raise UsageError(f"there is no branch {branch} to be pushed", fix="deliver it first")
    theirs = list_heads(address, credentials).branches.get(branch)
    if theirs == ours:
        return True
    if theirs is not None:
        if not mirror.has(theirs):
            mirror.fetch(address, credentials)
        there = mirror.commit(theirs)
        if _is_made_here(there) and _push_of(there) > _push_of(mirror.commit(ours)):
            return False
        # What is not made here is expected to be absent: the push is refused.
        theirs = theirs if _is_made_here(there) else None
    mirror.push(address, branch, credentials, expected_old=theirs)
    return True


def branch_name(script: str, *, whole: bool = False) -> str:
    """Return the branch for a script: `pushtune/train` for `src/train.py`, `…/src-train` as a ``whole``."""
    path = PurePosixPath(script)
    return OURS + (_plain(*(path.parent.parts if whole else ()), path.stem) or "script")


def _plain(*parts: str) -> str:
    """Return a part of a name that git and every shell take: no slash, so that none is another's folder."""
    name = "-".join(filter(None, (_NOT_IN_NAMES.sub("-", part).strip("-") for part in parts)))
    return name[-_LONGEST_NAME:].strip("-")


def _place(mirror: Mirror, delivery: Delivery) -> tuple[str, Commit | None]:
    """Return the branch and where it is now. Two scripts of one name, or two pushed branches, share none."""
    told = delivery.told
    name, before = "", None
    for suffix in _suffixes(told.branch, beside=delivery.beside):
        for name in (branch_name(told.script) + suffix, branch_name(told.script, whole=True) + suffix):
            before = _tip(mirror, name)
            if before is None or (_is_of_script(before, told) and _is_of_branch(before, told)):
                return name, before
            if _is_of_script(before, told):
                break
    return name, before


def _suffixes(branch: str, *, beside: bool) -> Iterator[str]:
    """Yield what tells the winners of a pushed branch from those of others; the last one no other has."""
    if not beside or not branch:
        yield ""
    if not branch:
        return
    if _plain(branch):
        yield f"@{_plain(branch)}"
    yield "@" + hashlib.sha256(branch.encode("utf-8", "surrogateescape")).hexdigest()[:12]


def _is_of_script(tip: Commit, told: Told) -> bool:
    there = read_trailers(tip.message).get(SCRIPT, "")
    return branch_name(there, whole=True) == branch_name(told.script, whole=True)


def _is_of_branch(tip: Commit, told: Told) -> bool:
    """Whether ``tip`` came of the same pushed branch; one that names none may be of any."""
    there, ours = read_trailers(tip.message).get(BRANCH), trailers_of(told).get(BRANCH)
    return there is None or ours is None or there == ours


def _tip(mirror: Mirror, branch: str) -> Commit | None:
    sha = mirror.branch(branch)
    return None if sha is None else mirror.commit(sha)


def _changed(mirror: Mirror, delivery: Delivery) -> dict[str, bytes]:
    """Return the files that are not in the pushed commit as they are in the winner."""
    return {
        path: data
        for path, data in delivery.files.items()
        if _read(mirror, delivery.commit, path, len(data)) != data
    }


def _read(mirror: Mirror, commit: str, path: str, limit: int) -> bytes | None:
    try:
        return mirror.read(commit, path, limit)
    except UsageError:
        # Larger, so another one. (A path that cannot be is refused when it is written.)
        return None


def _write(mirror: Mirror, delivery: Delivery, files: Mapping[str, bytes]) -> str:
    base = mirror.commit(delivery.commit)
    return mirror.commit_files(
        delivery.commit,
        files,
        message_of(delivery.told),
        base.author,
        base.time,
        COMMITTER,
        max(base.time, delivery.time),
    )


def _push_of(commit: Commit) -> int:
    text = read_trailers(commit.message).get(PUSH, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1


def _is_made_here(commit: Commit) -> bool:
    return commit.committer == COMMITTER and _push_of(commit) >= 0
