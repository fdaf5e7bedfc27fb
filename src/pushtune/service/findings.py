"""What the doctor says of one thing that it looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. ``needed``: pushtune cannot work without it."""

    name: str
    what: str
    good: bool
    needed: bool = False
    fix: str = ""
