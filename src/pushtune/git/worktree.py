"""The author's own work tree, looked at with their own settings (what they ignore is ignored).

Where git is not installed, or a folder is in no repository, the answers are None and False: a script
need not be in git.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from pushtune.errors import MachineError, UsageError
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


def apply_patch(root: str | Path, patch: str | Path) -> list[str]:
    """Apply ``patch`` to the files below ``root`` (in git or not) and return the paths that it changed.

    Raises ``UsageError``, with nothing changed, if it does not fit; ``MachineError`` without git.
    """
    arguments = ("apply", "--whitespace=nowarn", "--unsafe-paths", f"--directory={root}")
    with tempfile.TemporaryDirectory() as outside:
        # Outside any repository: within one, git leaves out what its ignore rules or its index say.
        answer = _git(outside, *arguments, "--", str(Path(patch).absolute()))
        if answer is None:
            raise MachineError("git is not found", fix="install git, or use the `patch` program")
        if answer.code != 0:
            raise UsageError(answer.last_words.removeprefix("error: "))
    return [line[6:].strip() for line in Path(patch).read_text(errors="replace").splitlines()
            if line.startswith("+++ b/")]  # fmt: skip


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
