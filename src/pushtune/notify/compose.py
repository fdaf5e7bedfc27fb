"""One letter as a mail message: text, HTML, the picture in it, attachments, headers that nobody forges."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from pushtune.notify import picture as drawing
from pushtune.notify import words
from pushtune.notify.addresses import usable
from pushtune.notify.attachments import Attachment, Fitted, fitted
from pushtune.notify.clean import Masker, cleaned
from pushtune.notify.facts import LetterFacts
from pushtune.notify.identity import is_id
from pushtune.notify.occasions import Occasion
from pushtune.notify.rendering import HTML, SUBJECT, TEXT, render
from pushtune.notify.view import Picture, view_of

SENDER_NAME = "Pushtune"


@dataclass(frozen=True)
class Envelope:
    """From whom, to whom, when (unix seconds), and the letter's fixed names (see ``identity``).

    ``thread`` is the id that all letters of the branch refer to; ``""`` leaves it out.
    """

    sender: str
    recipients: tuple[str, ...]
    message_id: str
    date: float
    thread: str = ""


def compose(
    facts: LetterFacts,
    occasion: Occasion,
    envelope: Envelope,
    *,
    attachments: Sequence[Attachment] = (),
    secrets: Sequence[str] = (),
    templates: Path | None = None,
) -> EmailMessage:
    """Return the letter; ``to_bytes`` makes of it what is sent. The same arguments give the same bytes.

    ``secrets`` are masked wherever they stand. ``templates`` is the team's folder; a broken template in
    it is replaced by ours and the letter says so. Raises ``ValueError`` for an envelope with an address
    or an id that is none (see ``recipients`` and ``identity``, which make good ones).
    """
    message = _addressed(envelope)
    files, notes = fitted(attachments, Masker(secrets))
    facts = cleaned(facts, secrets)
    png = drawing.curve_png(facts.curve, facts.target_value)
    shown = None if png is None else _picture(facts, envelope.message_id)
    texts = render(view_of(facts, occasion, shown, notes), templates)
    message["Subject"] = texts[SUBJECT]
    message["X-Pushtune-Occasion"] = occasion.word
    message.set_content(texts[TEXT], cte="quoted-printable")
    message.add_alternative(texts[HTML], subtype="html", cte="quoted-printable")
    # A team's template may leave the picture out; it would then hang below the letter as a file.
    if png is not None and shown is not None and f"cid:{shown.cid}" in texts[HTML]:
        _inline(message, png, shown.cid)
    for file in files:
        _attach(message, file)
    _fix_boundaries(message, envelope.message_id)
    return message


def to_bytes(message: EmailMessage) -> bytes:
    """Return a letter as it is sent: 7 bit, lines ended by CR LF and shorter than 998 characters."""
    return message.as_bytes(policy=SMTP)


def _addressed(envelope: Envelope) -> EmailMessage:
    for identifier in (envelope.message_id, *([envelope.thread] if envelope.thread else [])):
        if not is_id(identifier):
            raise ValueError(f"not an id of a letter: {identifier!r}")
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(SENDER_NAME, addr_spec=usable(envelope.sender))
    # Addresses only: a name beside one is the place where headers are forged, and tells its reader nothing.
    message["To"] = tuple(Address(addr_spec=usable(one)) for one in envelope.recipients)
    message["Date"] = datetime.fromtimestamp(envelope.date, tz=timezone.utc)
    message["Message-ID"] = envelope.message_id
    if envelope.thread:
        message["In-Reply-To"] = envelope.thread
        message["References"] = envelope.thread
    # No robot answers this letter (RFC 3834), Exchange's included.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    return message


def _picture(facts: LetterFacts, message_id: str) -> Picture:
    told = words.step(facts)
    text = f"Best value after {words.counted(facts.trials or len(facts.curve), 'trial')}" + (
        f": {told}." if told else "."
    )
    target = f"target {facts.target_value:g}" if facts.target_value is not None else ""
    return Picture(f"curve.{_digest(message_id)}@pushtune", text, drawing.WIDTH, drawing.HEIGHT, target)


def _inline(message: EmailMessage, png: bytes, cid: str) -> None:
    html = message.get_body(("html",))
    assert isinstance(html, EmailMessage)
    html.add_related(png, "image", "png", cid=f"<{cid}>", filename="curve.png", disposition="inline")


def _attach(message: EmailMessage, file: Fitted) -> None:
    # As bytes: a patch must arrive as it is, whatever its line ends and its encoding are.
    message.add_attachment(
        file.data, "text", file.subtype, filename=file.name, cte="base64", params={"charset": "utf-8"}
    )


def _fix_boundaries(message: EmailMessage, message_id: str) -> None:
    """Make the same letter the same bytes. Neither encoding that is used can make ``=_`` in a body."""
    parts = [part for part in message.walk() if part.is_multipart()]
    for number, part in enumerate(parts):
        part.set_boundary(f"=_{_digest(message_id)}_{number}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]
