"""The structural moves on layers: one file each, all listed in ``MOVES``."""

from __future__ import annotations

from collections.abc import Mapping

from pushtune.rewrite.base import Finder

MOVES: Mapping[str, Finder] = {}
"""Every structural move by name. The order is that of parameters."""
