"""Asking a repository somewhere else: as whom, what its branches are, and why it did not answer."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

from pushtune.errors import MachineError, PushtuneError, UsageError
from pushtune.git.addresses import PORTS, Address, check_reachable
from pushtune.git.command import MEBIBYTE, Way, call, no_room, said
from pushtune.git.names import is_branch
from pushtune.process import Completed

ANY_USER = "x-access-token"
"""The user name beside a token where none is given. Most forges look only at the token."""

_MOST_HEADS = 32 * MEBIBYTE
_MEMORY = 4096 * MEBIBYTE
_MEMORY_FOR_HEADS = 1024 * MEBIBYTE

# Git loads the local repository in a process of its own, which our settings do not reach. Only looked at,
# never run: a folder that belongs to another user may still be read.
LOCAL_UPLOAD = "git -c 'safe.directory=*' -c core.hooksPath=/dev/null upload-pack"

# What is the user's to mend: words of git, ssh or the server, then what to do.
_TROUBLES = (
    (
        ("Authentication failed", "could not read Username", "could not read Password", "error: 401",
         "error: 403", "Permission denied", "Access denied", "HTTP Basic"),
        "does not let us in", "give a token or a key that may read it",
    ),
    (
        ("Host key verification failed", "REMOTE HOST IDENTIFICATION HAS CHANGED"),
        "is at a host whose key is not known", "add the key of the host to the known_hosts file",
    ),
    (
        ("unable to update url base from redirection", "error: 301", "error: 302", "error: 303",
         "error: 307", "error: 308"),
        "has moved (the server sends us elsewhere)", "give its new address",
    ),
    (
        ("not found", "does not appear to be a git repository", "does not exist", "error: 404",
         "not a git repository"),
        "is not there, or not for us to see", "check the address, or give a token or a key",
    ),
    (("dubious ownership",), "belongs to another user of this machine", "change its owner"),
)  # fmt: skip


@dataclass(frozen=True)
class Credentials:
    """Who we are to a repository: a token (over `https`), or a key (over `ssh`). None is ever shown.

    ``user`` goes with the token; it may be empty. ``known_hosts`` holds the keys of ssh hosts that are
    trusted; None: those in `~/.ssh/known_hosts`. A host whose key is in neither is refused.
    """

    token: str | None = field(default=None, repr=False)
    user: str = ""
    ssh_key: Path | None = None
    known_hosts: Path | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """Whatever must not be shown, in all the forms in which it is sent."""
        if not self.token:
            return ()
        return (self.token, quote(self.token, safe=""), self._basic)

    @property
    def _basic(self) -> str:
        pair = f"{self.user or ANY_USER}:{self.token}"
        return base64.b64encode(pair.encode()).decode("ascii")

    @property
    def header(self) -> str:
        """The line of an HTTP request that carries the token."""
        if not self.token or not self.token.isprintable() or not self.user.isprintable() or ":" in self.user:
            raise UsageError(
                "the token, or the user beside it, has characters that none has", fix="give it anew"
            )
        return f"Authorization: Basic {self._basic}"


@dataclass(frozen=True)
class Heads:
    """The branches of a repository and their commits. ``default`` is the branch of HEAD, if it has any.

    ``refused`` are names that git allows and we do not (a leading dash, characters that cannot be seen).
    """

    default: str | None
    branches: Mapping[str, str]
    refused: tuple[str, ...] = ()


def list_heads(address: Address, credentials: Credentials | None = None, *, timeout: float = 30.0) -> Heads:
    """Ask the repository at ``address`` for its branches. ``timeout`` is in seconds.

    Raises ``UsageError`` where it does not let us in or is not there, ``MachineError`` where it cannot be
    reached now.
    """
    way = way_to(address, credentials)
    if not address.local:
        way = replace(way, memory=_MEMORY_FOR_HEADS)
    arguments = ("ls-remote", "--symref", *uploading(address), "--", address.text, "HEAD", "refs/heads/*")
    completed = call(None, *arguments, way=way, timeout=timeout, most=_MOST_HEADS)
    if completed.code != 0:
        raise explained(completed, address, way)
    return _heads(completed.stdout)


def way_to(address: Address, credentials: Credentials | None) -> Way:
    """Return how git is called to reach ``address``: looked up, checked, and held to what it is now."""
    found = check_reachable(address)
    credentials = credentials or Credentials()
    if address.transport == "ssh":
        return Way(transport="ssh", variables=_ssh_variables(address, credentials, found), memory=_MEMORY)
    if address.local:
        return Way(transport=address.transport)
    pins = {"http.curloptResolve": f"{address.host}:{address.port}:{_listed(found)}"} if found else {}
    variables: Mapping[str, str] = {}
    if credentials.token and address.transport != "git":
        variables = _token_variables(address, credentials)
    return Way(pins, variables, address.transport, credentials.secrets, memory=_MEMORY)


def uploading(address: Address) -> tuple[str, ...]:
    """Return the arguments for reading from ``address``."""
    return (f"--upload-pack={LOCAL_UPLOAD}",) if address.local else ()


def explained(completed: Completed, address: Address, way: Way) -> PushtuneError:
    """Return why the repository did not answer: the user's to mend, or to be tried again."""
    full = no_room(completed)
    if full is not None:
        return full
    words = said(completed, way.secrets)
    for signs, trouble, fix in _TROUBLES:
        if any(sign in completed.stderr for sign in signs):
            return UsageError(f"the repository {address.text} {trouble} ({words})", fix=fix)
    return MachineError(f"the repository {address.text} cannot be reached: {words}")


