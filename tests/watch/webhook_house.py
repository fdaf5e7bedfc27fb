"""A server of webhooks with one watched repository, and what became of what was sent to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from deliveries import ADDRESS, NOW, SECRET, SIGNING_TOKEN, Client, Sender, written

from pushtune.watch.announcement import Announcement
from pushtune.watch.http_server import HttpServer, Limits
from pushtune.watch.webhooks import Webhooks


@dataclass
class House:
    """A server with one watched repository, number 7."""

    told: list[Announcement] = field(default_factory=list)
    taken: set[tuple[str, str]] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    limits: Limits = field(default_factory=lambda: Limits(even=0.01, linger=1.0))
    secrets: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def take(self, forge: str, identity: str) -> bool:
        new = (forge, identity) not in self.taken
        self.taken.add((forge, identity))
        return new

    def open(self) -> Client:
        every = ("github", "gitea", "forgejo", "bitbucket")
        given = self.secrets or {**dict.fromkeys(every, (SECRET,)), "gitlab": (SECRET, SIGNING_TOKEN)}
        webhooks = Webhooks(
            given, lambda: [(7, ADDRESS), (8, "/srv/git/local.git")], self.take, self.told.append,
            note=self.notes.append, clock=lambda: NOW,
        )  # fmt: skip
        self.server = HttpServer(webhooks.admit, webhooks.answer, note=self.notes.append, limits=self.limits)
        return Client(self.server.start("127.0.0.1", 0))


def delivered(client: Client, sender: Sender, body: Any, **said: str) -> int:
    text = written(body)
    return client.post(sender.path, text, sender.headers(text, secret=sender.secret, **said)).status
