"""The rules of `analyse/` as data. Each table is read once, when it is first asked for."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@cache
def table(name: str) -> dict[str, Any]:
    """Return the table ``name.toml`` beside this file. It is shared: do not change it."""
    return tomllib.loads((Path(__file__).parent / f"{name}.toml").read_text(encoding="utf-8"))


def parse_toml(text: str) -> dict[str, Any]:
    """Read a file of the author's; one that is not TOML says nothing."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}
