"""Letters handed to a mail server by SMTP, over a verified connection.

What the operator can mend (no route, a wrong password, an expired certificate) waits and is tried again:
a letter is not lost for it. What the server says of this letter or of its recipients is final.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address

from pushtune.errors import MailError, MailLaterError, MailRefusedError, SettingsError
from pushtune.model.ports import Delivery, Unreached
from pushtune.notify.addresses import UnusableAddressError, usable
from pushtune.notify.clean import Masker, line

SECURITY = ("starttls", "tls", "none")
PORTS = {"starttls": 587, "tls": 465, "none": 25}
_GOODBYE = 5.0
_WHOLE_FACTOR = 4.0
"""A whole letter may take so many times what one answer may."""

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:-]*[A-Za-z0-9])?")


@dataclass(frozen=True)
class MailServer:
    """How to reach the operator's mail server.

    ``security``: ``starttls`` (asked for, and insisted on), ``tls`` from the first byte, or ``none``.
    ``sender`` is the address that letters come from; ``timeout`` seconds for each answer, and four times
    that for all; ``ca_file`` a PEM file with the authority to trust instead of the system's. Raises
    ``SettingsError`` for what cannot be.
    """

    host: str
    sender: str
    port: int = 0
    security: str = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 30.0
    ca_file: str | None = None

    def __post_init__(self) -> None:
        if self.security not in SECURITY:
            raise SettingsError(f"mail security must be one of {', '.join(SECURITY)}, not {self.security!r}")
        if not _HOST.fullmatch(self.host):
            raise SettingsError(f"{self.host!r} is no name of a mail server", fix="write a host name")
        if not 0 <= self.port < 65536 or self.timeout <= 0:
            raise SettingsError("the mail server's port or timeout is out of range")
        if self.user and self.security == "none" and not _is_here(self.host):
            raise SettingsError(
                "the mail password would cross the network readable by all",
                fix='set the mail server\'s security to "starttls" or "tls"',
            )
        try:
            usable(self.sender)
        except UnusableAddressError as error:
            raise SettingsError(f"the sender's address {line(self.sender, 80)!r} {error}") from None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; the port that is usual for the security where none is set."""
        return self.host, self.port or PORTS[self.security]


