"""Asking repositories elsewhere: over files, HTTP and ssh, as somebody or nobody; and what is never said."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from pushtune.errors import MachineError, UsageError
from pushtune.git import Address, Credentials, Heads, Mirror, check_address, list_heads, reach
from pushtune.git import command as git_command
from pushtune.testing.git_origins import HttpServer, Origin, serving, trap

TOKEN = "ghp_s3cr+t/tokén=="
LOGIN = ("ci", TOKEN)


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    origin = Origin(tmp_path / "projects" / "digits")
    origin.write("train.py", "print('accuracy: 0.9')\n")
    origin.commit()
    return origin


def _calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    """Keep what git is called with, and call it."""
    calls: list[tuple[list[str], dict[str, str]]] = []
    run = git_command.run

    def kept(command, **others):  # type: ignore[no-untyped-def]
        calls.append((list(command), dict(others["env"])))
        return run(command, **others)

    monkeypatch.setattr(git_command, "run", kept)
    return calls


def test_the_branches_and_the_default_one_are_told(origin: Origin) -> None:
    first = origin.git("rev-parse", "HEAD")
    origin.git("branch", "dev")
    second = origin.commit("More")
    origin.git("tag", "v1")
    assert list_heads(origin.address) == Heads("main", {"dev": first, "main": second})


def test_an_empty_repository_has_no_branches(tmp_path: Path) -> None:
    assert list_heads(Origin(tmp_path / "empty").address) == Heads(None, {})


def test_a_default_branch_that_is_not_there_is_none(origin: Origin) -> None:
    origin.git("symbolic-ref", "HEAD", "refs/heads/gone")
    assert list_heads(origin.address).default is None


def test_a_branch_that_would_read_as_an_option_is_told_apart(origin: Origin) -> None:
    commit = origin.git("rev-parse", "HEAD")
    origin.git("update-ref", "refs/heads/--upload-pack=x", commit)
    origin.git("update-ref", "refs/heads/a\u202eb", commit)
    heads = list_heads(origin.address)
    assert heads.branches == {"main": commit}
    assert heads.refused == ("--upload-pack=x", "a\u202eb")


def test_a_repository_that_is_not_there_is_the_users_to_mend(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not there") as raised:
        list_heads(check_address(str(tmp_path / "gone"), allow_local=True))
    assert "token or a key" in raised.value.fix


def test_over_http_without_a_password(origin: Origin, tmp_path: Path) -> None:
    with serving(HttpServer(tmp_path / "projects")) as server:
        address = server.address("digits/.git")
        assert list_heads(address).branches == {"main": origin.git("rev-parse", "HEAD")}
        mirror = Mirror(tmp_path / "mirror.git")
        mirror.fetch(address)
        assert mirror.resolve("main") == origin.git("rev-parse", "HEAD")
        with pytest.raises(UsageError, match="is not there"):
            list_heads(server.address("gone.git"))


def test_over_http_with_a_token_that_nobody_sees(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = _calls(monkeypatch)
    credentials = Credentials(token=TOKEN, user="ci")
    with serving(HttpServer(tmp_path / "projects", login=("ci", TOKEN))) as server:
        address = server.address("digits/.git")
        assert list_heads(address, credentials).default == "main"
        mirror = Mirror(tmp_path / "mirror.git")
        mirror.fetch(address, credentials)
    assert mirror.has(origin.git("rev-parse", "HEAD"))
    header = credentials.header.split()[-1]
    assert any(header in "".join(environment.values()) for _, environment in calls)
    for command, _ in calls:
        assert not any(secret in " ".join(command) for secret in credentials.secrets)
    for file in (path for path in mirror.path.rglob("*") if path.is_file()):
        content = file.read_bytes()
        assert not any(secret.encode() in content for secret in credentials.secrets), file
    assert TOKEN not in repr(credentials)


@pytest.mark.parametrize(
    "credentials", [None, Credentials(token="wrong"), Credentials(token="wr", user="ci")]
)
def test_a_repository_that_does_not_let_us_in_says_so_and_nothing_asks(
    origin: Origin, tmp_path: Path, credentials: Credentials | None
) -> None:
    with serving(HttpServer(tmp_path / "projects", login=LOGIN)) as server:
        address = server.address("digits/.git")
        with pytest.raises(UsageError, match="does not let us in") as raised:
            list_heads(address, credentials)
        with pytest.raises(UsageError, match="does not let us in"):
            Mirror(tmp_path / "mirror.git").fetch(address, credentials)
    assert raised.value.fix == "give a token or a key that may read it"
    assert "wr" not in str(raised.value).replace("password", "")


def test_a_token_does_not_follow_to_another_host(origin: Origin, tmp_path: Path) -> None:
    credentials = Credentials(token=TOKEN)
    with serving(HttpServer(tmp_path)) as other:
        redirect = f"http://localhost:{other.port}"
        with (
            serving(HttpServer(tmp_path, redirect_to=redirect)) as server,
            pytest.raises(UsageError, match="has moved"),
        ):
            list_heads(server.address("digits/.git"), credentials)
        assert "authorization" in server.seen[0]
        assert other.seen == []


def test_a_redirect_into_our_own_network_is_not_followed(origin: Origin, tmp_path: Path) -> None:
    with serving(HttpServer(tmp_path / "projects")) as inside:
        redirect = f"http://127.0.0.1:{inside.port}"
        with (
            serving(HttpServer(tmp_path, redirect_to=redirect)) as server,
            pytest.raises(UsageError, match="has moved"),
        ):
            Mirror(tmp_path / "mirror.git").fetch(server.address("digits/.git"))
        assert inside.seen == []


def test_git_speaks_to_the_very_address_that_was_checked(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that leads elsewhere by the time git looks it up (here: nowhere at all) changes nothing."""
    monkeypatch.setattr(reach, "is_public", lambda address: True)
    with serving(HttpServer(tmp_path / "projects")) as server:
        here = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: here)
        host = "repository.invalid"
        text = f"http://{host}:{server.port}/digits/.git"
        address = Address(text, "http", host, "/digits/.git", server.port)
        assert list_heads(address).default == "main"
        mirror = Mirror(tmp_path / "mirror.git")
        mirror.fetch(address)
        assert mirror.resolve("main")