def _token_variables(address: Address, credentials: Credentials) -> dict[str, str]:
    # In the environment, which only our own user can read; the command line can be read by everyone.
    # Bound to the host, so that it goes nowhere else.
    host = f"[{address.host}]" if ":" in address.host else address.host
    place = host if address.port == PORTS[address.transport] else f"{host}:{address.port}"
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{address.transport}://{place}/.extraHeader",
        "GIT_CONFIG_VALUE_0": credentials.header,
    }


def _ssh_variables(address: Address, credentials: Credentials, found: tuple[str, ...]) -> dict[str, str]:
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "ConnectTimeout": "20",
        "ServerAliveInterval": "15",
        "ProxyCommand": "none",
        "PermitLocalCommand": "no",
        "ClearAllForwardings": "yes",
        "ForwardAgent": "no",
        "CheckHostIP": "no",
    }
    if found:
        # The address that was checked is the one that is spoken to, under the host's own key.
        options["HostName"] = found[0]
        options["HostKeyAlias"] = (
            address.host if address.port == PORTS["ssh"] else f"[{address.host}]:{address.port}"
        )
    if credentials.known_hosts is not None:
        options["UserKnownHostsFile"] = _ssh_path(credentials.known_hosts)
    if credentials.ssh_key is not None:
        options["IdentitiesOnly"] = "yes"
        options["IdentityFile"] = _ssh_path(credentials.ssh_key)
    # No configuration file: it could name programs, and send us elsewhere than was checked.
    words = ["ssh", "-F", "none", *(part for item in options.items() for part in ("-o", "=".join(item)))]
    return {"GIT_SSH_COMMAND": shlex.join(words), "GIT_SSH_VARIANT": "ssh"}


def _ssh_path(path: Path) -> str:
    text = str(path.expanduser().absolute())
    if not Path(text).is_file():
        raise UsageError(f"there is no file {text!r} for ssh", fix="name the file of the key or the hosts")
    if '"' in text or "\\" in text or not text.isprintable():
        raise UsageError(f"ssh cannot be given the file {text!a}", fix="move it to a plain path")
    # ssh splits at blanks and replaces `%h` and the like.
    return '"' + text.replace("%", "%%") + '"'


def _listed(addresses: tuple[str, ...]) -> str:
    return ",".join(f"[{text}]" if ":" in text else text for text in addresses)


def _heads(listing: str) -> Heads:
    default, branches, refused = None, {}, []
    for line in listing.split("\n"):
        value, _, name = line.partition("\t")
        if name == "HEAD" and value.startswith("ref: refs/heads/"):
            default = value.removeprefix("ref: refs/heads/")
        elif name.startswith("refs/heads/"):
            branch = name.removeprefix("refs/heads/")
            if is_branch(branch):
                branches[branch] = value
            else:
                refused.append(branch)
    return Heads(default if default in branches else None, branches, tuple(refused))
