"""Bitbucket Cloud and Bitbucket Server, now Data Center (Atlassian: "Event payloads", "Manage webhooks")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pushtune.watch.forges.base import (
    Body,
    Change,
    Delivery,
    News,
    change_of,
    change_of_branch,
    content_identity,
    given_identity,
    hmac_matches,
    items,
    news,
    part,
    prefixed,
)


@dataclass(frozen=True)
class Bitbucket:
    """Both sign the body: ``X-Hub-Signature: sha256=<hex>``. They are told apart by the event's key."""

    name: str = "bitbucket"

    def is_signed(self, delivery: Delivery, secret: str) -> bool:
        """Check the header over the raw body."""
        return hmac_matches(delivery.body, secret, prefixed(delivery.header("x-hub-signature")))

    def is_ping(self, delivery: Delivery) -> bool:
        """The Server's *Test connection*."""
        return delivery.header("x-event-key") == "diagnostics:ping"

    def is_unsigned_ping(self, delivery: Delivery) -> bool:
        """The Server does not sign it, secret or not."""
        return self.is_ping(delivery)

    def identities(self, delivery: Delivery) -> tuple[str, ...]:
        """Return the request's id; of the Server, whose bodies are dated, the body too.

        Cloud's bodies are not: the same push made again after a forced one back has the same body, and
        must not be lost. A body replayed under another id makes the repository be looked at, no more.
        """
        if delivery.header("x-event-key") == "repo:push":
            return given_identity(delivery, "x-request-uuid") or (content_identity(delivery),)
        return (*given_identity(delivery, "x-request-id"), content_identity(delivery))

    def read(self, delivery: Delivery, body: Body) -> News | None:
        """Read Cloud's ``repo:push`` and the Server's ``repo:refs_changed``."""
        event = delivery.header("x-event-key")
        if event == "repo:push":
            return news(_cloud_addresses(body), _cloud_changes(body))
        if event == "repo:refs_changed":
            return news(_server_addresses(body), _server_changes(body))
        return None


def _cloud_changes(body: Body) -> Iterator[Change | None]:
    for change in items(part(body, "push"), "changes"):
        new, old = part(change, "new"), part(change, "old")
        if new.get("type") == "branch":
            yield change_of_branch(new.get("name"), part(new, "target").get("hash"))
        elif not new and old.get("type") == "branch":
            yield change_of_branch(old.get("name"), None, deleted=True)


def _cloud_addresses(body: Body) -> list[object]:
    repository = part(body, "repository")
    name = repository.get("full_name")
    # The body holds pages, not clone addresses; both have the same host and path.
    named = f"https://bitbucket.org/{name}" if isinstance(name, str) else None
    return [part(repository, "links", "html").get("href"), named]


def _server_changes(body: Body) -> Iterator[Change | None]:
    for change in items(body, "changes"):
        reference = part(change, "ref").get("id") or change.get("refId")
        yield change_of(reference, change.get("toHash"), deleted=change.get("type") == "DELETE")


def _server_addresses(body: Body) -> list[object]:
    return [link.get("href") for link in items(part(body, "repository", "links"), "clone")]
