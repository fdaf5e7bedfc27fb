"""One settings file as it was written: its values, and the line of each, for whoever has to mend it."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pushtune.errors import SettingsError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_TABLE = re.compile(r"\s*\[([^\]\s]{1,200})\]")
_KEY = re.compile(r"\s*([^\s=#]{1,200})\s*=")
_PLACE = re.compile(r"\(at line (\d{1,7}), column \d{1,7}\)")
_LONGEST_LINE = 80


@dataclass(frozen=True)
class SettingsFile:
    """What a file says. ``name`` is how it is called in messages; ``values`` have names with underscores.

    ``table`` is where the settings are in it (`tool`, `pushtune`); none: at its root.
    """

    name: str
    values: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    table: tuple[str, ...] = ()

    def at_line(self, error: SettingsError, setting: str) -> SettingsError:
        """Return ``error``, which a setting of this file made, with the line that is to be mended."""
        lines, said = self._lines(), str(error)
        # Of a table, the entry that the message is about; where it is about none, the table's head.
        inner = (
            name
            for name in lines
            if name.startswith(f"{setting}.")
            and (f"{self.name}: {name}" in said or f"no setting called {name.rpartition('.')[2]!r}" in said)
        )
        line = lines.get(next(inner, setting))
        return error if line is None else SettingsError(f"{error} (line {line})", fix=error.fix)

    def _lines(self) -> dict[str, int]:
        lines: dict[str, int] = {}
        table: tuple[str, ...] = ()
        for number, line in enumerate(self.text.splitlines(), start=1):
            if head := _TABLE.match(line):
                table = _parts(head[1])
                found = table
            elif key := _KEY.match(line):
                found = (*table, *_parts(key[1]))
            else:
                continue
            if found[: len(self.table)] == self.table:
                lines.setdefault(".".join(found[len(self.table) :]), number)
        return lines


def parsed(name: str, text: str) -> dict[str, Any]:
    """Return the tables of a TOML file. Raises ``SettingsError`` that shows the line that is none."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{name} cannot be read: {error}{_shown(text, error)}", fix=_fix(error)) from None


def plain_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with underscores in their names: dashes are as good."""
    return {str(key).replace("-", "_"): value for key, value in values.items()}


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'").replace("-", "_") for part in name.split("."))


def _line(error: Exception) -> int | None:
    place = _PLACE.search(str(error))
    return None if place is None else int(place[1])


def _shown(text: str, error: Exception) -> str:
    """Return the line that is wrong, quoted: it is a stranger's."""
    number, lines = _line(error), text.splitlines()
    if number is None or not 1 <= number <= len(lines):
        return ""
    line = lines[number - 1].strip()
    return f": {line[:_LONGEST_LINE]!r}"


def _fix(error: Exception) -> str:
    number = _line(error)
    where = "the file" if number is None else f"line {number}"
    return f'mend {where}: a text stands in quotes, as in target = "accuracy>=0.95"; a list in brackets'
