"""News of pushes: whoever tells it, the repository itself is looked at, and what is seen becomes a push."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from queue import Empty, SimpleQueue

from pushtune.errors import PushtuneError
from pushtune.git import Heads, list_heads
from pushtune.ledger import Ledger, RepositoryRow
from pushtune.pipeline import Server
from pushtune.watch.announcement import Announcement
from pushtune.watch.inbox import read as read_inbox
from pushtune.watch.polling import Passed, Polling

FOLLOW_SECONDS = 1.0
"""How often the ledger is asked which repositories are watched."""

_MOST_NAMED = 5


class Intake:
    """Brings news into the ledger. All methods are for the service's thread, but ``tell``."""

    def __init__(self, ledger: Ledger, server: Server, *, wake: Callable[[], None] = lambda: None) -> None:
        self._ledger = ledger
        self._server = server
        self._told: SimpleQueue[Announcement] = SimpleQueue()
        self._polling: Polling[RepositoryRow] = Polling(
            self._list_heads, ledger.repositories.heads, folder=self._folder, wake=wake
        )
        self._names: dict[str, int] = {}
        self._tellers: dict[int, str] = {}
        self._troubles: dict[int, str] = {}
        self._followed = float("-inf")
        server.home.inbox.mkdir(parents=True, exist_ok=True)

    def tell(self, announcement: Announcement) -> None:
        """Take news from another thread."""
        self._told.put(announcement)

    def known(self) -> list[tuple[int, str]]:
        """Return number and address of every repository that is watched. For other threads too."""
        return [(row.id, row.address) for row in self._ledger.repositories.all()]

    def take(self) -> bool:
        """Take what came in and look where it points; whether a push came of it."""
        now = self._server.clock()
        self._follow(now)
        for announcement in (*self._queued(), *read_inbox(self._server.home.inbox)):
            self._hurry(announcement, now)
        pushes = [self._seen(announcement, now) for announcement in self._polling.turn(now)]
        for passed in self._polling.passed():
            self._say_passed(passed)
        return any(pushes)

    def close(self) -> None:
        """Look no more."""
        self._polling.close()

    def _follow(self, now: float) -> None:
        if 0 <= now - self._followed < FOLLOW_SECONDS:
            return
        self._followed = now
        rows = self._ledger.repositories.all()
        self._names = {row.name: row.id for row in rows}
        self._polling.watch(rows, now)
        self._say_troubles({row.id: row.name for row in rows})

    def _say_troubles(self, names: dict[int, str]) -> None:
        troubles = self._polling.troubles()
        for number, trouble in troubles.items():
            if self._troubles.get(number) != trouble:
                self._server.tell(f"{names.get(number, number)} does not answer: {trouble}")
        self._troubles = troubles

    def _say_passed(self, passed: Passed) -> None:
        """Whoever waits for a push that was left alone looks into the log."""
        row = self._ledger.repositories.get(passed.number)
        if row is None:
            return
        watched = ", ".join(row.branches) or f"the default branch, {passed.default}"
        more = len(passed.branches) - _MOST_NAMED
        names = ", ".join(passed.branches[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        self._server.tell(
            f"{row.name}: not taken: a push to {names}; watched: {watched} "
            f"(`pushtune repo add {row.address} --branch …` changes that)"
        )

    def _queued(self) -> Iterable[Announcement]:
        while True:
            try:
                yield self._told.get_nowait()
            except Empty:
                return

    def _hurry(self, announcement: Announcement, now: float) -> None:
        """It is hearsay: a reason to look, now."""
        number = announcement.repository or self._names.get(announcement.name)
        if number is not None:
            self._tellers[number] = announcement.told_by
            self._polling.hurry(number, now)

    def _seen(self, announcement: Announcement, now: float) -> bool:
        """What polling tells was seen in the repository itself."""
        repository = announcement.repository
        assert repository is not None
        if announcement.deleted or announcement.commit is None:
            self._ledger.repositories.forget_head(repository, announcement.branch)
            return False
        push = self._ledger.repositories.seen(
            repository,
            announcement.branch,
            announcement.commit,
            told_by=self._tellers.pop(repository, announcement.told_by),
            now=now,
        )
        if push is not None:
            self._server.tell(f"push {push}: {announcement.branch} is at {announcement.commit[:12]}")
        return push is not None

    def _list_heads(self, repository: RepositoryRow) -> Heads:
        return list_heads(self._server.address(repository), self._server.credentials(repository))

    def _folder(self, repository: RepositoryRow) -> Path | None:
        try:
            address = self._server.address(repository)
        except PushtuneError:
            return None
        return Path(address.path) if address.local else None
