"""What letters are handed to: made from the operator's settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from pushtune.errors import SettingsError
from pushtune.model.ports import Channel
from pushtune.notify import CHANNELS, MailServer
from pushtune.settings import ServerSettings

PASSWORD = "PUSHTUNE_MAIL_PASSWORD"  # noqa: S105 - the variable's name


def mail_password(settings: ServerSettings, environ: Mapping[str, str]) -> str:
    """Return the mail server's password: from the environment, or from the operator's file."""
    if environ.get(PASSWORD):
        return environ[PASSWORD]
    if settings.mail_password_file is None:
        return ""
    try:
        return Path(settings.mail_password_file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(
            f"mail_password_file {settings.mail_password_file} cannot be read: {error.strerror}"
        ) from None


def mail_channel(settings: ServerSettings, password: str) -> Channel | None:
    """Return what letters are handed to, or None where the operator named no mail server."""
    if settings.mail_server is None:
        return None
    host, _, port = settings.mail_server.rpartition(":") if ":" in settings.mail_server else (
        settings.mail_server, "", "0",
    )  # fmt: skip
    if not port.isdigit():
        raise SettingsError(f"mail_server must be HOST:PORT, not {settings.mail_server!r}")
    make: Callable[[MailServer], Channel] = CHANNELS["smtp"]
    return make(
        MailServer(
            host=host,
            sender=settings.sender,
            port=int(port),
            security=settings.mail_security,
            user=settings.mail_user or "",
            password=password,
            ca_file=settings.mail_ca_file,
        )
    )
