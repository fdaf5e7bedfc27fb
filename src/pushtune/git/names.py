"""What outsiders may call things: branches, commits, paths in a tree. Checked before git sees them."""

from __future__ import annotations

import re

from pushtune.errors import UsageError

OURS = "pushtune/"
"""How the names of our own branches begin. They never make a push."""

LONGEST_BRANCH = 200
"""Bytes. A name becomes a file name in git, which has 255."""

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_NOT_IN_BRANCHES = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")
# Characters that Apple's file systems leave out of names: `.g\u200cit` is `.git` there.
_IGNORED_BY_HFS = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")


def shown(text: str, most: int = 80) -> str:
    """Return ``text`` from outside as it may be put into a message: quoted, one line, printable, bounded."""
    return repr(text if len(text) <= most else text[:most] + "…")


def check_branch(name: str) -> str:
    """Return ``name`` if it can be a branch (without `refs/heads/`); raises ``UsageError``."""
    wrong = _wrong_with_branch(name)
    if wrong:
        raise UsageError(
            f"the branch name {shown(name)} {wrong}", fix="rename the branch, or watch another one"
        )
    return name


def is_branch(name: str) -> bool:
    """Whether ``check_branch`` would take ``name``."""
    return not _wrong_with_branch(name)


def is_ours(branch: str) -> bool:
    """Whether ``branch`` is one that pushtune makes, and so never a push."""
    return branch.startswith(OURS)


def check_commit(text: str) -> str:
    """Return ``text`` if it is a full commit hash in lower case; raises ``UsageError``."""
    if not _COMMIT.fullmatch(text):
        raise UsageError(f"{shown(text)} is no full commit hash", fix="give all 40 digits")
    return text


def check_path(path: str) -> str:
    """Return ``path`` of a file in a tree if it stays inside and is no part of git's own; ``UsageError``."""
    wrong = _wrong_with_path(path)
    if wrong:
        raise UsageError(f"the path {shown(path)} {wrong}", fix="rename that file in the repository")
    return path


def _wrong_with_branch(name: str) -> str:
    if not name:
        return "is empty"
    if len(name.encode("utf-8", "surrogatepass")) > LONGEST_BRANCH:
        return f"is longer than {LONGEST_BRANCH} bytes"
    if name.startswith("-"):
        return "begins with a dash"
    if not name.isprintable() or _NOT_IN_BRANCHES.search(name):
        return "has characters that git does not allow"
    if name in ("@", "HEAD") or name[0] == "/" or name[-1] in "/.":
        return "is none that git allows"
    if any(part.startswith(".") or part.endswith(".lock") for part in name.split("/")):
        return "is none that git allows"
    return ""


def _wrong_with_path(path: str) -> str:
    parts = path.split("/")
    if path.startswith("/") or any(part in ("", ".", "..") for part in parts) or "\0" in path:
        return "does not stay in its folder"
    if any(_is_git_folder(part) for part in parts):
        return "is where git keeps its own files"
    if any(len(part.encode("utf-8", "surrogateescape")) > 255 for part in parts):
        return "has a name longer than 255 bytes"
    return ""


def _is_git_folder(part: str) -> bool:
    """Whether some file system takes ``part`` for `.git`: case, ignored characters, Windows' short names."""
    plain = _IGNORED_BY_HFS.sub("", part).lower().split(":")[0].rstrip(". ")
    return plain in (".git", "git~1")
