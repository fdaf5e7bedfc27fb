"""Letters leave: some recipients are refused, mail servers drip, and the server's end waits for neither."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from pushtune.errors import MachineError
from pushtune.ledger import Ledger, MailRow
from pushtune.model.ports import Channel
from pushtune.model.states import MailState
from pushtune.notify import MailServer, SmtpChannel
from pushtune.service.post import Post
from pushtune.testing.mail_server import mail_server

ANN, BOB, EVE = "ann@example.org", "bob@example.org", "eve@example.org"
LETTER = MailRow(
    id=0, push=None, occasion="success", message_id="<1@here>", sender="pushtune@example.org",
    recipients=(ANN, BOB, EVE), body=b"Subject: done\r\n\r\nIt is.\r\n", state=MailState.WAITING,
    created=time.time(), tries=0, next_try=0.0, sent=None, error="",
)  # fmt: skip


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.db")


def post_of(ledger: Ledger, channel: Channel) -> tuple[Post, list[str]]:
    said: list[str] = []
    return Post(ledger, channel, time.time, said.append), said


def send_all(post: Post, ledger: Ledger) -> None:
    while ledger.outbox.waiting():
        post.send(every=0.0)
        time.sleep(0.01)
    post.close()


def test_whom_the_mail_server_refuses_is_said_and_written_down(ledger: Ledger, tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        server.room.rejects[EVE] = "550 no such user"
        post, said = post_of(ledger, SmtpChannel(server.settings))
        ledger.outbox.put(LETTER)
        send_all(post, ledger)
        assert said == [
            f"mailed {ANN}, {BOB}",
            f"the mail server refuses {EVE}: 550 no such user",
        ]
        (row,) = ledger.outbox.of_push(None)  # type: ignore[arg-type]
        assert (row.state, row.error) == (MailState.SENT, f"{EVE}: 550 no such user")


def test_of_three_recipients_one_is_refused_one_waits_and_one_has_it(ledger: Ledger, tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        server.room.rejects |= {EVE: "550 no such user", BOB: "450 later"}
        post, said = post_of(ledger, SmtpChannel(server.settings))
        ledger.outbox.put(LETTER)
        while not said:
            post.send(every=0.0)
        assert f"the mail server refuses {EVE}: 550 no such user" in said
        (waiting,) = ledger.outbox.waiting()
        assert waiting.recipients == (BOB,)


def test_a_mail_server_that_drips_is_left_and_the_letter_waits(ledger: Ledger) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, _Dripping(listener):
        server = MailServer("127.0.0.1", ANN, port=listener.getsockname()[1], security="none", timeout=0.5)
        post, said = post_of(ledger, SmtpChannel(server))
        ledger.outbox.put(replace(LETTER, recipients=(ANN,)))
        while not said:
            post.send(every=0.0)
            time.sleep(0.01)
        assert [row.tries for row in ledger.outbox.waiting()] == [1]


def test_the_end_does_not_wait_for_a_mail_server_that_drips(ledger: Ledger) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, _Dripping(listener):
        server = MailServer("127.0.0.1", ANN, port=listener.getsockname()[1], security="none", timeout=60)
        post, said = post_of(ledger, SmtpChannel(server))
        ledger.outbox.put(replace(LETTER, recipients=(ANN,)))
        post.send(every=0.0)
        post.close(seconds=0.2)
        assert said == ["a letter is on its way still; the next server sends it, once more if need be"]
        assert [row.tries for row in ledger.outbox.waiting()] == [0]


class _Dripping:
    """Says one byte of a greeting that never ends, again and again."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener, self._over = listener, threading.Event()
        self._thread = threading.Thread(target=self._drip, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(10)

    def _drip(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            try:
                while not self._over.wait(0.05):
                    connection.sendall(b"2")
            except OSError:
                return  # it was left


def test_a_letter_that_was_taken_while_the_disk_is_full_is_not_sent_again(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        tried.append(True)
        raise MachineError("the disk is full")

    tried: list[bool] = []
    with mail_server(tmp_path) as server:
        post, _ = post_of(ledger, SmtpChannel(server.settings))
        ledger.outbox.put(LETTER)
        with monkeypatch.context() as patch:
            patch.setattr(ledger.outbox, "sent", full)
            while len(tried) < 3:
                with suppress(MachineError):
                    post.send(every=0.0)
                time.sleep(0.01)
        send_all(post, ledger)
        assert len(server.room.arrived) == 1
