"""Letters against a real mail server: TLS, login, trouble, and what must never happen twice."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP

from pushtune.errors import MailLaterError, MailRefusedError, SettingsError
from pushtune.model.ports import Channel
from pushtune.notify.channels import CHANNELS
from pushtune.notify.smtp import MailServer, SmtpChannel
from pushtune.testing.channel_conformance import ADA, BOB, BODY, SENDER, ChannelConformance
from pushtune.testing.channels import FakeChannel
from pushtune.testing.mail_server import PASSWORD, Mailroom, RunningServer, mail_server

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


@dataclass
class _RealPost:
    server: RunningServer

    @property
    def channel(self) -> Channel:
        return CHANNELS["smtp"](self.server.settings)

    def got(self) -> list[tuple[str, tuple[str, ...], bytes]]:
        return [(one.sender, one.recipients, one.body) for one in self.server.room.arrived]

    def reject(self, address: str, code: int) -> None:
        self.server.room.rejects[address] = f"{code} not here"

    def fail_once(self, code: int) -> None:
        self.server.room.answers.append(f"{code} trouble")


class _FakePost:
    def __init__(self) -> None:
        self.channel = FakeChannel()

    def got(self) -> list[tuple[str, tuple[str, ...], bytes]]:
        return [(one.sender, one.recipients, one.body) for one in self.channel.posted]

    def reject(self, address: str, code: int) -> None:
        self.channel.rejects[address] = code

    def fail_once(self, code: int) -> None:
        kind = MailRefusedError if code >= 500 else MailLaterError
        self.channel.troubles.append(kind("trouble"))


class TestSmtpChannel(ChannelConformance):
    @pytest.fixture(params=["starttls", "tls", "none"])
    def post(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[_RealPost]:
        with mail_server(tmp_path, security=request.param) as server:
            yield _RealPost(server)


class TestFakeChannel(ChannelConformance):
    @pytest.fixture
    def post(self) -> _FakePost:
        return _FakePost()


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_it_logs_in(security: str, tmp_path: Path) -> None:
    with mail_server(tmp_path, security=security, login=True) as server:
        SmtpChannel(server.settings).send(BODY, SENDER, [ADA])
        assert [one.recipients for one in server.room.arrived] == [(ADA,)]


def test_a_wrong_password_is_the_operators_to_mend_and_is_never_told(tmp_path: Path) -> None:
    with mail_server(tmp_path, login=True) as server:
        wrong = replace(server.settings, password="hunter2hunter2")
        with pytest.raises(MailLaterError, match="535") as caught:
            SmtpChannel(wrong).send(BODY, SENDER, [ADA])
        assert "hunter2hunter2" not in str(caught.value) + repr(wrong)
        with pytest.raises(MailLaterError, match="530"):
            SmtpChannel(replace(server.settings, user="")).send(BODY, SENDER, [ADA])
        assert server.room.arrived == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_of_nobody_is_not_believed(security: str, tmp_path: Path) -> None:
    with mail_server(tmp_path, security=security, login=True) as server:
        with pytest.raises(MailLaterError, match="CERTIFICATE_VERIFY_FAILED"):
            SmtpChannel(replace(server.settings, ca_file=None)).send(BODY, SENDER, [ADA])
        assert server.room.arrived == []


def test_a_certificate_file_that_is_no_good_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    for name in ("empty.pem", "gone.pem"):
        server = MailServer("localhost", SENDER, ca_file=str(tmp_path / name))
        with pytest.raises(MailLaterError, match=name):
            SmtpChannel(server).send(BODY, SENDER, [ADA])


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_of_another_host_is_not_believed(security: str, tmp_path: Path) -> None:
    with (
        mail_server(tmp_path, security=security, host="mail.example.org") as server,
        pytest.raises(MailLaterError, match=r"[Hh]ostname"),
    ):
        SmtpChannel(server.settings).send(BODY, SENDER, [ADA])


def test_a_server_that_forgot_its_tls_gets_neither_password_nor_letter(tmp_path: Path) -> None:
    with mail_server(tmp_path, security="none", login=True) as server:
        stripped = replace(server.settings, security="starttls")
        with pytest.raises(MailLaterError, match="STARTTLS"):
            SmtpChannel(stripped).send(BODY, SENDER, [ADA])
        assert server.room.arrived == []


def test_a_connection_that_breaks_in_the_middle_of_the_letter(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        server.room.answers.append(Mailroom.DROP)
        with pytest.raises(MailLaterError):
            SmtpChannel(server.settings).send(BODY, SENDER, [ADA])
        SmtpChannel(server.settings).send(BODY, SENDER, [ADA])
        assert len(server.room.arrived) == 1


def test_a_sender_that_is_not_taken_waits_for_the_operator(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        server.room.senders[SENDER] = "553 not yours"
        with pytest.raises(MailLaterError, match="553 not yours"):
            SmtpChannel(server.settings).send(BODY, SENDER, [ADA])


def test_a_letter_that_is_too_large_is_refused(tmp_path: Path) -> None:
    class Small(SMTP):
        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **{**options, "data_size_limit": 100})  # type: ignore[arg-type]

    with mail_server(tmp_path, make=Small) as server, pytest.raises(MailRefusedError, match="552"):
        SmtpChannel(server.settings).send(BODY + b"x" * 200, SENDER, [ADA])


class _RudeGoodbye(SMTP):
    async def smtp_QUIT(self, arg: str) -> None:  # noqa: N802
        await self.push("421 too tired for manners")


class _SilentGoodbye(SMTP):
    async def smtp_QUIT(self, arg: str) -> None:  # noqa: N802
        assert self.transport is not None
        self.transport.abort()


@pytest.mark.parametrize("manners", [_RudeGoodbye, _SilentGoodbye])
def test_trouble_after_the_letter_was_taken_does_not_send_it_again(
    manners: type[SMTP], tmp_path: Path
) -> None:
    with mail_server(tmp_path, make=manners) as server:
        delivery = SmtpChannel(server.settings).send(BODY, SENDER, [ADA])
        assert delivery.refused == ()
        assert len(server.room.arrived) == 1


def test_a_bare_line_feed_smuggles_no_second_letter(tmp_path: Path) -> None:
    """A server that takes LF.LF for the end would read commands from what follows."""
    smuggled = b"Subject: a\n\nfirst\n.\nMAIL FROM:<eve@example.org>\r.\rlast\n"
    with mail_server(tmp_path) as server:
        SmtpChannel(server.settings).send(smuggled, SENDER, [ADA])
        assert [one.body for one in server.room.arrived] == [
            b"Subject: a\r\n\r\nfirst\r\n.\r\nMAIL FROM:<eve@example.org>\r\n.\r\nlast\r\n"
        ]


def test_no_server_at_all_is_tried_later() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        server = MailServer("127.0.0.1", SENDER, port=unused.getsockname()[1], security="none", timeout=5)
        with pytest.raises(MailLaterError, match=r"127\.0\.0\.1"):
            SmtpChannel(server).send(BODY, SENDER, [ADA])


def test_a_server_that_says_nothing_is_left(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = MailServer("127.0.0.1", SENDER, port=silent.getsockname()[1], security="tls", timeout=0.3)
        with pytest.raises(MailLaterError, match="timed out"):
            SmtpChannel(server).send(BODY, SENDER, [ADA])


def test_what_a_server_says_is_one_printable_bounded_line(tmp_path: Path) -> None:
    def talk(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"554-\x1b[31mno\xff" + b"x" * 3000 + b"\r\n554 go\r\n")
            connection.recv(100)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=talk, args=(listener,), daemon=True)
        thread.start()
        server = MailServer("127.0.0.1", SENDER, port=listener.getsockname()[1], security="none", timeout=5)
        with pytest.raises(MailLaterError) as caught:
            SmtpChannel(server).send(BODY, SENDER, [ADA])
        thread.join(10)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_two_letters_at_once(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        channel = SmtpChannel(server.settings)

        async def both() -> None:
            sends = (asyncio.to_thread(channel.send, BODY, SENDER, [to]) for to in (ADA, BOB))
            await asyncio.gather(*sends)

        asyncio.run(both())
        assert sorted(one.recipients for one in server.room.arrived) == [(ADA,), (BOB,)]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"security": "ssl"}, "starttls, tls, none"),
        ({"host": "mail.example.org\r\nX"}, "no name of a mail server"),
        ({"security": "none", "user": "u", "password": PASSWORD}, "readable by all"),
        ({"sender": "Pushtune <a@b.org>"}, "not one plain address"),
        ({"port": 70000}, "out of range"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        replace(MailServer("mail.example.org", SENDER), **changes)  # type: ignore[arg-type]
