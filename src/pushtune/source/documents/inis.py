"""INI files as ``configparser`` reads them: every value is a text that stands on one line."""

from __future__ import annotations

import configparser
import re
from typing import Any

from pushtune.model.space import Value
from pushtune.source.documents.base import Leaf

_SECTION = re.compile(r"\[(?P<name>[^]\n]+)\]")
_PAIR = re.compile(r"(?P<key>[^\s:=#;\[][^:=]*?)\s*[:=][ \t]*(?P<value>\S.*?)[ \t]*$")


class IniFormat:
    """Sections of texts. ``DEFAULT`` is a section like any: what it hands on to others is not followed.

    Values that go on in indented lines are left out, and so are files with a key twice.
    """

    def load(self, text: str) -> Any:
        """See ``Format``. Keys are kept as they are written: most programs ask for them so."""
        parser = configparser.ConfigParser(interpolation=None, default_section="", strict=True)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        try:
            parser.read_string(text)
        except configparser.Error as error:
            raise ValueError(str(error)) from None
        return {name: dict(parser.items(name)) for name in parser.sections()}

    def leaves(self, text: str) -> list[Leaf]:
        """See ``Format``."""
        content = self.load(text)
        found: list[Leaf] = []
        section, at = "", 0
        for line in text.split("\n"):
            body = line.removesuffix("\r")
            header, pair = _SECTION.match(body), _PAIR.match(body)
            if header:
                section = header["name"]
            elif pair and content.get(section, {}).get(pair["key"]) == pair["value"]:
                place = at + pair.start("value")
                path = (section, pair["key"])
                found.append(Leaf(path, place, place + len(pair["value"]), pair["value"]))
            at += len(line) + 1
        return found

    def written(self, value: Value, old: str) -> str:
        """See ``Format``."""
        return str(value)
