"""Webhooks: a forge tells that somebody pushed. What it tells is a reason to look at a known repository."""

from __future__ import annotations

import json
import secrets as chance
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import parse_qs

from pushtune.errors import SettingsError, UsageError
from pushtune.watch.addresses import sameness
from pushtune.watch.announcement import Announcement
from pushtune.watch.forges import FORGES
from pushtune.watch.forges.base import Body, Delivery, Forge, News
from pushtune.watch.http_server import Answer, Request
from pushtune.watch.sparing import Sparing

SHORTEST_SECRET = 16
"""Characters: a shorter one could be guessed."""

_HOOKS = "/hooks/"
_HEALTH = "/healthz"
_FORM = "application/x-www-form-urlencoded"
_CONTENT_TYPES = ("application/json", _FORM)

# One answer for whoever cannot prove that it is one of ours, whatever the reason.
_REFUSED = Answer(HTTPStatus.UNAUTHORIZED, "refused", even=True)
_UNREADABLE = Answer(HTTPStatus.BAD_REQUEST, "not understood")
_REPLAYED = Answer(HTTPStatus.CONFLICT, "received before")
_IGNORED = Answer(HTTPStatus.NO_CONTENT)
_ACCEPTED = Answer(HTTPStatus.ACCEPTED, "accepted")
_PONG = Answer(HTTPStatus.OK, "pong")

# What is checked where no secret is set, so that it takes as long; known to nobody.
_NOBODYS_SECRET = chance.token_hex()


@dataclass(frozen=True)
class Webhooks:
    """Answers the requests of forges; ``admit`` and ``answer`` are what an ``HttpServer`` wants.

    * ``secrets``: for each forge those that its webhooks may be signed with (two while they are changed).
    * ``known``: returns number and address of every repository that is watched.
    * ``take_delivery``: remembers an identity of a forge's delivery; False if it was remembered before.
    * ``tell``: hands news on. It is called after the delivery was taken and must not fail: putting it into
      a queue is enough, as long as every repository is looked at again when a server starts.
    * ``note``: is given one printable line when a delivery is refused; the same line once a minute at most.

    Raises ``SettingsError`` for secrets that are too short and for forges that there are not.
    """

    secrets: Mapping[str, Sequence[str]]
    known: Callable[[], Iterable[tuple[int, str]]]
    take_delivery: Callable[[str, str], bool]
    tell: Callable[[Announcement], None]
    note: Callable[[str], None] = lambda line: None
    clock: Callable[[], float] = time.time
    _sparing: Sparing = field(default_factory=Sparing, init=False, repr=False)

    def __post_init__(self) -> None:
        for forge, several in self.secrets.items():
            _check_secrets(forge, several)

    def admit(self, request: Request) -> Answer | None:
        """Answer what can be answered without the body; None where it must be read."""
        if request.path == _HEALTH:
            return Answer(HTTPStatus.OK, "ok") if request.method == "GET" else _not_allowed("GET")
        if request.path.removeprefix(_HOOKS) not in FORGES or not request.path.startswith(_HOOKS):
            return Answer(HTTPStatus.NOT_FOUND, "nothing here")
        if request.method != "POST":
            return _not_allowed("POST")
        if _content_type(request) not in _CONTENT_TYPES:
            return Answer(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send JSON")
        return None

    def answer(self, request: Request) -> Answer:
        """Check the signature over the raw body, read it, tell what it says of known repositories."""
        forge = FORGES[request.path.removeprefix(_HOOKS)]
        delivery = Delivery(request.headers, request.body, self.clock())
        if forge.is_unsigned_ping(delivery):
            return _PONG
        if not self._is_signed(forge, delivery):
            return self._refuse(forge, _REFUSED, "its signature is missing or wrong")
        if forge.is_ping(delivery):
            return _PONG
        try:
            news = forge.read(delivery, _parsed(request))
        except UsageError as error:
            return self._refuse(forge, _UNREADABLE, str(error))
        return _IGNORED if news is None else self._take(forge, delivery, news)

    def _is_signed(self, forge: Forge, delivery: Delivery) -> bool:
        several = self.secrets.get(forge.name) or (_NOBODYS_SECRET,)
        # All are tried: how long it takes must not tell which one it was.
        found = [forge.is_signed(delivery, secret) for secret in several]
        return any(found)

    def _take(self, forge: Forge, delivery: Delivery, news: News) -> Answer:
        repositories = self._matching(news)
        if not repositories:
            return self._refuse(forge, _REFUSED, "it speaks of no repository that is watched")
        identities = forge.identities(delivery)
        # Each is taken, also after one that was taken before.
        taken = [self.take_delivery(forge.name, identity) for identity in identities]
        if not all(taken):
            return self._refuse(forge, _REPLAYED, "it was received before")
        for repository in repositories:
            for change in news.changes:
                self.tell(
                    Announcement(
                        repository, None, change.branch, change.commit, "webhook",
                        forge=forge.name, delivery=identities[0], deleted=change.deleted,
                    )
                )  # fmt: skip
        return _ACCEPTED

    def _matching(self, news: News) -> list[int]:
        """Return the repositories that the news may be of. Addresses are compared, never followed."""
        told = {sameness(address) for address in news.addresses} - {None}
        return [number for number, address in self.known() if sameness(address) in told]

    def _refuse(self, forge: Forge, answer: Answer, why: str) -> Answer:
        self._sparing.say(self.note, f"a webhook of {forge.name} was refused: {why}", self.clock())
        return answer


def _check_secrets(forge: str, several: Sequence[str]) -> None:
    if forge not in FORGES:
        raise SettingsError(f"there is no forge called {forge!r}", fix=f"one of {', '.join(FORGES)}")
    if any(len(secret) < SHORTEST_SECRET for secret in several):
        raise SettingsError(
            f"a webhook secret of {forge} has fewer than {SHORTEST_SECRET} characters",
            fix="make one with `openssl rand -hex 32`",
        )


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _parsed(request: Request) -> Body:
    """Return the body's object. Raises ``UsageError`` for what is none, and for nesting without end."""
    try:
        text = _form_payload(request.body) if _content_type(request) == _FORM else request.body.decode()
        body: Any = json.loads(text, parse_constant=_no_number)
    # A RecursionError: nested more deeply than anything that a forge sends.
    except (ValueError, RecursionError) as error:
        raise UsageError("its body is no JSON") from error
    if not isinstance(body, dict):
        raise UsageError("its body is no JSON object")
    return body


def _form_payload(body: bytes) -> str:
    fields = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=10, errors="strict")
    values = fields.get("payload", [])
    if len(values) != 1:
        raise UsageError("its form has no payload")
    return values[0]


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _not_allowed(method: str) -> Answer:
    return Answer(HTTPStatus.METHOD_NOT_ALLOWED, f"only {method}", headers={"Allow": method})
