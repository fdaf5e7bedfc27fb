"""The letter that tries whether mail works says where it comes from."""

from __future__ import annotations

import email
import email.policy
import platform
from email.message import EmailMessage
from pathlib import Path

from pushtune.service.home import opened
from pushtune.service.stages import send_test
from pushtune.testing.mail_server import RunningServer, mail_server


def sent(running: RunningServer) -> EmailMessage:
    (one,) = running.room.arrived
    letter = email.message_from_bytes(one.body, policy=email.policy.default)
    assert isinstance(letter, EmailMessage)
    return letter


def test_it_names_the_machine_and_the_settings_file(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with mail_server(tmp_path, security="none") as running:
        server = f"{running.settings.host}:{running.settings.port}"
        (home / "server.toml").write_text(f'mail_server = "{server}"\nmail_security = "none"\n')
        with opened(home, {}, {}, make=True) as at:
            assert send_test(at, "ann@example.org", {}).endswith(f"was taken by {server}")
        letter = sent(running)
    body = letter.get_body(("plain",))
    assert body is not None
    text = " ".join(str(body.get_content()).split())
    assert letter["Subject"] == "Pushtune: a test letter"
    assert f"Server {platform.node()}" in text
    # Folded where it is longer than a line.
    assert f"Settings{home / 'server.toml'}" in text.replace(" ", "")


def test_it_says_where_there_is_no_settings_file(tmp_path: Path) -> None:
    with mail_server(tmp_path, security="none") as running:
        flags = {
            "mail_server": f"{running.settings.host}:{running.settings.port}", "mail_security": "none",
        }  # fmt: skip
        with opened(tmp_path / "home", flags, {}, make=True) as at:
            send_test(at, "ann@example.org", {})
        body = sent(running).get_body(("plain",))
    assert body is not None
    assert "Settings none: there is no" in " ".join(str(body.get_content()).split())
