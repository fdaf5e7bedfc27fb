"""Every way a letter can leave. A new one: a file beside `smtp.py` and a line here."""

from __future__ import annotations

from collections.abc import Callable

from pushtune.model.ports import Channel
from pushtune.notify.smtp import MailServer, SmtpChannel

CHANNELS: dict[str, Callable[[MailServer], Channel]] = {"smtp": SmtpChannel}
