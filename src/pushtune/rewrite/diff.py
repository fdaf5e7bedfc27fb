"""Unified diffs that ``git apply`` accepts."""

from __future__ import annotations

import difflib
import re

_CONTEXT = 3


def unified_diff(path: str, before: bytes, after: bytes) -> str:
    """Return the diff of one file with ``a/`` and ``b/`` headers; empty if nothing changed.

    Bytes that are not UTF-8 come as surrogates: write it with ``encode("utf-8", "surrogateescape")``.
    """
    if before == after:
        return ""
    old, new = _lines(before), _lines(after)
    hunks = list(
        difflib.unified_diff(old, new, _header("a", path), _header("b", path), n=_CONTEXT, lineterm="\n")
    )
    return "".join(_terminated(line) for line in hunks)


def _lines(data: bytes) -> list[str]:
    """Split at line feeds alone, as git does; carriage returns stay in the lines."""
    return re.findall(r"[^\n]*\n|[^\n]+", data.decode("utf-8", "surrogateescape"))


def _header(side: str, path: str) -> str:
    """Return the file's name as git writes it: quoted if it must be, with a tab behind blanks."""
    name = f"{side}/{path}"
    if re.search(r'["\\\x00-\x1f]', name):
        body = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
        return f'"{body}"'
    return f"{name}\t" if " " in name else name


def _terminated(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
