"""A channel without a mail server that keeps the promises of one."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from pushtune.errors import MailError, MailLaterError, MailRefusedError
from pushtune.model.ports import Delivery, Unreached


@dataclass(frozen=True)
class Posted:
    """One letter as it was handed over, with those recipients who get it."""

    sender: str
    recipients: tuple[str, ...]
    body: bytes


class FakeChannel:
    """Implements ``Channel``. ``posted`` holds what was taken, in order.

    ``troubles`` are raised by the next calls, one each. ``rejects`` maps an address to the status that
    the server answers for it: 500 and more for good, 400 and more for now.
    """

    def __init__(self) -> None:
        self.posted: list[Posted] = []
        self.troubles: deque[MailError] = deque()
        self.rejects: dict[str, int] = {}

    def send(self, body: bytes, sender: str, recipients: Sequence[str]) -> Delivery:
        """Take the letter, for all who are not rejected."""
        if self.troubles:
            raise self.troubles.popleft()
        hostile = any(not one.isprintable() or not one.isascii() for one in (sender, *recipients))
        if hostile or not recipients:
            raise MailRefusedError("the letter has no recipient, or one that is no address")
        missed = [Unreached(one, self.rejects[one], "rejected") for one in recipients if one in self.rejects]
        delivery = Delivery(
            tuple(one for one in missed if one.code >= 500), tuple(one for one in missed if one.code < 500)
        )
        self._judge(delivery, len(recipients))
        taken = tuple(one for one in recipients if one not in self.rejects)
        self.posted.append(Posted(sender, taken, body))
        return delivery

    @staticmethod
    def _judge(delivery: Delivery, count: int) -> None:
        if len(delivery.refused) == count:
            raise MailRefusedError("every recipient is refused")
        if len(delivery.refused) + len(delivery.postponed) == count:
            raise MailLaterError("no recipient is taken now")
