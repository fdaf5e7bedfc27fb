"""All that is asked of git. No hook, filter, monitor or prompt of a repository runs through here.

Where git is not installed, or a folder is in no repository, the answers are None and False: a script
need not be in git.
"""

from __future__ import annotations

import os
from pathlib import Path

from pushtune.errors import MachineError
from pushtune.process import Completed, find_program, run

_SAFE = (
    # A repository's own settings name programs that git would run.
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    # Only looked at, never run: a folder that belongs to another user may still be listed.
    *("-c", "safe.directory=*"),
)


def top_level(path: str | Path) -> Path | None:
    """Return the root of the work tree that holds ``path`` (a folder), or None where there is none."""
    answer = _git(path, "rev-parse", "--show-toplevel")
    if answer is None or answer.code != 0 or not answer.stdout.strip():
        return None
    return Path(answer.stdout.rstrip("\n"))


def is_repository(path: str | Path) -> bool:
    """Whether the folder ``path`` lies in a git work tree."""
    return top_level(path) is not None


def head(root: str | Path) -> str | None:
    """Return the full hash of the commit that is checked out, or None (no git, no commit yet)."""
    answer = _git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    return None if answer is None or answer.code != 0 else answer.stdout.strip()


def tracked_and_unignored(root: str | Path) -> list[str] | None:
    """Return the files below ``root`` that git tracks or does not ignore, or None outside git.

    Paths are relative to ``root``, with forward slashes, sorted, each once. A tracked file that was
    deleted is still named; a repository inside this one is named as a folder.
    """
    answer = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--")
    if answer is None or answer.code != 0:
        return None
    return sorted({name for name in answer.stdout.split("\0") if name})


def _git(folder: str | Path, *arguments: str) -> Completed | None:
    program = find_program("git")
    if program is None:
        return None
    try:
        return run([program, *_SAFE, *arguments], cwd=folder, env=_environment(), check=False)
    except MachineError:
        return None


def _environment() -> dict[str, str]:
    """Return our environment without what would point git at another repository (set within hooks)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # No lock is taken and the index is not refreshed: the author's tree stays as it is.
    return {**kept, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
