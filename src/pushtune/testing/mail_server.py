"""A real mail server for tests: aiosmtpd on a free port, with STARTTLS or TLS, login, and planned trouble."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from pushtune.notify.smtp import MailServer

USER, PASSWORD = "pushtune", "correct horse"


@dataclass(frozen=True)
class Arrived:
    """One letter as the server took it."""

    sender: str
    recipients: tuple[str, ...]
    body: bytes


@dataclass
class Mailroom:
    """What the server took, and what it is to answer.

    ``answers`` are used up by the next letters at the end of their data, one each (empty: take it);
    ``DROP`` cuts the connection instead of an answer. ``rejects`` holds an answer for each address that
    is not taken, ``senders`` the same for senders.
    """

    DROP = "drop"

    arrived: list[Arrived] = field(default_factory=list)
    answers: deque[str] = field(default_factory=deque)
    rejects: dict[str, str] = field(default_factory=dict)
    senders: dict[str, str] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a sender, or not."""
        envelope.mail_from = address
        return self.senders.get(address, "250 OK")

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, or not."""
        if address in self.rejects:
            return self.rejects[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a letter, or do what was planned."""
        answer = self.answers.popleft() if self.answers else ""
        if answer == self.DROP:
            assert server.transport is not None
            server.transport.close()
        elif not answer:
            self.arrived.append(
                Arrived(envelope.mail_from or "", tuple(envelope.rcpt_tos), envelope.original_content or b"")
            )
        return answer or "250 OK"


@dataclass(frozen=True)
class RunningServer:
    """A server that runs: what it does, and how to reach it."""

    room: Mailroom
    settings: MailServer


Make = Callable[..., SMTP]


class _Controller(Controller):
    """Serves ``make(handler, **options)`` instead of aiosmtpd's own class."""

    def __init__(self, room: Mailroom, make: Make, context: ssl.SSLContext | None, **options: object) -> None:
        self._make, self._options = make, options
        super().__init__(room, hostname="127.0.0.1", port=0, ssl_context=context)

    def factory(self) -> SMTP:
        return self._make(self.handler, **self._options)

    def _trigger_server(self) -> None:
        # aiosmtpd connects to itself to see that it runs: a free port is known only now.
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def mail_server(
    folder: Path,
    *,
    security: str = "starttls",
    login: bool = False,
    make: Make = SMTP,
    host: str = "localhost",
) -> Iterator[RunningServer]:
    """Run a server while the block lasts. ``host`` is the name in its certificate, made on the fly.

    ``login``: nobody may send who did not log in with ``USER`` and ``PASSWORD``. ``folder`` gets the
    certificate of its authority. ``make`` may be a subclass of ``SMTP`` that behaves badly.
    """
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(host).configure_cert(context)
    room = Mailroom()
    options: dict[str, object] = {"hostname": "localhost"}
    if security == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    if login:
        options |= {"authenticator": _authenticate, "auth_required": True}
        options |= {"auth_require_tls": security == "starttls"}
    controller = _Controller(room, make, context if security == "tls" else None, **options)
    controller.start()
    try:
        yield RunningServer(
            room,
            MailServer(
                "localhost",
                "pushtune@example.org",
                port=controller.port,
                security=security,
                user=USER if login else "",
                password=PASSWORD if login else "",
                timeout=10.0,
                ca_file=str(folder / "authority.pem"),
            ),
        )
    finally:
        controller.stop()


def _authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
) -> AuthResult:
    known = (USER.encode(), PASSWORD.encode())
    ok = isinstance(data, LoginPassword) and (data.login, data.password) == known
    return AuthResult(success=ok, handled=ok)
