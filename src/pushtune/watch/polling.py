"""Looking at many repositories in turn, and telling which branches moved. One process, a few threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Generic, Protocol, TypeVar

from pushtune.errors import PushtuneError
from pushtune.git import Heads, is_branch, is_ours
from pushtune.watch.addresses import sameness
from pushtune.watch.announcement import Announcement
from pushtune.watch.schedule import Schedule
from pushtune.watch.stillness import picture

SLOW = 3.0
"""Seconds of a look after which its host's repositories wait in the slow lane, until one is quick again."""

LANES = {"fast": 8, "slow": 3}
"""Threads of each lane: a host that is slow or does not answer holds up its own repositories only."""

MOST_OF_A_HOST = 5
"""Looks of one host at a time. A host that begins to hang does not take the whole lane with it."""

TRUSTED_PICTURES = 10
"""Looks in a row that a picture may stand in for git."""


class Repository(Protocol):
    """What polling wants to know of a repository. ``poll`` in seconds, None: it is only looked at when told.

    ``branches`` are shell patterns; none: the default branch. ``address``: repositories of one host share
    its slowness; folders of this machine are each by themselves.
    """

    @property
    def id(self) -> int: ...  # noqa: D102
    @property
    def address(self) -> str: ...  # noqa: D102
    @property
    def branches(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def poll(self) -> float | None: ...  # noqa: D102


Watched = TypeVar("Watched", bound=Repository)


@dataclass(frozen=True)
class _Memory:
    """What git answered last, the picture that goes with it, and how often that has stood in for git."""

    heads: Heads
    picture: bytes | None = None
    uses: int = 0


@dataclass(frozen=True)
class _Look:
    """One look, over: what was seen, or why nothing was."""

    number: int
    lane: str
    memory: _Memory | None
    trouble: str
    seconds: float


@dataclass(frozen=True)
class Passed:
    """Branches that moved between two looks and are not watched. ``default`` is the repository's own."""

    number: int
    branches: tuple[str, ...]
    default: str | None


class _Lane:
    """A few threads. They end with the process, even in the middle of a look."""

    def __init__(self, name: str, size: int) -> None:
        self.busy: dict[int, str] = {}
        self._size = size
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        for number in range(size):
            Thread(target=self._work, name=f"poll-{name}-{number}", daemon=True).start()

    @property
    def free(self) -> int:
        return self._size - len(self.busy)

    def start(self, number: int, host: str, job: Callable[[], None]) -> None:
        self.busy[number] = host
        self._jobs.put(job)

    def close(self) -> None:
        for _ in range(self._size):
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


class Polling(Generic[Watched]):
    """Looks at repositories when they are due. All methods are for one thread: the service's loop.

    * ``list_heads``: asks a repository, in a thread of ours; ``PushtuneError`` where it does not answer.
    * ``known``: returns the newest known commit of each branch, in the caller's thread.
    * ``folder``: returns the folder of a repository of this machine, whose files may be looked at instead;
      None for others.
    * ``wake``: called from a thread of ours when a look is over and ``turn`` has something to do.
    """

    def __init__(
        self,
        list_heads: Callable[[Watched], Heads],
        known: Callable[[int], Mapping[str, str]],
        *,
        folder: Callable[[Watched], Path | None] = lambda repository: None,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._list_heads = list_heads
        self._known = known
        self._folder = folder
        self._wake = wake
        self._schedule = Schedule()
        self._repositories: dict[int, Watched] = {}
        self._memories: dict[int, _Memory] = {}
        self._hosts: dict[int, str] = {}
        self._slow: set[str] = set()
        self._troubles: dict[int, str] = {}
        self._passed: list[Passed] = []
        self._over: SimpleQueue[_Look] = SimpleQueue()
        self._lanes = {name: _Lane(name, size) for name, size in LANES.items()}

    def watch(self, repositories: Iterable[Watched], now: float) -> None:
        """Watch exactly these from now on; new ones are looked at as soon as there is a free thread."""
        before, self._repositories = self._repositories, {each.id: each for each in repositories}
        for number in before:
            if self._repositories.get(number) != before[number]:
                self._memories.pop(number, None)
                self._troubles.pop(number, None)
        self._hosts = {number: _host(each) for number, each in self._repositories.items()}
        self._slow &= set(self._hosts.values())
        self._schedule.keep({number: each.poll for number, each in self._repositories.items()}, now)

    def hurry(self, number: int, now: float) -> None:
        """Look at a repository now: somebody said that it changed. Many such calls are one look."""
        self._schedule.hurry(number, now)

    def turn(self, now: float) -> list[Announcement]:
        """Start the looks that are due, and return what those that are over have found."""
        found = [news for look in self._finished() for news in self._told(look, now)]
        for name, lane in self._lanes.items():
            # One by one: each that starts counts for its host.
            while lane.free and (numbers := self._schedule.take(now, 1, partial(self._may_start, name))):
                self._start(numbers[0], name)
        return found

    def troubles(self) -> dict[int, str]:
        """Return, for each repository that does not answer now, why: one line."""
        return dict(self._troubles)

    def passed(self) -> list[Passed]:
        """Return, once, what moved since the look before and was left alone: nobody watches it."""
        passed, self._passed = self._passed, []
        return passed

    def looking(self) -> int:
        """Return how many looks are under way or not yet told."""
        return sum(len(lane.busy) for lane in self._lanes.values())

    def next_due(self) -> float | None:
        """Return when ``turn`` has the next look to start, or None. ``wake`` tells of those that are over."""
        return self._schedule.next_due()

    def close(self) -> None:
        """Start no more looks, and wait for none of those that are under way."""
        for lane in self._lanes.values():
            lane.close()

    def _may_start(self, lane: str, number: int) -> bool:
        host = self._hosts[number]
        if (host in self._slow) != (lane == "slow"):
            return False
        return list(self._lanes[lane].busy.values()).count(host) < MOST_OF_A_HOST

    def _start(self, number: int, lane: str) -> None:
        job = partial(self._look, self._repositories[number], lane, self._memories.get(number))
        self._lanes[lane].start(number, self._hosts[number], job)

    def _look(self, repository: Watched, lane: str, memory: _Memory | None) -> None:
        began = time.monotonic()
        seen, trouble = None, ""
        try:
            seen = self._seen(repository, memory)
        except PushtuneError as error:
            trouble = str(error)
        # The outer boundary of a thread: whatever a repository does to us, the others go on.
        except Exception as error:  # noqa: BLE001
            trouble = f"{type(error).__name__}: {error}"
        self._over.put(_Look(repository.id, lane, seen, trouble, time.monotonic() - began))
        self._wake()

    def _seen(self, repository: Watched, memory: _Memory | None) -> _Memory:
        folder = self._folder(repository)
        before = None if folder is None else picture(folder)
        if memory and before and memory.picture == before and memory.uses < TRUSTED_PICTURES:
            return replace(memory, uses=memory.uses + 1)
        heads = self._list_heads(repository)
        settled = folder is not None and before is not None and picture(folder) == before
        return _Memory(heads, before if settled else None)

    def _finished(self) -> Iterator[_Look]:
        while True:
            try:
                yield self._over.get_nowait()
            except Empty:
                return

    def _told(self, look: _Look, now: float) -> list[Announcement]:
        host = self._lanes[look.lane].busy.pop(look.number)
        (self._slow.add if look.seconds > SLOW else self._slow.discard)(host)
        self._schedule.back(look.number, now, answered=look.memory is not None)
        repository = self._repositories.get(look.number)
        if repository is None:
            return []
        if look.memory is None:
            self._troubles[look.number] = look.trouble
            return []
        self._troubles.pop(look.number, None)
        before = self._memories.get(look.number)
        self._memories[look.number] = look.memory
        if before is not None and (left := _passed(repository, before.heads, look.memory.heads)):
            self._passed.append(Passed(look.number, left, look.memory.heads.default))
        return news(repository, look.memory.heads, self._known(look.number))


def _host(repository: Repository) -> str:
    place = sameness(repository.address)
    return f"folder of {repository.id}" if place is None else place.partition("/")[0]


def news(repository: Repository, heads: Heads, known: Mapping[str, str]) -> list[Announcement]:
    """Return what differs: watched branches that are elsewhere than known, and known ones that are gone."""
    moved = [
        Announcement(repository.id, None, branch, commit, "poll")
        for branch, commit in sorted(heads.branches.items())
        if known.get(branch) != commit and is_watched(branch, repository.branches, heads.default)
    ]
    gone = [
        Announcement(repository.id, None, branch, None, "poll", deleted=True)
        for branch in sorted(known)
        if branch not in heads.branches
    ]
    return [*moved, *gone]


def _passed(repository: Repository, before: Heads, heads: Heads) -> tuple[str, ...]:
    """Return the branches of people that moved and are not watched."""
    return tuple(
        branch
        for branch, commit in sorted(heads.branches.items())
        if before.branches.get(branch) != commit
        and not is_ours(branch)
        and not is_watched(branch, repository.branches, heads.default)
    )


def is_watched(branch: str, patterns: Sequence[str], default: str | None) -> bool:
    """Whether a push to ``branch`` counts. Branches that Pushtune makes never do, nor unfit names."""
    if is_ours(branch) or not is_branch(branch):
        return False
    return any(fnmatchcase(branch, pattern) for pattern in patterns) if patterns else branch == default
