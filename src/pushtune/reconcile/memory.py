"""How many paused processes the machine has room for."""

from __future__ import annotations

from collections.abc import Sequence

import psutil

from pushtune.model.ports import Runtime
from pushtune.reconcile.attempt import LiveAttempt


def too_many_paused(
    paused: Sequence[LiveAttempt], runtime: Runtime, share: float, *, free: int | None = None
) -> list[LiveAttempt]:
    """Return the paused attempts to end, the oldest first, until the rest holds at most ``share`` of what
    memory is free or held by them. ``free`` is in bytes (None: asked of the machine).

    The oldest has waited longest for its promotion: what came after it at the same rung was better.
    """
    if not paused:
        return []
    held = [runtime.memory(live.handle) for live in paused]
    if free is None:
        free = psutil.virtual_memory().available
    allowed = share * (free + sum(held))
    excess: list[LiveAttempt] = []
    total = sum(held)
    for live, size in zip(paused, held, strict=True):
        if total <= allowed:
            break
        excess.append(live)
        total -= size
    return excess
