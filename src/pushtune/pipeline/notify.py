"""Stage notify: one letter into the outbox. Sending it is the post's work, and goes on after the push."""

from __future__ import annotations

from pathlib import Path

from pushtune.git import Person
from pushtune.ledger import Author, MailRow
from pushtune.model.states import MailState, StageName
from pushtune.notify import (
    Attachment,
    Envelope,
    MailPolicy,
    Occasion,
    Recipients,
    compose,
    letter_id,
    occasion_of,
    recipients,
    thread_id,
    to_bytes,
    wanted,
)
from pushtune.pipeline.desk import Desk
from pushtune.pipeline.letter import facts_of, finished_of, last_success, previous_of
from pushtune.pipeline.results import PATCH
from pushtune.pipeline.stage import Done, Step
from pushtune.settings import SettingsOfMail

_LARGEST_ATTACHED = 4 * 1024 * 1024


class Notify:
    """Writes the letter once, whatever happens in between."""

    name = StageName.NOTIFY

    def step(self, desk: Desk) -> Step:
        """Compose the letter and put it into the outbox; that nobody is to be mailed is an answer too."""
        settings = desk.mail_settings
        occasion = occasion_of(finished_of(desk), previous_of(desk))
        if occasion is None or not wanted(occasion, settings.when):
            return self._nobody(desk, "nobody asked for a letter on this occasion")
        if desk.server.settings.mail_server is None:
            return self._nobody(desk, "no mail: the server has no mail_server")
        to = recipients(
            settings.to,
            MailPolicy(
                domains=desk.server.settings.mail_domains or None, always=desk.server.settings.mail_always
            ),
            author=desk.row.author,
            committers=_committers(desk),
        )
        if not to.addresses:
            return self._nobody(desk, f"mail {to.said}")
        desk.ledger.outbox.put(_letter(desk, occasion, to, settings))
        desk.say(f"mail {to.said}")
        return Done(f"mail {to.said}")

    def _nobody(self, desk: Desk, why: str) -> Step:
        desk.say(why)
        return Done(why)


def _letter(desk: Desk, occasion: Occasion, to: Recipients, settings: SettingsOfMail) -> MailRow:
    """Return the letter. Its id is made from what it is of: written again after a crash it is the same."""
    row, now = desk.row, desk.now()
    sender = desk.server.settings.sender
    home = str(desk.server.home.path.resolve())
    key = occasion.word if row.round == 1 else f"{occasion.word} {row.round}"
    message_id = letter_id(home, row.id, key, sender)
    thread = thread_id(home, desk.repository.name, row.branch or "", sender)
    templates = desk.server.settings.mail_templates
    message = compose(
        facts_of(desk),
        occasion,
        Envelope(sender, to.addresses, message_id, now, thread),
        attachments=_attachments(desk, settings.attach),
        secrets=desk.server.secrets(),
        templates=None if templates is None else Path(templates),
    )
    return MailRow(
        id=0, push=row.id, occasion=key, message_id=message_id, sender=sender, recipients=to.addresses,
        body=to_bytes(message), state=MailState.WAITING, created=now, tries=0, next_try=now, sent=None,
        error="",
    )  # fmt: skip


def _committers(desk: Desk) -> list[Author]:
    """Return who wrote what came since the branch's last success; nobody where there is no mirror yet."""
    row, mirror = desk.row, desk.mirror
    if row.commit is None or not mirror.path.exists() or not mirror.has(row.commit):
        return []
    before = last_success(desk)
    people: list[Person] = mirror.authors_between(None if before is None else before.commit, row.commit)
    return [Author(person.name, person.email) for person in people]


def _attachments(desk: Desk, wishes: tuple[str, ...]) -> list[Attachment]:
    files: list[Attachment] = []
    study = desk.row.study
    if "patch" in wishes and study is not None:
        patch = _read(desk.server.home.study(study) / PATCH)
        files += [Attachment(PATCH, patch)] if patch else []
    if "log" in wishes:
        logs = [desk.server.home.log(desk.push, name) for name in StageName]
        text = b"".join(b"== " + log.stem.encode() + b"\n" + _read(log) for log in logs if log.exists())
        files.append(Attachment("push.log", text))
    return files


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            # The end: it says how the stage came out.
            stream.seek(max(0, path.stat().st_size - _LARGEST_ATTACHED))
            return stream.read(_LARGEST_ATTACHED)
    except OSError:
        return b""
