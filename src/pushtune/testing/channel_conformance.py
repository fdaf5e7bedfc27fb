# ruff: noqa: D102 - the tests are named in sentences
"""What every ``Channel`` promises, as tests. Subclass it in a test module and give it a ``post`` fixture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pytest

from pushtune.errors import MailLaterError, MailRefusedError
from pushtune.model.ports import Channel

SENDER = "pushtune@example.org"
ADA, BOB, EVE = "ada@example.org", "bob@example.org", "eve@example.org"
BODY = b"From: pushtune@example.org\r\nSubject: one\r\n\r\nHello.\r\n.\r\n.dots stay\r\n\r\n"


class Post(Protocol):
    """A channel with what is behind it: who got what, and the trouble that the test makes."""

    channel: Channel

    def got(self) -> Sequence[tuple[str, tuple[str, ...], bytes]]:
        """Return sender, recipients and body of every letter that was taken, in order."""

    def reject(self, address: str, code: int) -> None:
        """Let the server answer ``code`` for this recipient from now on."""

    def fail_once(self, code: int) -> None:
        """Let the server answer ``code`` to the whole next letter."""


class ChannelConformance:
    """One letter, some of it, or none: each recipient gets it once, and what happened is told."""

    def test_a_letter_arrives_as_it_is(self, post: Post) -> None:
        delivery = post.channel.send(BODY, SENDER, [ADA, BOB])
        assert (delivery.refused, delivery.postponed) == ((), ())
        assert list(post.got()) == [(SENDER, (ADA, BOB), BODY)]

    def test_one_letter_after_the_other(self, post: Post) -> None:
        for _ in range(3):
            post.channel.send(BODY, SENDER, [ADA])
        assert len(post.got()) == 3

    def test_who_is_refused_is_told_and_the_others_get_it(self, post: Post) -> None:
        post.reject(BOB, 550)
        post.reject(EVE, 450)
        delivery = post.channel.send(BODY, SENDER, [ADA, BOB, EVE])
        assert [(one.address, one.code) for one in delivery.refused] == [(BOB, 550)]
        assert [(one.address, one.code) for one in delivery.postponed] == [(EVE, 450)]
        assert [to for _, to, _ in post.got()] == [(ADA,)]

    def test_nobody_ever_gets_it(self, post: Post) -> None:
        post.reject(ADA, 550)
        post.reject(BOB, 551)
        with pytest.raises(MailRefusedError):
            post.channel.send(BODY, SENDER, [ADA, BOB])
        assert list(post.got()) == []

    def test_nobody_gets_it_now(self, post: Post) -> None:
        post.reject(ADA, 550)
        post.reject(BOB, 451)
        with pytest.raises(MailLaterError):
            post.channel.send(BODY, SENDER, [ADA, BOB])
        assert list(post.got()) == []

    def test_a_server_in_trouble_takes_it_the_next_time(self, post: Post) -> None:
        post.fail_once(451)
        with pytest.raises(MailLaterError):
            post.channel.send(BODY, SENDER, [ADA])
        assert list(post.got()) == []
        post.channel.send(BODY, SENDER, [ADA])
        assert list(post.got()) == [(SENDER, (ADA,), BODY)]

    def test_a_letter_that_is_refused_stays_refused(self, post: Post) -> None:
        post.fail_once(554)
        with pytest.raises(MailRefusedError):
            post.channel.send(BODY, SENDER, [ADA])
        assert list(post.got()) == []

    @pytest.mark.parametrize(
        "recipients",
        [[], ["ada@example.org\r\nRCPT TO:<eve@example.org>"], ["ada@example.org\0"], ["ädä@example.org"]],
    )
    def test_what_is_no_recipient_reaches_no_server(self, post: Post, recipients: list[str]) -> None:
        with pytest.raises(MailRefusedError):
            post.channel.send(BODY, SENDER, recipients)
        assert list(post.got()) == []
