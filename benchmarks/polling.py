"""What polling costs: many real bare repositories in a temporary folder, looked at in rounds.

* ``cpu_seconds_per_round``      processor time of this process and the gits it starts, where nothing moved:
  mostly pictures of files (``watch/stillness.py``), with git asked anew as often as in service;
* ``share_of_a_core``            the same at one round a minute;
* ``cpu_seconds_asking_git``     a round in which git is asked of every repository;
* ``share_of_a_core_asking_git`` the same at one round a minute;
* ``pushes_told`` of ``pushes``  what a round told after one push to every tenth repository.

Usage: ``python benchmarks/polling.py [--repositories 1000] [--rounds 11] [--json FILE]``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from figures import report

from pushtune import git
from pushtune.watch.polling import TRUSTED_PICTURES, Polling

MINUTE = 60.0


@dataclass(frozen=True)
class Watched:
    """A repository of this benchmark."""

    id: int
    folder: Path
    branches: tuple[str, ...] = ()
    poll: float | None = MINUTE

    @property
    def address(self) -> str:
        """As the ledger has it."""
        return str(self.folder)


def main() -> None:
    """Make the repositories, poll them, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repositories", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=TRUSTED_PICTURES + 1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        repositories = make(Path(folder), arguments.repositories)
        text = json.dumps(report("polling", measured(repositories, arguments.rounds)), indent=2)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n")


def measured(repositories: list[Watched], rounds: int) -> dict[str, float]:
    """Return the figures."""
    known: dict[int, dict[str, str]] = {each.id: {} for each in repositories}
    plain = poller(known, pictures=False)
    asking, _ = round_of(plain, repositories, known, 0.0)
    plain.close()
    polling = poller(known, pictures=True)
    round_of(polling, repositories, known, 0.0)
    began = cpu()
    for number in range(1, rounds + 1):
        round_of(polling, repositories, known, number * 2 * MINUTE)
    share = (cpu() - began) / rounds
    pushed = repositories[::10]
    for each in pushed:
        push(each.folder)
    _, told = round_of(polling, repositories, known, (rounds + 1) * 2 * MINUTE)
    polling.close()
    return {
        "repositories": len(repositories),
        "cpu_seconds_per_round": round(share, 3),
        "share_of_a_core": round(share / MINUTE, 4),
        "cpu_seconds_asking_git": round(asking, 3),
        "share_of_a_core_asking_git": round(asking / MINUTE, 4),
        "pushes": len(pushed),
        "pushes_told": told,
    }


def poller(known: dict[int, dict[str, str]], *, pictures: bool) -> Polling[Watched]:
    """Return polling as the service sets it up for folders of this machine."""

    def list_heads(repository: Watched) -> git.Heads:
        return git.list_heads(git.check_address(str(repository.folder), allow_local=True))

    return Polling(
        list_heads, known.__getitem__, folder=lambda repository: repository.folder if pictures else None
    )


def round_of(
    polling: Polling[Watched], repositories: list[Watched], known: dict[int, dict[str, str]], now: float
) -> tuple[float, int]:
    """Look at each repository once; return the processor's seconds and how many pushes were told.

    The clock is ours, so that all are due at once; a round in service is spread over its minute.
    """
    began, told = cpu(), 0
    polling.watch(repositories, now)
    while (due := polling.next_due()) is None or due <= now or polling.looking():
        for news in polling.turn(now):
            assert news.repository is not None
            known[news.repository][news.branch] = str(news.commit)
            told += 1
        time.sleep(0.005)
    return cpu() - began, told


def cpu() -> float:
    """Return the processor's seconds of this process and of its children that ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def make(folder: Path, count: int) -> list[Watched]:
    """Make ``count`` bare repositories with a commit each."""
    first = folder / "1.git"
    subprocess.run(["git", "init", "--bare", "-q", "-b", "main", str(first)], check=True)
    push(first)
    repositories = [Watched(1, first)]
    for number in range(2, count + 1):
        copy = folder / f"{number}.git"
        shutil.copytree(first, copy)
        repositories.append(Watched(number, copy))
    return repositories


def push(repository: Path) -> None:
    """Put a new commit on the repository's branch."""
    who = {"GIT_AUTHOR_NAME": "b", "GIT_AUTHOR_EMAIL": "b@example.org"}
    who |= {"GIT_COMMITTER_NAME": "b", "GIT_COMMITTER_EMAIL": "b@example.org"}
    environment = {**os.environ, **who}

    def say(*arguments: str, text: str = "") -> str:
        command = ["git", *arguments]
        done = subprocess.run(
            command, cwd=repository, env=environment, input=text, text=True, check=True, capture_output=True
        )
        return done.stdout.strip()

    tree = say("mktree")
    commit = say("commit-tree", tree, "-m", f"at {time.time_ns()}")
    say("update-ref", "refs/heads/main", commit)


if __name__ == "__main__":
    main()
