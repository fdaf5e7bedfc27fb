"""Tells Python 2 from a mistake, where a file does not parse."""

from __future__ import annotations

import re

_SIGNS = (
    (re.compile(r"^\s*print\s+(?![=(.,)\]:]|(?:in|is|if|and|or)\b)[\"'\w>%`-]"), "the print statement"),
    (re.compile(r"^\s*print\s*$|^\s*print\s*>>"), "the print statement"),
    (re.compile(r"^\s*except\s+[\w.]+\s*,\s*\w+\s*:"), "`except Error, name`"),
    (re.compile(r"^\s*raise\s+[\w.]+\s*,\s*[\"'\w]"), "`raise Error, text`"),
    (re.compile(r"^\s*exec\s+[\"'\w]"), "the exec statement"),
    (re.compile(r"\s<>\s"), "the operator <>"),
    (re.compile(r"(?<![\w\"'])ur[\"']"), "ur'…' texts"),
)


def sign_of_python2(text: str, line: int) -> tuple[int, str] | None:
    """Return the line and the sign by which ``text`` is Python 2, the line that does not parse first."""
    lines = text.splitlines()
    order = [*range(max(0, line - 2), min(len(lines), line + 1)), *range(len(lines))]
    for number in order:
        for pattern, sign in _SIGNS:
            if pattern.search(lines[number]):
                return number + 1, sign
    return None
