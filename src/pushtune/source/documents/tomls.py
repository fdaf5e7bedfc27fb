"""TOML: values with their places, found by a careful scanner and held against what ``tomllib`` reads."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from pushtune.model.space import Value
from pushtune.source.documents.base import Leaf, Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_BARE = r"[A-Za-z0-9_-]+"
_KEY = rf"(?:{_BARE}|\"[^\"\\\n]*\"|'[^'\n]*')"
_DOTTED = rf"{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*"
_TABLE = re.compile(rf"^[ \t]*\[[ \t]*({_DOTTED})[ \t]*\][ \t]*(?:#.*)?$")
_TABLES = re.compile(rf"^[ \t]*\[\[[ \t]*({_DOTTED})[ \t]*\]\][ \t]*(?:#.*)?$")
_PAIR = re.compile(rf"^[ \t]*({_DOTTED})[ \t]*=[ \t]*")
_SCALAR = re.compile(r'"[^"\\\n]*"|\'[^\'\n]*\'|[-+A-Za-z0-9_.]+')
_REST = re.compile(r"[ \t]*(?:#.*)?$")


class TomlFormat:
    """TOML: scalars that stand on one line, in tables; what stands in arrays and inline tables is left."""

    def load(self, text: str) -> Any:
        """See ``Format``."""
        return tomllib.loads(text)

    def leaves(self, text: str) -> list[Leaf]:
        """See ``Format``."""
        content = tomllib.loads(text)
        found: list[Leaf] = []
        table: Path | None = ()
        at = 0
        for line in text.split("\n"):
            body = line.removesuffix("\r")
            header = _TABLE.match(body)
            if header or _TABLES.match(body):
                table = _parts(header.group(1)) if header else None
            elif table is not None:
                found += _leaf(content, table, body, at)
            at += len(line) + 1
        return found

    def written(self, value: Value, old: str) -> str:
        """See ``Format``."""
        if isinstance(value, bool):
            return "true" if value else "false"
        quote = old[:1] if old[:1] in ("'", '"') else ""
        if isinstance(value, str):
            plain = value.isidentifier()
            return f"{quote}{value}{quote}" if plain and quote else json.dumps(value)
        return f"{quote}{value!r}{quote}"


def _leaf(content: Any, table: Path, line: str, at: int) -> list[Leaf]:
    """Return the scalar of the line ``key = value``, if the file holds just that there.

    Text inside a multi-line string may look like such a line. It is found out by what is read: the value
    at that path must be the same, and change alone when the text is changed.
    """
    pair = _PAIR.match(line)
    scalar = _SCALAR.match(line, pair.end()) if pair else None
    if pair is None or scalar is None or not _REST.match(line, scalar.end()):
        return []
    path = (*table, *_parts(pair.group(1)))
    try:
        value = tomllib.loads(f"x = {scalar.group()}")["x"]
    except tomllib.TOMLDecodeError:
        return []
    if not isinstance(value, (bool, int, float, str)) or _at(content, path) != value:
        return []
    return [Leaf(path, at + scalar.start(), at + scalar.end(), value)]


def _at(content: Any, path: Path) -> Any:
    for part in path:
        if not isinstance(content, dict) or part not in content:
            return None
        content = content[part]
    return content


def _parts(dotted: str) -> Path:
    return tuple(part.strip("\"'") for part in re.findall(_KEY, dotted))
