"""Which distribution brings an import: the curated map (``distributions.toml`` beside this file)."""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@cache
def known_distributions() -> dict[str, str]:
    """Return the map from dotted import names to distributions. It is shared: do not change it."""
    text = (Path(__file__).parent / "distributions.toml").read_text(encoding="utf-8")
    names: dict[str, str] = tomllib.loads(text)["names"]
    return names


def canonical(distribution: str) -> str:
    """Return the one spelling of a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()
