"""What a forge says and how it proves it: the interface, and what several forges have in common."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pushtune.errors import UsageError
from pushtune.git import check_branch, check_commit
from pushtune.watch.announcement import branch_of, is_no_commit

MOST_CHANGES = 1000
"""Branches of one delivery that are listened to; a forge sends fewer."""

_HEX_SHA256 = re.compile(r"[0-9a-f]{64}")
_IDENTIFIER = re.compile(r"[\x21-\x7e]{1,120}")

Body = Mapping[str, Any]
"""A parsed body. Every value in it may be of any type: nothing of it is to be trusted."""


@dataclass(frozen=True)
class Delivery:
    """One request of a forge, unread. ``now`` is in unix seconds.

    ``headers`` by lower-case name; one that was sent twice is not among them.
    """

    headers: Mapping[str, str]
    body: bytes
    now: float

    def header(self, name: str) -> str:
        """Return a header, or the empty text."""
        return self.headers.get(name, "")


@dataclass(frozen=True)
class Change:
    """What a delivery says of one branch; ``commit`` is None where it was deleted or is not told."""

    branch: str
    commit: str | None
    deleted: bool = False


@dataclass(frozen=True)
class News:
    """The repository, by any of its ``addresses``, and what changed in it. Addresses are only compared."""

    addresses: tuple[str, ...]
    changes: tuple[Change, ...]


class Forge(Protocol):
    """How one forge's webhooks are understood. Stateless; every method may be called from any thread."""

    @property
    def name(self) -> str:
        """The last part of the address that its webhooks are sent to."""

    def is_signed(self, delivery: Delivery, secret: str) -> bool:
        """Whether who sent this knows ``secret``. Takes as long for a wrong as for a missing signature."""

    def is_ping(self, delivery: Delivery) -> bool:
        """Whether the forge only asks whether somebody is there."""

    def is_unsigned_ping(self, delivery: Delivery) -> bool:
        """Whether it is a ping that this forge never signs."""

    def identities(self, delivery: Delivery) -> tuple[str, ...]:
        """Return what tells this delivery from all others; a second one with any of them is a replay."""

    def read(self, delivery: Delivery, body: Body) -> News | None:
        """Return what a signed delivery tells, or None if it is of no concern (a tag, an issue).

        Raises ``UsageError`` where it names what cannot be a branch or a commit.
        """


def hmac_matches(signed: bytes, secret: str, signature: str) -> bool:
    """Whether ``signature`` is the hexadecimal HMAC-SHA256 of ``signed``, in constant time."""
    return digests_match(keyed_digest(secret.encode(), signed), _from_hex(signature))


def prefixed(signature: str) -> str:
    """Return what follows ``sha256=`` in a header, or the empty text for any other algorithm."""
    return signature[7:] if signature.startswith("sha256=") else ""


def digests_match(expected: bytes, given: bytes | None) -> bool:
    """Compare in constant time; what could not be read at all is compared too, and never equal."""
    same = hmac.compare_digest(expected, given or bytes(len(expected)))
    return same and given is not None


def keyed_digest(key: bytes, message: bytes) -> bytes:
    """Return the HMAC-SHA256, 32 bytes."""
    return hmac.new(key, message, hashlib.sha256).digest()


def given_identity(delivery: Delivery, *headers: str) -> tuple[str, ...]:
    """Return the first of these headers that is fit to be kept, as the one identity; else none."""
    for name in headers:
        if _IDENTIFIER.fullmatch(delivery.header(name)):
            return (delivery.header(name),)
    return ()


def content_identity(delivery: Delivery) -> str:
    """Return an identity made of what is signed, which no one can send again under another name."""
    return "sha256:" + hashlib.sha256(delivery.body).hexdigest()


def change_of(reference: object, commit: object, *, deleted: bool = False) -> Change | None:
    """Return the change of a full reference; None if it is no branch. A commit of zeros is a deletion.

    Raises ``UsageError`` where either cannot be what it is said to be.
    """
    if not isinstance(reference, str):
        raise UsageError("the delivery names no reference")
    branch = branch_of(reference)
    return None if branch is None else change_of_branch(branch, commit, deleted=deleted)


def change_of_branch(branch: object, commit: object, *, deleted: bool = False) -> Change:
    """Return the change of a branch. Raises ``UsageError`` as ``change_of`` does."""
    if not isinstance(branch, str):
        raise UsageError("the delivery names no branch")
    check_branch(branch)
    if deleted or (isinstance(commit, str) and is_no_commit(commit)):
        return Change(branch, None, deleted=True)
    if not isinstance(commit, str):
        raise UsageError(f"the delivery names no commit of {branch!r}")
    return Change(branch, check_commit(commit))


def news(addresses: Iterable[object], changes: Iterable[Change | None]) -> News | None:
    """Return the news, or None where no branch changed. What is no text among the addresses is left out."""
    found = tuple(change for change in changes if change is not None)[:MOST_CHANGES]
    told = tuple(address for address in addresses if isinstance(address, str) and address)
    return News(told, found) if found else None


def part(body: object, *names: str) -> Body:
    """Return the object found by going down ``names``, or an empty one."""
    for name in names:
        body = body.get(name) if isinstance(body, Mapping) else None
    return body if isinstance(body, Mapping) else {}


def items(body: object, name: str) -> list[Body]:
    """Return the objects of the list ``name``, bounded; empty if it is no list."""
    value = body.get(name) if isinstance(body, Mapping) else None
    found = value[:MOST_CHANGES] if isinstance(value, list) else []
    return [item for item in found if isinstance(item, Mapping)]


def _from_hex(signature: str) -> bytes | None:
    return bytes.fromhex(signature) if _HEX_SHA256.fullmatch(signature) else None
