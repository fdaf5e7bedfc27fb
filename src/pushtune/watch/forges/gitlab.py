"""GitLab (docs.gitlab.com: "Webhooks", "Webhook events"; standardwebhooks.com for the signed scheme)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from pushtune.watch.forges.base import (
    Body,
    Delivery,
    News,
    change_of,
    content_identity,
    digests_match,
    given_identity,
    keyed_digest,
    news,
    part,
)

TOLERANCE = 300.0
"""Seconds that the forge's clock may differ from ours, as the Standard Webhooks specification advises."""

_SIGNING_TOKEN = "whsec_"  # noqa: S105 - what such a token begins with
_SECONDS = re.compile(r"[0-9]{1,12}")
_MOST_SIGNATURES = 10


@dataclass(frozen=True)
class GitLab:
    """Sends its secret token as it is, in ``X-Gitlab-Token``; with a *signing token* it signs instead.

    A secret that begins with ``whsec_`` is a signing token: then only signatures are taken. They are of
    ``<id>.<timestamp>.<body>``, with the token's decoded bytes as the key, in ``webhook-signature``.
    """

    name: str = "gitlab"

    def is_signed(self, delivery: Delivery, secret: str) -> bool:
        """Check the signature, or compare the token; the secret decides which."""
        if secret.startswith(_SIGNING_TOKEN):
            return _is_signed(delivery, secret)
        # Digests of equal length: how long the secret is takes no part in how long this takes.
        given = delivery.header("x-gitlab-token")
        return digests_match(_digest(secret), _digest(given) if given else None)

    def is_ping(self, delivery: Delivery) -> bool:
        """There is none: the button *Test* sends the newest commit as a push."""
        return False

    def is_unsigned_ping(self, delivery: Delivery) -> bool:
        """There is none."""
        return False

    def identities(self, delivery: Delivery) -> tuple[str, ...]:
        """Return the id, which stays the same when a delivery is tried again; older versions send none."""
        given = given_identity(delivery, "webhook-id", "idempotency-key", "x-gitlab-event-uuid")
        return given or (content_identity(delivery),)

    def read(self, delivery: Delivery, body: Body) -> News | None:
        """Read pushes to branches, those of a project's, a group's and the system's webhooks."""
        event = delivery.header("x-gitlab-event")
        # The system's webhooks say so in `event_name` alone.
        if event not in ("Push Hook", "System Hook") or body.get("event_name", "push") != "push":
            return None
        return news(_addresses(body), [change_of(body.get("ref"), body.get("after"))])


def _is_signed(delivery: Delivery, secret: str) -> bool:
    identifier, seconds = delivery.header("webhook-id"), delivery.header("webhook-timestamp")
    signed = f"{identifier}.{seconds}.".encode("utf-8", "surrogateescape") + delivery.body
    key = _decoded(secret.removeprefix(_SIGNING_TOKEN))
    expected = keyed_digest(key or b"", signed)
    # Several signatures: one for each key while keys are changed.
    given = delivery.header("webhook-signature").split(" ")[:_MOST_SIGNATURES]
    matches = [digests_match(expected, _decoded(_version_one(each))) for each in given]
    return any(matches) and bool(key) and bool(identifier) and _is_recent(seconds, delivery.now)


def _is_recent(seconds: str, now: float) -> bool:
    return _SECONDS.fullmatch(seconds) is not None and abs(now - int(seconds)) <= TOLERANCE


def _version_one(signature: str) -> str:
    return signature[3:] if signature.startswith("v1,") else ""


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _addresses(body: Body) -> list[object]:
    project, repository = part(body, "project"), part(body, "repository")
    names = ("git_http_url", "git_ssh_url", "http_url", "ssh_url", "web_url", "homepage", "url")
    return [place.get(name) for place in (project, repository) for name in names]
