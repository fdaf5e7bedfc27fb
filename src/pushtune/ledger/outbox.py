"""Letters to be sent: written with the state change that they tell of, marked sent only afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Row, insert, select, update

from pushtune.ledger.engine import transaction
from pushtune.ledger.records import MailRow
from pushtune.ledger.tables import outbox
from pushtune.model.states import MAIL_TRANSITIONS, MailState


class Outbox:
    """Reads and writes letters. Times are unix seconds, given by the caller."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put(self, row: MailRow) -> bool:
        """Write a letter; False if the push has one for this occasion already."""
        with transaction(self._engine) as connection:
            return put_letter(connection, row)

    def waiting(self, *, push: int | None = None) -> list[MailRow]:
        """Return the letters that are still to be sent, the oldest first."""
        query = select(outbox).where(outbox.c.state == MailState.WAITING.value)
        if push is not None:
            query = query.where(outbox.c.push == push)
        return self._all(query)

    def of_push(self, push: int) -> list[MailRow]:
        """Return every letter of one push."""
        return self._all(select(outbox).where(outbox.c.push == push))

    def _all(self, query: Any) -> list[MailRow]:
        with self._engine.connect() as connection:
            return [_mail(row) for row in connection.execute(query.order_by(outbox.c.id))]

    def sent(self, letter: int, *, now: float, error: str = "") -> None:
        """Write that the mail server took a letter. ``error``: whom it refused, and why."""
        self._move(letter, MailState.SENT, sent=now, error=error[:1000])

    def postponed(self, letter: int, error: str, *, next_try: float, recipients: Sequence[str]) -> None:
        """Write that a letter could not be sent to ``recipients``, and when to try again."""
        with transaction(self._engine) as connection:
            connection.execute(
                update(outbox)
                .where(outbox.c.id == letter, outbox.c.state == MailState.WAITING.value)
                .values(
                    error=error[:1000],
                    next_try=next_try,
                    recipients=list(recipients),
                    tries=outbox.c.tries + 1,
                )
            )

    def given_up(self, letter: int, error: str) -> None:
        """Write that a letter will not be sent (its server refuses it for good)."""
        self._move(letter, MailState.GIVEN_UP, error=error[:1000])

    def _move(self, letter: int, state: MailState, **values: Any) -> None:
        sources = [old.value for old, new in MAIL_TRANSITIONS.items() if state in new]
        with transaction(self._engine) as connection:
            connection.execute(
                update(outbox)
                .where(outbox.c.id == letter, outbox.c.state.in_(sources))
                .values(state=state.value, **values)
            )


def put_letter(connection: Connection, row: MailRow) -> bool:
    """Write a letter within a transaction; False if the push has one for this occasion already."""
    there = select(outbox.c.id).where(outbox.c.push == row.push, outbox.c.occasion == row.occasion)
    if connection.execute(there).first() is not None:
        return False
    values = {name: value for name, value in vars(row).items() if name != "id"}
    connection.execute(
        insert(outbox).values({**values, "state": row.state.value, "recipients": list(row.recipients)})
    )
    return True


def _mail(row: Row[Any]) -> MailRow:
    return MailRow(**{**row._mapping, "state": MailState(row.state), "recipients": tuple(row.recipients)})
