"""Where the hooks of a repository lie. Here alone the user's own configuration counts: it moves them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pushtune.errors import UsageError
from pushtune.process import Completed, run


@dataclass(frozen=True)
class HooksPlace:
    """``folder`` is where git looks for hooks, maybe not there yet; ``repository`` is the folder of its data.

    Both are absolute. ``repository`` has no symbolic links in it: it is what a hook finds out about itself.
    """

    repository: Path
    folder: Path
    bare: bool


def hooks_place(path: str | Path) -> HooksPlace:
    """Return where the hooks of the repository at ``path`` lie (`core.hooksPath` counts).

    Raises ``UsageError`` where there is no repository.
    """
    bare = _ask(path, "--is-bare-repository") == "true"
    # A relative `core.hooksPath` is relative to where git runs hooks.
    top = Path(path, _ask(path, "--absolute-git-dir" if bare else "--show-toplevel"))
    repository = Path(top, _ask(top, "--git-common-dir")).resolve()
    return HooksPlace(repository, top / _ask(top, "--git-path", "hooks"), bare)


def _ask(path: str | Path, *question: str) -> str:
    answer = _git(path, *question)
    if answer.code != 0:
        raise UsageError(
            f"{path} is not a git repository that we can read: {answer.last_words}",
            fix="give the folder of a repository on this machine",
        )
    return answer.stdout.removesuffix("\n")


def _git(path: str | Path, *question: str) -> Completed:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # Only looked at, never run: a folder that belongs to another user may be given a hook too.
    command = ["git", "-c", "safe.directory=*", "rev-parse", *question]
    return run(command, cwd=path, env={**kept, "LC_ALL": "C"}, check=False)