@pytest.mark.parametrize("token", ["a\nX-Evil: 1", "a\rb", "\0", ""])
def test_a_token_with_a_lines_end_is_refused_without_being_shown(token: str) -> None:
    with pytest.raises(UsageError, match="characters that none has"):
        _ = Credentials(token=token, user="ci").header


def test_what_a_server_says_is_shown_in_one_plain_bounded_line_without_secrets(
    tmp_path: Path, origin: Origin
) -> None:
    evil = f"\x1b[31mYour token {TOKEN} is\x07 wrong\u202e " + "x" * 5000
    packet = f"{len(f'ERR {evil}'.encode()) + 4:04x}ERR {evil}".encode()
    answer = b"001e# service=git-upload-pack\n0000" + packet + b"0000"
    with (
        serving(HttpServer(tmp_path, answer=answer)) as server,
        pytest.raises((MachineError, UsageError)) as raised,
    ):
        list_heads(server.address("digits"), Credentials(token=TOKEN))
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 500
    assert TOKEN not in str(raised.value)


def test_a_server_that_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = b"a" * 40 + b" refs/heads/" + b"x" * 900 + b"\n"
    endless = f"{len(line) + 4:04x}".encode() + line
    with (
        serving(HttpServer(tmp_path, answer=1000 * endless, endless=True)) as server,
        pytest.raises((MachineError, UsageError)),
    ):
        list_heads(server.address("digits"), timeout=3)


