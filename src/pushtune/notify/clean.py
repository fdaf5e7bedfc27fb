"""Hostile text made harmless: secrets masked, control characters gone, lengths bounded.

Escaping for HTML is the template's, encoding for headers the mail library's: here is what neither does.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from pushtune.notify.facts import LetterFacts

MASK = "•••"
SHORTEST_SECRET = 4
"""Shorter ones are not masked: that would tear letters out of every word and hide nothing."""
MOST_LOG_LINES = 40
_LONGEST = 300
_LONGEST_LOG_LINE = 400
_MOST_ITEMS = 2000
_LIMITS = {
    "repository": 80, "branch": 80, "commit": 64, "subject": 160, "author": 80, "study": 60, "script": 120,
    "kind": 80, "metric": 60, "target": 80, "name": 60, "data": 60, "what": 100, "before": 80, "after": 80,
    "place": 120, "stage": 20, "reproduce": 1000, "path": 400,
    "settings_file": 400,
}  # fmt: skip

Facts = TypeVar("Facts")


def printable(text: str) -> str:
    """Return ``text`` with every control character, line end and invisible mark made a space."""
    return "".join(character if character.isprintable() else " " for character in text)


def line(text: str, longest: int = _LONGEST) -> str:
    """Return one line of at most ``longest`` characters, without control characters."""
    # Scripts print megabytes in one line: only what can be shown is looked at.
    shown = printable(text.strip()[: longest + 1]).strip()
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def log_line(text: str) -> str:
    """Return one line of a log: its indentation stays."""
    head = text[: 2 * _LONGEST_LOG_LINE].expandtabs(4).rstrip()
    shown = printable(head)
    return shown if len(shown) <= _LONGEST_LOG_LINE else shown[: _LONGEST_LOG_LINE - 1] + "…"


class Masker:
    """Masks secrets wherever they stand: as they are, each line of a long one, and as in an address."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms: set[str] = set()
        for secret in secrets:
            lines = [part.strip() for part in secret.splitlines()] if "\n" in secret.strip() else []
            forms |= {secret, secret.strip(), quote(secret, safe=""), *(p for p in lines if len(p) >= 8)}
        usable = sorted((form for form in forms if len(form) >= SHORTEST_SECRET), key=len, reverse=True)
        self._text = re.compile("|".join(map(re.escape, usable))) if usable else None
        encoded = [re.escape(form.encode("utf-8", "surrogateescape")) for form in usable]
        self._bytes = re.compile(b"|".join(encoded)) if usable else None

    def text(self, text: str) -> str:
        """Return ``text`` without the secrets."""
        return text if self._text is None else self._text.sub(MASK, text)

    def data(self, data: bytes) -> bytes:
        """Return ``data`` without the secrets."""
        return data if self._bytes is None else self._bytes.sub(MASK.encode(), data)


def cleaned(facts: LetterFacts, secrets: Sequence[str] = ()) -> LetterFacts:
    """Return the facts with every text masked, printable, one line, bounded; of a log the last lines."""
    if facts.failed is not None:
        tail = facts.failed.log[-MOST_LOG_LINES:]
        facts = dataclasses.replace(facts, failed=dataclasses.replace(facts.failed, log=tail))
    return _cleaned(facts, Masker(secrets))


def _cleaned(record: Facts, masker: Masker) -> Facts:
    values = {
        field.name: _value(field.name, getattr(record, field.name), masker)
        for field in dataclasses.fields(record)  # type: ignore[arg-type]
    }
    return dataclasses.replace(record, **values)  # type: ignore[type-var]


def _value(name: str, value: Any, masker: Masker) -> Any:
    if isinstance(value, str):
        # Masked before it is cut: half a secret would not be known for one.
        masked = masker.text(value)
        return log_line(masked) if name == "log" else line(masked, _LIMITS.get(name, _LONGEST))
    if name == "curve":
        return value  # numbers only, and every one counts
    if isinstance(value, tuple):
        return tuple(_value(name, one, masker) for one in value[:_MOST_ITEMS])
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _cleaned(value, masker)
    return value
