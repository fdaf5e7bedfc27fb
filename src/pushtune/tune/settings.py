"""What a developer chooses about a search."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SearchSettings:
    """The search's settings; all are part of a study's identity but ``trials``.

    ``trials`` counts configurations started, the baseline not among them. ``patience``: stop when this
    many started trials in a row brought nothing better; None: half the trials, at least 12. ``eta``: one
    in so many trials goes on at a rung, and a rung is so many times the one before. ``rungs``: whether
    trials may pause between epochs to be compared; ``first_rung``: the epoch at which they first do.
    """

    strategy: str = "auto"
    trials: int = 40
    patience: int | None = None
    seed: int = 0
    eta: int = 3
    rungs: bool = True
    first_rung: int = 1