class SmtpChannel:
    """Implements ``Channel``: a connection for each letter, so that nothing is shared between threads."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._masker = Masker([server.password])

    def send(self, body: bytes, sender: str, recipients: Sequence[str]) -> Delivery:
        """Hand the letter over; see ``Channel`` for what is promised and raised."""
        to, origin = _checked(recipients), _checked([sender])[0]
        try:
            connection = self._connected()
            try:
                delivery = self._hand_over(connection, _smtp_lines(body), origin, to)
            except BaseException:
                # Half a letter may be on the line: a polite goodbye would become part of it.
                connection.close()
                raise
        except MailError:
            raise
        except smtplib.SMTPResponseException as error:
            raise self._later(f"{error.smtp_code} {_words(error.smtp_error)}") from None
        except (OSError, smtplib.SMTPException) as error:
            raise self._later(str(error) or type(error).__name__) from None
        _leave(connection)
        return delivery

    def _connected(self) -> smtplib.SMTP:
        server, (host, port) = self._server, self._server.address
        # Without a name smtplib asks the resolver for one, which can take a minute.
        name = _own_name()
        context = None if server.security == "none" else self._trust()
        if server.security == "tls":
            connection: smtplib.SMTP = _BoundedTls(
                host, port, local_hostname=name, timeout=server.timeout, context=context
            )
        else:
            connection = _Bounded(host, port, local_hostname=name, timeout=server.timeout)
        try:
            connection.ehlo_or_helo_if_needed()
            if server.security == "starttls":
                connection.starttls(context=context)
                connection.ehlo_or_helo_if_needed()
            if server.user:
                connection.login(server.user, server.password)
        except BaseException:
            connection.close()
            raise
        return connection

    def _trust(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._server.ca_file)
        except OSError as error:
            # OpenSSL does not say which file it means.
            raise self._later(f"the certificate file {self._server.ca_file}: {error}") from None

    def _hand_over(self, connection: smtplib.SMTP, body: bytes, sender: str, to: Sequence[str]) -> Delivery:
        options = [f"size={len(body)}"] if connection.has_extn("size") else []
        code, reply = connection.mail(sender, options)
        if code == 552:
            raise self._refused([Unreached(one, code, self._said(reply)) for one in to])
        if code != 250:
            # The sender is the operator's to mend.
            raise smtplib.SMTPResponseException(code, reply)
        missed = self._missed(connection, to)
        refused = tuple(one for one in missed if one.code >= 500)
        postponed = tuple(one for one in missed if one.code < 500)
        if len(refused) == len(to):
            raise self._refused(refused)
        if len(missed) == len(to):
            raise self._later(f"{postponed[0].code} {postponed[0].reason}")
        self._data(connection, body, to)
        return Delivery(refused, postponed)

    def _missed(self, connection: smtplib.SMTP, to: Sequence[str]) -> list[Unreached]:
        answers = [(one, *connection.rcpt(one)) for one in to]
        return [
            Unreached(one, code, self._said(reply)) for one, code, reply in answers if code not in (250, 251)
        ]

    def _data(self, connection: smtplib.SMTP, body: bytes, to: Sequence[str]) -> None:
        try:
            code, reply = connection.data(body)
        except smtplib.SMTPDataError as error:
            code, reply = error.smtp_code, _raw(error.smtp_error)
        if code >= 500:
            raise self._refused([Unreached(one, code, self._said(reply)) for one in to])
        if code != 250:
            raise smtplib.SMTPResponseException(code, reply)

    def _said(self, reply: bytes) -> str:
        return line(self._masker.text(_words(reply)), 200)

    def _refused(self, refused: Sequence[Unreached]) -> MailRefusedError:
        told = "; ".join(f"{one.address}: {one.code} {one.reason}" for one in refused[:5])
        return MailRefusedError(f"the mail server refuses the letter for good ({told})")

    def _later(self, why: str) -> MailLaterError:
        host, port = self._server.address
        said = line(self._masker.text(why), 200)
        return MailLaterError(f"the mail server {host}:{port} did not take the letter ({said})")


class _Bounded(smtplib.SMTP):
    """A connection whose answers all together have an end, however slowly a server drips them."""

    _ends: float | None = None

    def getreply(self) -> tuple[int, bytes]:
        """Read one answer; ``SMTPServerDisconnected`` when the time for all of them is up."""
        with self._until_the_end():
            return super().getreply()

    @contextmanager
    def _until_the_end(self) -> Iterator[None]:
        now = time.monotonic()
        if self._ends is None:
            self._ends = now + _WHOLE_FACTOR * float(self.timeout)
        # The time limit of a socket is one for each byte: only hanging up ends a read of many.
        timer = threading.Timer(max(0.0, self._ends - now), self._hang_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _hang_up(self) -> None:
        line = self.sock
        with suppress(OSError):
            # Not the method of TLS: that one belongs to the thread that reads.
            if line is not None:
                socket.socket.shutdown(line, socket.SHUT_RDWR)


class _BoundedTls(_Bounded, smtplib.SMTP_SSL):
    """The same, with TLS from the first byte."""


def _checked(addresses: Sequence[str]) -> list[str]:
    if not addresses:
        raise MailRefusedError("the letter has no recipient")
    try:
        return [usable(address) for address in addresses]
    except UnusableAddressError as error:
        raise MailRefusedError(f"an address of the letter {error}") from None


def _smtp_lines(body: bytes) -> bytes:
    """End every line by CR LF: a bare LF and a dot could end the letter early and smuggle another."""
    return re.sub(rb"\r\n|\r|\n", b"\r\n", body)


def _leave(connection: smtplib.SMTP) -> None:
    """Say goodbye. The server has the letter: what goes wrong now must not send it again."""
    with suppress(OSError, smtplib.SMTPException):
        if connection.sock is not None:
            connection.sock.settimeout(_GOODBYE)
        connection.quit()
    connection.close()


def _own_name() -> str:
    name = socket.gethostname()
    return name if _HOST.fullmatch(name) and ":" not in name else "localhost"


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _raw(reply: bytes | str) -> bytes:
    return reply if isinstance(reply, bytes) else reply.encode("utf-8", "replace")


def _words(reply: bytes | str) -> str:
    return _raw(reply).decode("utf-8", "replace")
