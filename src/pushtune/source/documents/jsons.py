"""JSON: values with their places, found by a small scanner over the text that ``json`` accepts."""

from __future__ import annotations

import json
import re
from typing import Any

from pushtune.model.space import Value
from pushtune.source.documents.base import Leaf, Path

_BLANK = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s,\]\}]+')


class JsonFormat:
    """Plain JSON: no comments, no trailing commas; duplicate keys are declined."""

    def load(self, text: str) -> Any:
        """See ``Format``."""
        return json.loads(text, object_pairs_hook=_unique)

    def leaves(self, text: str) -> list[Leaf]:
        """See ``Format``."""
        found: list[Leaf] = []
        _value(text, _blank(text, 0), (), found)
        return found

    def written(self, value: Value, old: str) -> str:
        """See ``Format``."""
        plain = json.dumps(value, ensure_ascii=False)
        return json.dumps(plain) if old.startswith('"') and not isinstance(value, str) else plain


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _blank(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _value(text: str, at: int, path: Path, found: list[Leaf]) -> int:
    """Note the scalars of the value that begins at ``at``; return where it ends."""
    if text[at] == "{":
        return _members(text, at, path, found)
    if text[at] == "[":
        return _items(text, at, path, found)
    match = _SCALAR.match(text, at)
    if match is None:
        raise ValueError(f"no value at {at}")
    found.append(Leaf(path, at, match.end(), json.loads(match.group())))
    return match.end()


def _members(text: str, at: int, path: Path, found: list[Leaf]) -> int:
    at = _blank(text, at + 1)
    while text[at] != "}":
        match = _SCALAR.match(text, at)
        if match is None:
            raise ValueError(f"no key at {at}")
        colon = _blank(text, match.end())
        at = _blank(text, _value(text, _blank(text, colon + 1), (*path, json.loads(match.group())), found))
        at = _blank(text, at + 1) if text[at] == "," else at
    return at + 1


def _items(text: str, at: int, path: Path, found: list[Leaf]) -> int:
    at, number = _blank(text, at + 1), 0
    while text[at] != "]":
        at = _blank(text, _value(text, at, (*path, number), found))
        at, number = (_blank(text, at + 1) if text[at] == "," else at), number + 1
    return at + 1
