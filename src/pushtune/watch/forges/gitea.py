"""Gitea and Forgejo (docs.gitea.com: "Webhooks"; forgejo.org: "Webhooks")."""

from __future__ import annotations

from dataclasses import dataclass

from pushtune.watch.forges.base import (
    Body,
    Delivery,
    News,
    change_of,
    change_of_branch,
    content_identity,
    given_identity,
    hmac_matches,
    news,
)
from pushtune.watch.forges.github import addresses


@dataclass(frozen=True)
class Gitea:
    """Signs the body: ``X-Gitea-Signature: <hex>``, without a prefix; Forgejo has its own names for all."""

    name: str = "gitea"

    def is_signed(self, delivery: Delivery, secret: str) -> bool:
        """Check the header over the raw body."""
        return hmac_matches(delivery.body, secret, delivery.header(f"x-{self.name}-signature"))

    def is_ping(self, delivery: Delivery) -> bool:
        """There is none: the button *Test delivery* sends the newest commit as a push."""
        return False

    def is_unsigned_ping(self, delivery: Delivery) -> bool:
        """There is none."""
        return False

    def identities(self, delivery: Delivery) -> tuple[str, ...]:
        """Return the delivery's id and, as that is not signed, the body, which names when it was updated."""
        return (*given_identity(delivery, f"x-{self.name}-delivery"), content_identity(delivery))

    def read(self, delivery: Delivery, body: Body) -> News | None:
        """Read ``push``, and ``delete``, which is all that a deleted branch sends."""
        event = delivery.header(f"x-{self.name}-event")
        if event == "push":
            change = change_of(body.get("ref"), body.get("after"))
        elif event == "delete" and body.get("ref_type") == "branch":
            change = change_of_branch(body.get("ref"), None, deleted=True)
        else:
            return None
        return news(addresses(body), [change])
