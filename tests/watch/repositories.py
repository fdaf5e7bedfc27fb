"""Real repositories: a bare one, as a server has it, and a developer's clone of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

WHO = {
    "GIT_AUTHOR_NAME": "Ada Example",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada Example",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    # What the machine is set to plays no part, except where a test says so.
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}


def git(folder: Path, *arguments: str, **variables: str) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **WHO, **variables}
    command = ["git", "-c", "init.defaultBranch=main", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@dataclass(frozen=True)
class Pair:
    """``bare`` is pushed to from the work tree ``work``."""

    bare: Path
    work: Path

    def commit(self, text: str = "x") -> str:
        git(self.work, "commit", "--quiet", "--allow-empty", "-m", text)
        return git(self.work, "rev-parse", "HEAD")

    def push(self, text: str = "x", *arguments: str, **variables: str) -> str:
        commit = self.commit(text)
        git(self.work, "push", "--quiet", *(arguments or ("origin", "HEAD:main")), **variables)
        return commit

    def pushed(self, **variables: str) -> subprocess.CompletedProcess[str]:
        """Push, and return what its developer sees."""
        self.commit()
        environment = {**os.environ, **WHO, **variables}
        command = [shutil.which("git") or "git", "push", "--quiet", "origin", "HEAD:main"]
        return subprocess.run(
            command, cwd=self.work, env=environment, check=True, capture_output=True, text=True
        )


def pair(folder: Path, *arguments: str) -> Pair:
    bare, work = folder / "server's.git", folder / "work"
    folder.mkdir(exist_ok=True)
    git(folder, "init", "--quiet", "--bare", *arguments, str(bare))
    git(folder, "clone", "--quiet", str(bare), str(work))
    return Pair(bare, work)


def eventually(found: Callable[[], bool]) -> None:
    """Wait until something that goes on elsewhere is so; a minute is a failure."""
    end = time.monotonic() + 60.0
    while not found():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)
