"""Sending what is in the outbox, beside everything else: a mail server that is slow holds up nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as WaitedLongError
from contextlib import suppress
from dataclasses import dataclass, replace

from pushtune.errors import MailLaterError, MailRefusedError, PushtuneError
from pushtune.ledger import Ledger, MailRow
from pushtune.model.ports import Channel, Delivery, Unreached
from pushtune.notify.backoff import hopeless, is_due, next_try

CLOSING_SECONDS = 30.0
"""How long a letter that is on its way may hold up the end of the server."""


@dataclass(frozen=True)
class _Tried:
    """What came of one try. ``later``: it is to be tried again; ``refused``: it never will be taken.

    ``written``: the ledger knows already that it was sent.
    """

    delivery: Delivery | None
    later: str = ""
    refused: str = ""
    written: bool = False


class Post:
    """Sends letters, one at a time. Called from the service's thread; only the sending has its own.

    A letter is marked sent after the mail server took it: killed in between, the next server sends it
    again, with the same Message-ID.
    """

    def __init__(
        self, ledger: Ledger, channel: Channel | None, clock: Callable[[], float], say: Callable[[str], None]
    ) -> None:
        self._ledger = ledger
        self._channel = channel
        self._clock = clock
        self._say = say
        self._under_way: tuple[MailRow, Future[_Tried]] | None = None
        self._looked = 0.0

    def send(self, *, every: float = 0.5) -> None:
        """Start the next letter that is due, and write down what came of the last."""
        if self._under_way is not None:
            letter, future = self._under_way
            if not future.done():
                return
            # Where that cannot be written down now, it is the next time: it must not be sent again for that.
            self._record(letter, future.result())
            self._under_way = None
            self._looked = 0.0
        now = self._clock()
        if self._channel is None or 0 <= now - self._looked < every:
            return
        self._looked = now
        due = self._due(now)
        if due:
            self._under_way = (due[0], self._beside(self._channel, due[0]))

    def flush(self, push: int | None) -> list[MailRow]:
        """Send the letters of one push, or of all, while the caller waits; return those that still wait."""
        for letter in self._due(self._clock(), push=push) if self._channel is not None else []:
            self._record(letter, _hand_over(self._channel, letter))
        return self._ledger.outbox.waiting(push=push)

    def close(self, *, seconds: float = CLOSING_SECONDS) -> None:
        """Wait for a letter that is on its way, and write down what came of it.

        A mail server that takes longer than ``seconds`` holds up no end: the letter is the next server's.
        """
        if self._under_way is not None:
            letter, future = self._under_way
            try:
                self._record(letter, future.result(seconds))
            except WaitedLongError:
                self._say("a letter is on its way still; the next server sends it, once more if need be")

    def _beside(self, channel: Channel, letter: MailRow) -> Future[_Tried]:
        """Hand a letter over in a thread that ends with the process, whatever the mail server does."""
        future: Future[_Tried] = Future()
        thread = threading.Thread(
            target=lambda: future.set_result(self._written(letter, _hand_over(channel, letter))),
            name="post",
            daemon=True,
        )
        thread.start()
        return future

    def _written(self, letter: MailRow, tried: _Tried) -> _Tried:
        """Write down at once that a letter was taken: killed before that, it is sent again."""
        if tried.delivery is None or tried.delivery.postponed:
            return tried
        with suppress(PushtuneError):  # the disk is full: it is written as soon as there is room
            told = _told(tried.delivery.refused)
            self._ledger.outbox.sent(letter.id, now=self._clock(), error=told)
            return replace(tried, written=True)
        return tried

    def _due(self, now: float, push: int | None = None) -> list[MailRow]:
        return [row for row in self._ledger.outbox.waiting(push=push) if is_due(row.next_try, now)]

    def _record(self, letter: MailRow, tried: _Tried) -> None:
        outbox, now = self._ledger.outbox, self._clock()
        if tried.refused:
            outbox.given_up(letter.id, tried.refused)
            self._say(f"the letter to {', '.join(letter.recipients)} is refused: {tried.refused}")
        elif tried.later:
            self._postpone(letter, tried.later, letter.recipients, now)
        elif tried.delivery is not None and tried.delivery.postponed:
            left = tuple(one.address for one in tried.delivery.postponed)
            self._say_refused(tried.delivery.refused)
            self._postpone(letter, tried.delivery.postponed[0].reason, left, now)
        else:
            refused = () if tried.delivery is None else tried.delivery.refused
            if not tried.written:
                outbox.sent(letter.id, now=now, error=_told(refused))
            missed = {one.address for one in refused}
            self._say(f"mailed {', '.join(one for one in letter.recipients if one not in missed)}")
            self._say_refused(refused)

    def _say_refused(self, refused: Sequence[Unreached]) -> None:
        if refused:
            self._say(f"the mail server refuses {_told(refused)}")

    def _postpone(self, letter: MailRow, why: str, recipients: tuple[str, ...], now: float) -> None:
        if hopeless(letter.tries + 1, letter.created, now):
            self._ledger.outbox.given_up(letter.id, why)
            self._say(f"a letter is given up after {letter.tries + 1} tries: {why}")
            return
        again = next_try(letter.tries + 1, now)
        self._ledger.outbox.postponed(letter.id, why, next_try=again, recipients=recipients)
        if letter.error != why:
            self._say(f"a letter waits: {why}")


def _told(refused: Sequence[Unreached]) -> str:
    return "; ".join(f"{one.address}: {one.code} {one.reason}" for one in refused)


def _hand_over(channel: Channel | None, letter: MailRow) -> _Tried:
    assert channel is not None
    try:
        return _Tried(channel.send(letter.body, letter.sender, letter.recipients))
    except MailRefusedError as error:
        return _Tried(None, refused=str(error))
    except MailLaterError as error:
        return _Tried(None, later=str(error))
    except Exception as error:  # noqa: BLE001 - a thread's outer boundary: a letter is not lost for a bug of ours
        return _Tried(None, later=repr(error))
