"""The address of a repository: read once, strictly; what git could take for a command is refused."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from pushtune.errors import MachineError, UsageError
from pushtune.git.names import shown
from pushtune.git.reach import check_host, look_up

LONGEST_ADDRESS = 2000
"""Characters."""

PORTS = {"https": 443, "http": 80, "ssh": 22, "git": 9418}
"""The transports over the network, and the port of each where the address names none."""

_FORMS = "write https://host/path, ssh://user@host/path or user@host:path"
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]*::")
_URL = re.compile(r"(?P<transport>[A-Za-z0-9+.-]+)://(?P<place>[^/]*)(?P<path>/.*)?", re.DOTALL)
_SHORT_SSH = re.compile(r"(?P<place>(?:[^/:@\[\]]*@)?(?:[^/:@\[\]]+|\[[^\]/]*\])):(?P<path>.*)")
_PLACE = re.compile(r"(?:(?P<user>.*)@)?(?P<host>\[[^\]]*\]|[^:@\[\]]*)(?::(?P<port>[0-9]{1,5}))?")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class Address:
    """Where a repository is. ``text`` holds no secret: it is safe to log, to store, and to give to git.

    ``host`` is empty for a folder of this machine, whose absolute ``path`` is then the text. ``listed``:
    the operator named this host, so that it may be inside our own network.
    """

    text: str
    transport: str
    host: str
    path: str
    port: int = 0
    user: str = ""
    listed: bool = False

    @property
    def local(self) -> bool:
        """Whether it is a folder of this machine."""
        return self.transport == "file"


def check_address(text: str, *, allow_local: bool = False, allowed_hosts: Collection[str] = ()) -> Address:
    """Return the repository's address that ``text`` gives, or raise ``UsageError`` with the reason.

    ``allow_local``: folders of this machine too. ``allowed_hosts``: hosts that may be in our own
    network and may be spoken to in the open (`http`, `git`). A host name that can be looked up now is;
    as names may lead elsewhere tomorrow, ``check_reachable`` does it again before each use.
    """
    _check_characters(text)
    allowed_hosts = frozenset(host.lower().strip("[].") for host in allowed_hosts)
    url = _URL.fullmatch(text)
    if url is not None and url["transport"].lower() in PORTS:
        address = _from_url(url, allowed_hosts)
    elif url is None and (short := _SHORT_SSH.fullmatch(text)) is not None:
        address = _from_short_ssh(short, allowed_hosts)
    else:
        return _from_folder(text, url, allow_local)
    _refuse_hosts_inside(address)
    return address


def check_reachable(address: Address) -> tuple[str, ...]:
    """Look the host up and return its IP addresses, all public; none for a folder or a listed host.

    Raises ``UsageError`` if the name leads into our own network (now), ``MachineError`` if nowhere.
    """
    if address.local or address.listed:
        return ()
    proxied = address.transport if address.transport in ("http", "https") else None
    return look_up(address.host, address.port, through_proxy=proxied)


def _check_characters(text: str) -> None:
    if not text or len(text) > LONGEST_ADDRESS:
        raise UsageError(f"an address has 1 to {LONGEST_ADDRESS} characters", fix=_FORMS)
    if text.startswith("-"):
        raise UsageError("the address begins with a dash", fix=_FORMS)
    if not text.isprintable():
        # Not said which: it may be a secret that was pasted with its line's end.
        raise UsageError("the address has control characters", fix=_FORMS)
    if _HELPER.match(text):
        raise UsageError(f"the address names a program ({shown(text.split('::')[0])}::)", fix=_FORMS)


def _from_url(url: re.Match[str], allowed_hosts: Collection[str]) -> Address:
    transport, path = url["transport"].lower(), url["path"] or ""
    user, host, port, listed = _place(url["place"], transport, allowed_hosts)
    if transport in ("http", "git") and not listed:
        raise UsageError(
            f"{transport}:// is neither encrypted nor proven to be {host[:80]}",
            fix="write https://, or the operator lists the host under `hosts` in server.toml",
        )
    _check_path(path, "?#" if transport != "ssh" else "")
    end = f":{port}" if port != PORTS[transport] else ""
    return Address(
        f"{transport}://{_named(user, host)}{end}{path}", transport, host, path, port, user, listed
    )


def _from_short_ssh(short: re.Match[str], allowed_hosts: Collection[str]) -> Address:
    user, host, port, listed = _place(short["place"], "ssh", allowed_hosts)
    _check_path("/" + short["path"].removeprefix("/"), "")
    # Put together anew from what was checked.
    text = f"{_named(user, host)}:{short['path']}"
    return Address(text, "ssh", host, short["path"], port, user, listed)


def _named(user: str, host: str) -> str:
    return (f"{user}@" if user else "") + (f"[{host}]" if ":" in host else host)


def _from_folder(text: str, url: re.Match[str] | None, allow_local: bool) -> Address:
    if url is not None and url["transport"].lower() != "file":
        raise UsageError(f"{shown(url['transport'])} is no transport that is used here", fix=_FORMS)
    if not allow_local:
        raise UsageError(
            "the address is a folder of this machine, and those are not allowed",
            fix="the operator sets `local = true` in server.toml, or: " + _FORMS,
        )
    if url is not None and (url["place"] or not url["path"]):
        raise UsageError("a file address names a host", fix="write the absolute path of the folder")
    try:
        path = str(Path(text if url is None else url["path"]).expanduser().absolute())
    except RuntimeError:
        raise UsageError("the address names a user who is not here", fix="write the absolute path") from None
    return Address(path, "file", "", path)


def _place(place: str, transport: str, allowed_hosts: Collection[str]) -> tuple[str, str, int, bool]:
    """Return user, host, port, and whether the host is listed."""
    parts = _PLACE.fullmatch(place)
    if "@" in place and (transport != "ssh" or ":" in place.rpartition("@")[0]):
        raise UsageError(
            "the address holds a user name or a password",
            fix="leave out what stands before the @, and give it apart, as a token",
        )
    if parts is None or not 0 < int(parts["port"] or 1) < 65536:
        raise UsageError("the address has no host that can be read", fix=_FORMS)
    user = parts["user"] or ""
    if "@" in place and not _USER.fullmatch(user):
        raise UsageError("the user in the address is no plain name", fix=_FORMS)
    host = check_host(parts["host"].removeprefix("[").removesuffix("]"), allowed_hosts)
    return user, host, int(parts["port"] or PORTS[transport]), host in allowed_hosts


def _check_path(path: str, without: str) -> None:
    plain = unquote(path, errors="replace")
    if not path.strip("/"):
        raise UsageError("the address names no repository", fix=_FORMS)
    if any(sign in path for sign in without + "\\ ") or not plain.isprintable():
        raise UsageError("the path in the address has characters that no repository needs", fix=_FORMS)
    if path.startswith("/-"):
        raise UsageError("the path in the address begins with a dash", fix=_FORMS)


def _refuse_hosts_inside(address: Address) -> None:
    # One that is not known now is looked up again before each use.
    with contextlib.suppress(MachineError):
        check_reachable(address)
