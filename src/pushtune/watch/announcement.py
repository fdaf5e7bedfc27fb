"""News of a push: that a branch is somewhere else now. Whoever tells it, it is only a reason to look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pushtune.errors import UsageError
from pushtune.git import check_branch, check_commit

Teller = Literal["poll", "webhook", "hook", "command"]
"""How the news came in."""


@dataclass(frozen=True)
class Announcement:
    """A branch of a repository moved, or is gone.

    The repository is told by its number in the ledger (``repository``), or by its ``name`` (as hooks know
    it), or by its ``address``. ``commit`` is None where the teller does not know it, or where the branch was
    ``deleted``. Only what polling tells was seen in the repository itself; from others it is hearsay, and a
    reason to look. ``forge`` and ``delivery`` say which webhook told it.

    Raises ``UsageError`` for what can be neither branch nor commit.
    """

    repository: int | None
    address: str | None
    branch: str
    commit: str | None
    told_by: Teller
    forge: str = ""
    delivery: str = ""
    deleted: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        check_branch(self.branch)
        if self.commit is not None:
            check_commit(self.commit)
            if is_no_commit(self.commit):
                raise UsageError("a hash of zeros is no commit")


def is_no_commit(commit: str) -> bool:
    """Whether this is git's way to say that there is no commit: a hash of zeros."""
    return len(commit) in (40, 64) and not commit.strip("0")


def branch_of(reference: str) -> str | None:
    """Return the branch that a full reference names (``refs/heads/main``), or None: a tag, a note."""
    prefix = "refs/heads/"
    return reference[len(prefix) :] if reference.startswith(prefix) else None
