"""GitHub, and what speaks like it (docs.github.com: webhooks, "Validating webhook deliveries")."""

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
    part,
    prefixed,
)


@dataclass(frozen=True)
class GitHub:
    """Signs the body: ``X-Hub-Signature-256: sha256=<hex>``. SHA-1 signatures are not taken."""

    name: str = "github"

    def is_signed(self, delivery: Delivery, secret: str) -> bool:
        """Check the header over the raw body."""
        return hmac_matches(delivery.body, secret, prefixed(delivery.header("x-hub-signature-256")))

    def is_ping(self, delivery: Delivery) -> bool:
        """Sent once, when the webhook is made."""
        return delivery.header("x-github-event") == "ping"

    def is_unsigned_ping(self, delivery: Delivery) -> bool:
        """Signed like everything else."""
        return False

    def identities(self, delivery: Delivery) -> tuple[str, ...]:
        """Return the delivery's id and, as that is not signed, the body, which says when it was pushed."""
        return (*given_identity(delivery, "x-github-delivery"), content_identity(delivery))

    def read(self, delivery: Delivery, body: Body) -> News | None:
        """Read ``push`` (a deleted branch is one of zeros) and ``delete``."""
        event = delivery.header("x-github-event")
        if event == "push":
            change = change_of(body.get("ref"), body.get("after"), deleted=body.get("deleted") is True)
        elif event == "delete" and body.get("ref_type") == "branch":
            change = change_of_branch(body.get("ref"), None, deleted=True)
        else:
            return None
        return news(addresses(body), [change])


def addresses(body: Body) -> list[object]:
    """Return what may be the repository's addresses."""
    repository = part(body, "repository")
    return [repository.get(name) for name in ("clone_url", "ssh_url", "git_url", "html_url", "url")]
