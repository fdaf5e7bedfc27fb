"""A bare copy of a repository, from which pushes are checked out and in which their results are kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pushtune.errors import MachineError, UsageError
from pushtune.git.addresses import Address
from pushtune.git.command import MEBIBYTE, answer, call, plain, said
from pushtune.git.committing import Signature, write_commit
from pushtune.git.copying import Copy
from pushtune.git.export import DEFAULT_LIMITS, Limits, export
from pushtune.git.names import check_branch, check_commit, check_path, is_ours, shown
from pushtune.git.records import Commit, Person, TreeFile, read_commit, read_listing, read_person
from pushtune.git.remote import Credentials, explained, way_to
from pushtune.process import Completed

ABSENT = ""
"""As ``expected_old``: the branch must not be there yet."""

_LARGEST_COMMIT = MEBIBYTE
_MOST_LISTING = 32 * MEBIBYTE
_ORIGIN = "refs/remotes/origin/"
_OURS = "refs/heads/"


class Mirror:
    """The bare repository at ``path``. Threads and processes may use one at the same time.

    Branches of the origin are kept apart from ours: `pushtune/…` is only what we made. Nothing is ever
    thrown away, so that a commit stays though its branch is overwritten while it is worked on.
    Texts that come back are strangers' (see ``records``). Whatever asks for a commit raises ``UsageError``
    where the mirror does not have it, and ``MachineError`` where it is damaged; the next fetch mends that.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._copy = Copy(path)

    def fetch(
        self, address: Address, credentials: Credentials | None = None, *, timeout: float = 600.0
    ) -> None:
        """Bring the mirror to what the repository at ``address`` has now; make it where it is not there.

        A mirror that is damaged is made anew; our own branches in it are kept where they can be read.
        ``timeout`` is in seconds. Raises ``UsageError`` where the repository does not let us in, is not
        there, or holds what git refuses; ``MachineError`` where it cannot be reached or the disk is full.
        """
        self._copy.fetch(address, credentials, timeout)

    def resolve(self, branch: str) -> str | None:
        """Return the commit that the origin's ``branch`` was at when it was fetched, or None."""
        return self._commit_of(_ORIGIN + check_branch(branch))

    def has(self, commit: str) -> bool:
        """Whether the commit is here, in a mirror that is whole as far as is known."""
        name = check_commit(commit) + "^{commit}"
        return self._copy.is_whole() and call(self.path, "cat-file", "-e", name).code == 0

    def commit(self, sha: str) -> Commit:
        """Return who made the commit, when, and what they say of it."""
        self._need(sha)
        if int(self._read("cat-file", "-s", sha)) > _LARGEST_COMMIT:
            raise UsageError(f"the commit {sha[:12]} says more than a megabyte about itself", fix="reword it")
        return read_commit(sha, self._read("cat-file", "commit", sha))

    def files(self, sha: str) -> list[TreeFile]:
        """Return all files of the commit, links and submodules too, in git's order."""
        self._need(sha)
        try:
            return read_listing(
                self._read("ls-tree", "-r", "-l", "-z", "--full-tree", sha, most=_MOST_LISTING)
            )
        except MachineError as error:
            if "said more" not in str(error):
                raise
            raise UsageError(
                f"the commit {sha[:12]} has more files than can be listed", fix="remove some"
            ) from error

    def read(self, sha: str, path: str, limit: int) -> bytes | None:
        """Return the content of one regular file of the commit, or None where there is none.

        Raises ``UsageError`` if it has more than ``limit`` bytes.
        """
        self._need(sha)
        # A path with `*` or a leading colon is taken as it is written.
        found = read_listing(
            self._read(
                "--literal-pathspecs", "ls-tree", "-l", "-z", "--full-tree", sha, "--", check_path(path)
            )
        )
        if len(found) != 1 or found[0].path != path or not found[0].is_file:
            return None
        if found[0].size > limit:
            raise UsageError(f"{shown(path)} has more than {limit} bytes", fix="make it smaller")
        content = self._read("cat-file", "blob", found[0].hash, most=limit + MEBIBYTE)
        return content.encode("utf-8", "surrogateescape")

    def export(self, sha: str, folder: Path, limits: Limits = DEFAULT_LIMITS) -> None:
        """Write the commit's files to ``folder``, which appears whole or not at all; it may be there already.

        No `.git`; no hook, filter or conversion runs; links become text files, submodules are left out.
        Raises ``UsageError`` for more than ``limits`` allow, and for paths that leave the folder.
        """
        try:
            export(self.path, sha, self.files(sha), folder, limits)
        except MachineError as error:
            raise self._copy.doubted(error) from error

    def authors_between(self, old: str | None, new: str, limit: int = 100) -> list[Person]:
        """Return who wrote the newest ``limit`` commits of ``new`` that ``old`` does not have, each once.

        Without ``old`` (or where it is gone: the branch was overwritten) only the author of ``new``.
        """
        self._need(new)
        known = old is not None and self.has(old)
        commits = (f"^{old}", new) if known else ("--max-count=1", new)
        said_by = self._read(
            "log", "-z", "--no-show-signature", "--no-mailmap", "--no-notes", "--no-color",
            "--format=%an <%ae>", f"--max-count={limit}", *commits, "--",
        )  # fmt: skip
        return list(dict.fromkeys(read_person(text)[0] for text in said_by.split("\0") if text))

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether ``new`` is ``old`` or comes after it."""
        self._need(old)
        self._need(new)
        completed = call(self.path, "merge-base", "--is-ancestor", old, new)
        if completed.code not in (0, 1):
            raise self._copy.doubted(MachineError(f"git merge-base failed: {said(completed)}"))
        return completed.code == 0

    def commit_files(
        self,
        base: str,
        files: Mapping[str, bytes],
        message: str,
        author: Person,
        author_time: int,
        committer: Person,
        committer_time: int | None = None,
    ) -> str:
        """Write a commit on top of ``base`` that differs in ``files``, and return its hash; no branch moves.

        Modes stay as they are. Times are unix seconds; the committer's is the author's unless given: the
        same arguments make the same hash. Raises ``UsageError`` for a path that is a link, a submodule, or
        outside.
        """
        present = {file.path: file for file in self.files(base)}
        written = Signature(author, author_time)
        taken = Signature(committer, author_time if committer_time is None else committer_time)
        with self._copy.used():
            return write_commit(self.path, base, present, files, message, written, taken)

    def branch(self, name: str) -> str | None:
        """Return the commit of our own branch, or None."""
        return self._commit_of(_OURS + _check_ours(name))

    def set_branch(self, name: str, sha: str, expected_old: str | None = None) -> bool:
        """Let our own branch ``name`` be at ``sha``; False where it is not at ``expected_old`` (any more).

        ``ABSENT``: it must not be there yet; None: it may be anywhere.
        """
        self._need(sha)
        expected = () if expected_old is None else (expected_old or "0" * len(sha),)
        with self._copy.used():
            completed = call(self.path, "update-ref", _OURS + _check_ours(name), sha, *expected)
        if completed.code != 0:
            if expected_old is not None and (self.branch(name) or ABSENT) != expected_old:
                return False
            raise MachineError(f"the branch {name} cannot be written: {said(completed)}")
        return True

    def push(
        self,
        address: Address,
        branch: str,
        credentials: Credentials | None = None,
        *,
        expected_old: str | None = None,
        timeout: float = 120.0,
    ) -> None:
        """Push our own ``branch`` to the repository at ``address``.

        What it has is overwritten only if that is ``expected_old``.
        None and ``ABSENT``: it must not have it yet. Raises ``UsageError`` where it has another, or does
        not let us write; ``MachineError`` where it cannot be reached.
        """
        name = _OURS + _check_ours(branch)
        way = way_to(address, credentials)
        completed = call(
            self.path, "push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed",
            "--recurse-submodules=no", f"--force-with-lease={name}:{expected_old or ''}",
            "--", address.text, f"{name}:{name}", way=way, timeout=timeout,
        )  # fmt: skip
        if completed.code != 0:
            raise _refused(branch, completed) or explained(completed, address, way)

    def _commit_of(self, name: str) -> str | None:
        completed = call(self.path, "rev-parse", "--verify", "--quiet", name + "^{commit}")
        return completed.stdout.strip() if completed.code == 0 else None

    def _need(self, sha: str) -> None:
        if not self.has(sha):
            raise UsageError(
                f"the commit {sha[:12]} is not here", fix="it was overwritten, or not fetched yet"
            )

    def _read(self, *arguments: str, most: int = _MOST_LISTING) -> str:
        """Ask for what must be there: where git cannot give it, the mirror is damaged."""
        try:
            return answer(self.path, *arguments, most=most)
        except MachineError as error:
            raise self._copy.doubted(error) from error


def _check_ours(name: str) -> str:
    if not is_ours(check_branch(name)):
        raise UsageError(
            f"the branch {shown(name)} is not pushtune's to write", fix="use one below pushtune/"
        )
    return name


def _refused(branch: str, completed: Completed) -> UsageError | None:
    """Return why the origin did not take our branch, where it answered at all."""
    answers = [line for line in completed.stdout.splitlines() if line.startswith("!")]
    if not answers:
        return None
    if "(stale info)" in answers[0]:
        return UsageError(
            f"the origin's branch {branch} holds what pushtune did not put there",
            fix="rename or delete it there, or leave the pushing to us off",
        )
    why = plain(answers[0].split("\t")[-1])
    return UsageError(
        f"the origin does not take the branch {branch}: {why}", fix="allow us to write it there"
    )
