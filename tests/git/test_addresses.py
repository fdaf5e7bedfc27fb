"""Addresses of repositories: what is one, and what is refused before git sees it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushtune.errors import MachineError, UsageError
from pushtune.git import check_address, check_reachable
from pushtune.git.reach import is_public

# A public address, so that no name has to be looked up.
HOST = "93.184.216.34"


@pytest.mark.parametrize(
    ("text", "transport", "host", "port", "path"),
    [
        (f"https://{HOST}/team/model.git", "https", HOST, 443, "/team/model.git"),
        (f"https://{HOST}:8443/team/model", "https", HOST, 8443, "/team/model"),
        (f"ssh://git@{HOST}:2222/team/model.git", "ssh", HOST, 2222, "/team/model.git"),
        (f"ssh://git@{HOST}/~ada/model.git", "ssh", HOST, 22, "/~ada/model.git"),
        (f"git@{HOST}:team/model.git", "ssh", HOST, 22, "team/model.git"),
        ("git@[2606:4700::1111]:team/model.git", "ssh", "2606:4700::1111", 22, "team/model.git"),
        ("https://[2606:4700::1111]/model.git", "https", "2606:4700::1111", 443, "/model.git"),
    ],
)
def test_the_usual_forms_are_read(text: str, transport: str, host: str, port: int, path: str) -> None:
    address = check_address(text)
    assert (address.transport, address.host, address.port, address.path) == (transport, host, port, path)
    assert address.text == text
    assert check_address(address.text) == address
    assert check_reachable(address) == (host,)


def test_the_host_is_lower_case_and_a_usual_port_is_left_out() -> None:
    assert check_address("https://Example.INVALID:443/a").text == "https://example.invalid/a"


def test_a_folder_is_taken_only_where_the_operator_allows_it(tmp_path: Path) -> None:
    for text in (str(tmp_path), f"file://{tmp_path}"):
        address = check_address(text, allow_local=True)
        assert (address.text, address.transport, address.host) == (str(tmp_path), "file", "")
        assert address.local
        with pytest.raises(UsageError, match="folder of this machine"):
            check_address(text)


def test_a_relative_folder_becomes_an_absolute_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert check_address("models/digits", allow_local=True).text == str(tmp_path / "models/digits")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "1 to 2000"),
        ("https://example.org/" + "x" * 2000, "1 to 2000"),
        ("--upload-pack=touch /tmp/x", "dash"),
        ("-oProxyCommand=x", "dash"),
        ("https://example.org/a\nb", "control characters"),
        ("https://example.org/a\0b", "control characters"),
        ("https://example.org/a%0ab", "characters that no repository"),
        ("https://example.org/a%00b", "characters that no repository"),
        ("https://example.org/a b", "characters that no repository"),
        ("https://example.org/a?ref=x", "characters that no repository"),
        ("ext::sh -c touch% /tmp/x", "names a program"),
        ("fd::17", "names a program"),
        ("https::https://example.org/a", "names a program"),
        ("ext://sh -c x", "no transport"),
        ("ftp://example.org/a", "no transport"),
        ("git+ssh://example.org/a", "no transport"),
        ("javascript://example.org/a", "no transport"),
        ("file://example.org/a", "not allowed"),
        ("ssh://-oProxyCommand=touch%20x/a", "no host name"),
        ("ssh://-oProxyCommand=x@example.org/a", "no plain name"),
        ("-oProxyCommand=x@example.org:a", "dash"),
        ("git@-oProxyCommand=x:a", "no host name"),
        ("git@example.org:-oProxyCommand=x", "begins with a dash"),
        ("ssh://example.org/-x", "begins with a dash"),
        ("$(touch x)@example.org:a", "no plain name"),
        ("git@$(touch x):a", "no host name"),
        ("git@`touch x`:a", "no host name"),
        ("https://ada:secret@example.org/a", "user name or a password"),
        ("https://ghp_secret@example.org/a", "user name or a password"),
        ("ssh://git:secret@example.org/a", "user name or a password"),
        ("https://example.org:99999/a", "no host that can be read"),
        ("https://example.org:0/a", "no host that can be read"),
        ("https:///a", "no host name"),
        ("https://example.org", "names no repository"),
        ("https://example.org//", "names no repository"),
        ("https://exämple.org/a", "no host name"),
        ("https://example.org\\@evil.example/a", "user name"),
        ("https://evil.example#@example.org/a", "user name"),
        ("http://example.org/a", "neither encrypted"),
        ("git://example.org/a", "neither encrypted"),
    ],
)
def test_what_is_no_address_is_refused_in_one_line_with_the_fix(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as raised:
        check_address(text)
    assert raised.value.fix
    assert "\n" not in str(raised.value)
    assert "secret" not in str(raised.value) + raised.value.fix


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "0", "0.0.0.0"),
        *("localhost", "LOCALHOST", "localhost."),
        *("10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "198.18.0.1"),
        *("224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1"),
        *("[::1]", "[::]", "[fe80::1]", "[fe80::1%25eth0]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]"),
        *("[::ffff:127.0.0.1]", "[::ffff:169.254.169.254]", "[::127.0.0.1]"),
        *("[2002:7f00:1::]", "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]", "[2001:db8::1]"),
    ],
)
@pytest.mark.parametrize("form", ["https://{}/team/a", "ssh://git@{}/team/a", "git@{}:team/a"])
def test_hosts_inside_our_own_network_are_refused(form: str, host: str) -> None:
    with pytest.raises(UsageError, match=r"own network|odd way|no host name|no host that"):
        check_address(form.format(host))


def test_a_listed_host_may_be_inside_and_in_the_open() -> None:
    for text in ("http://localhost:3000/a", "git://localhost/a", "https://localhost/a", "git@localhost:a"):
        address = check_address(text, allowed_hosts={"localhost"})
        assert (address.host, address.listed, check_reachable(address)) == ("localhost", True, ())
    assert check_address("https://GIT.Internal./a", allowed_hosts=["Git.INTERNAL"]).host == "git.internal"
    assert check_address("https://[::1]/a", allowed_hosts=["[::1]"]).listed
    with pytest.raises(UsageError, match="own network"):
        check_address("https://127.0.0.1/a", allowed_hosts={"localhost"})


def _resolver(*answers: str):  # type: ignore[no-untyped-def]
    def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answer, port)) for answer in answers]

    return getaddrinfo


def test_a_name_that_leads_inside_is_refused_also_when_it_did_not_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _resolver(HOST))
    address = check_address("https://example.org/a")
    assert check_reachable(address) == (HOST,)
    # One public answer among others does not help.
    monkeypatch.setattr(socket, "getaddrinfo", _resolver(HOST, "169.254.169.254"))
    with pytest.raises(UsageError, match=r"own network \(169.254.169.254\)"):
        check_reachable(address)
    with pytest.raises(UsageError, match="own network"):
        check_address("https://example.org/a")


def test_a_name_that_leads_nowhere_is_taken_and_told_when_it_is_used() -> None:
    address = check_address("https://nowhere.invalid/a")
    with pytest.raises(MachineError, match=r"nowhere\.invalid is not found"):
        check_reachable(address)


def test_behind_a_proxy_names_may_be_unknown_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.invalid:3128")
    monkeypatch.setenv("no_proxy", "here.invalid")
    assert check_reachable(check_address("https://nowhere.invalid/a")) == ()
    with pytest.raises(MachineError):
        check_reachable(check_address("https://here.invalid/a"))
    with pytest.raises(MachineError):
        check_reachable(check_address("git@nowhere.invalid:a"))


@settings(deadline=None)
@given(
    st.text(max_size=60)
    | st.from_regex(r"(https?|ssh|git|ext)?(::?//?)?[-@:\[\].a-z0-9/%\\ ]{0,40}", fullmatch=True)
)
def test_any_text_is_an_address_or_refused_and_never_reads_as_an_option(text: str) -> None:
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(socket, "getaddrinfo", _resolver(HOST))
            address = check_address(text, allow_local=True)
            assert check_address(address.text, allow_local=True) == address
    except UsageError:
        return
    assert address.transport in ("https", "ssh", "file")
    assert not address.text.startswith("-")
    assert not address.host.startswith("-")
    assert not address.user.startswith("-")
    assert "::" not in address.text.split("/")[0].split("[")[0] or address.local
    assert address.text.isprintable()


@given(st.ip_addresses(v=6))
def test_whatever_holds_an_inner_ipv4_address_is_public_only_if_that_is(address) -> None:  # type: ignore[no-untyped-def]
    for inner in (address.ipv4_mapped, address.sixtofour):
        if inner is not None and not is_public(inner):
            assert not is_public(address)