def test_neither_the_machines_nor_the_users_configuration_counts(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, trace = trap(tmp_path, "program")
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f'[url "ext::{program} "]\n insteadOf = /\n[core]\n sshCommand = {program}\n fsmonitor = {program}\n'
        f"[credential]\n helper = !{program}\n[protocol]\n allow = always\n"
    )
    monkeypatch.setenv("HOME", str(home))
    for name in (
        "GIT_ASKPASS",
        "SSH_ASKPASS",
        "GIT_SSH",
        "GIT_SSH_COMMAND",
        "GIT_EXEC_PATH",
        "GIT_PROXY_COMMAND",
    ):
        monkeypatch.setenv(name, str(program))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    assert list_heads(origin.address).default == "main"
    with serving(HttpServer(tmp_path / "projects", login=LOGIN)) as server, pytest.raises(UsageError):
        list_heads(server.address("digits/.git"))
    assert not trace.exists()


def test_the_repository_around_our_working_directory_has_no_say(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, trace = trap(tmp_path, "program")
    around = Origin(tmp_path / "around")
    around.git("config", f"url.ext::{program} .insteadOf", str(tmp_path))
    monkeypatch.chdir(around.root)
    monkeypatch.setenv("GIT_DIR", str(around.root / ".git"))
    assert list_heads(origin.address).default == "main"
    assert not trace.exists()


def test_no_secret_of_our_own_environment_reaches_git(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUSHTUNE_SMTP_PASSWORD", "hunter2")
    calls = _calls(monkeypatch)
    list_heads(origin.address)
    assert calls
    assert not any("hunter2" in "".join(environment.values()) for _, environment in calls)


def _file(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.touch()
    return path


@pytest.fixture
def ssh_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program called ssh on PATH that writes down what it is called with, and refuses."""
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/words\n'
        'echo "Host key verification failed." >&2\nexit 255\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return tmp_path / "words"


def test_ssh_asks_nothing_trusts_nobody_new_and_speaks_to_the_host_that_was_checked(
    ssh_words: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "the keys $(touch ran) %h"
    credentials = Credentials(ssh_key=_file(folder / "id"), known_hosts=_file(folder / "hosts"))
    with pytest.raises(UsageError, match="host whose key is not known") as raised:
        list_heads(check_address("ssh://git@93.184.216.34:2222/team/model.git"), credentials)
    assert "known_hosts" in raised.value.fix
    words = ssh_words.read_text().splitlines()
    kept = str(folder).replace("%", "%%")
    for option in (
        *("BatchMode=yes", "StrictHostKeyChecking=yes", "ProxyCommand=none", "PermitLocalCommand=no"),
        *("HostName=93.184.216.34", "HostKeyAlias=[93.184.216.34]:2222", "IdentitiesOnly=yes"),
        *(f'IdentityFile="{kept}/id"', f'UserKnownHostsFile="{kept}/hosts"'),
    ):
        assert words[words.index(option) - 1] == "-o"
    assert words[:2] == ["-F", "none"]
    assert words[-4:-1] == ["-p", "2222", "git@93.184.216.34"]
    assert words[-1] == "git-upload-pack '/team/model.git'"
    assert not list(tmp_path.rglob("ran"))


def test_real_ssh_takes_these_options_and_refuses_a_host_that_does_not_answer(tmp_path: Path) -> None:
    with serving(HttpServer(tmp_path)) as server:
        address = check_address(f"ssh://git@localhost:{server.port}/x", allowed_hosts={"localhost"})
        credentials = Credentials(ssh_key=_file(tmp_path / "a key"), known_hosts=_file(tmp_path / "hosts"))
        with pytest.raises((MachineError, UsageError)) as raised:
            list_heads(address, credentials, timeout=20)
    assert "Bad configuration option" not in str(raised.value)
    assert "garbage" not in str(raised.value)


def test_a_key_at_a_path_that_ssh_cannot_be_given_is_refused(tmp_path: Path) -> None:
    address = check_address("git@93.184.216.34:a")
    with pytest.raises(UsageError, match="ssh cannot be given"):
        list_heads(address, Credentials(ssh_key=_file(tmp_path / 'a"b')))
    with pytest.raises(UsageError, match="there is no file"):
        list_heads(address, Credentials(ssh_key=tmp_path / "gone"))
