"""How the machine's slots are shared between studies, so that no greedy one starves another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Demand:
    """What one study asks for.

    ``running`` slots it has now, ``wanted`` more it could use at once; ``waiting_since`` is when it last got
    one, or began to want one (any one clock, the same for all).
    """

    study: str
    running: int
    wanted: int
    waiting_since: float


def fair_shares(total: int, demands: Sequence[Demand]) -> dict[str, int]:
    """Return how many slots each study may have now, those that it has included.

    Max-min fair (Bertsekas and Gallager, Data Networks, 6.5.2) with what runs left running: each free slot
    goes to the study that has the fewest among those that want one, among equals to the one that has waited
    longest, then by name. No slot stays free while any study wants one. Where more run than ``total`` (it
    was lowered), no more are given until enough have ended.
    """
    shares = {demand.study: demand.running for demand in demands}
    most = {demand.study: demand.running + demand.wanted for demand in demands}
    waiting = {demand.study: demand.waiting_since for demand in demands}
    for _ in range(total - sum(shares.values())):
        hungry = [study for study, share in shares.items() if share < most[study]]
        if not hungry:
            break
        shares[min(hungry, key=lambda study: (shares[study], waiting[study], study))] += 1
    return shares
