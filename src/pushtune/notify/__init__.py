"""The letter to the developer: who gets one, when, what it says, and how it is sent.

Read `compose.py` for a letter, `occasions.py` and `recipients.py` for whether and to whom, `smtp.py` and
`backoff.py` for how it leaves. Nothing here writes the outbox: it is filled and emptied above.
"""

from __future__ import annotations

from pushtune.notify.attachments import Attachment
from pushtune.notify.channels import CHANNELS
from pushtune.notify.compose import Envelope, compose, to_bytes
from pushtune.notify.facts import Changed, CurvePoint, DeliveredFile, Failed, LetterFacts, Measured
from pushtune.notify.identity import letter_id, thread_id
from pushtune.notify.occasions import (
    Failure,
    Finished,
    Occasion,
    Outcome,
    occasion_of,
    wanted,
)
from pushtune.notify.recipients import MailPolicy, Recipients, recipients
from pushtune.notify.smtp import MailServer, SmtpChannel

__all__ = [
    "CHANNELS",
    "Attachment",
    "Changed",
    "CurvePoint",
    "DeliveredFile",
    "Envelope",
    "Failed",
    "Failure",
    "Finished",
    "LetterFacts",
    "MailPolicy",
    "MailServer",
    "Measured",
    "Occasion",
    "Outcome",
    "Recipients",
    "SmtpChannel",
    "compose",
    "letter_id",
    "occasion_of",
    "recipients",
    "thread_id",
    "to_bytes",
    "wanted",
]
