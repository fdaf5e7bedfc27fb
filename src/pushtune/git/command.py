"""How git is called for repositories that are not ours to trust.

Nothing of the user's or the machine's configuration counts, nothing asks a question, nothing that a
repository says is run, and what comes back is bounded in bytes and seconds.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pushtune.errors import MachineError
from pushtune.process import Completed, find_program, run

MEBIBYTE = 1 << 20

MOST_OUTPUT = 64 * MEBIBYTE
"""Bytes that git may say to us."""

_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.attributesFile": "/dev/null",
    "core.symlinks": "false",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "core.autocrlf": "false",
    # What a commit or a branch holds is on the disk before it is told.
    "core.fsync": "committed,reference",
    # Larger files are streamed, and packs looked at in pieces: both keep within the memory that is allowed.
    "core.bigFileThreshold": "16m",
    "core.packedGitWindowSize": "64m",
    "core.packedGitLimit": "1g",
    "credential.helper": "",
    "protocol.ext.allow": "never",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    # Objects of a push that is under way may hang on no branch any more: nothing is ever thrown away.
    "gc.auto": "0",
    "maintenance.auto": "false",
    "pack.threads": "1",
    "advice.detachedHead": "false",
    "http.followRedirects": "false",
    "http.sslVerify": "true",
    # Bytes a second, and for how many seconds less than that is borne.
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
}

# All of our environment that git, curl and ssh see. No secret of the server's is among it.
_KEPT = (
    *("PATH", "TMPDIR", "SSH_AUTH_SOCK"),
    *("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"),
    *("GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE"),
)

_TELLING = ("fatal:", "error:", "ssh:", "remote: ERROR", "Host key verification")
_DENIED = "Permission denied"
# Of a file that it streams, git does not say why it cannot be written.
_DISK_IS_FULL = ("No space left on device", "Disk quota exceeded", "unable to write file")
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_NOT_PLAIN = re.compile("[^\x20-\x7e\u00a1-\u1fff\u2010-\u2027\u3000-\ud7ff]+")


@dataclass(frozen=True)
class Way:
    """What one call adds: settings that may be seen, and variables that may not (tokens).

    ``transport`` is the only one that git may speak; none: it reaches no other repository.
    ``largest_file`` and ``memory`` (address space) are in bytes: no server makes git fill the machine.
    ``secrets`` are masked in whatever is said of the call.
    """

    settings: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    transport: str = ""
    secrets: Collection[str] = field(default=(), repr=False)
    largest_file: int | None = None
    memory: int | None = None


NOWHERE = Way()


def call(
    folder: Path | None,
    *arguments: str,
    way: Way = NOWHERE,
    input: str | None = None,  # noqa: A002 - the word of subprocess.run
    timeout: float = 60.0,
    most: int = MOST_OUTPUT,
) -> Completed:
    """Run git on the bare repository ``folder`` (None: on none) and return how it ended.

    ``timeout`` is in seconds, ``most`` in bytes. Raises ``MachineError`` where git is missing, does not end
    in time, or says more than that.
    """
    settings = [part for item in {**_SETTINGS, **way.settings}.items() for part in ("-c", "=".join(item))]
    command = [*_before(way), _program(), *settings, *arguments]
    # No repository around our working directory has a say.
    environment = {**_environment(), "GIT_DIR": str(folder or os.devnull), **way.variables}
    environment["GIT_ALLOW_PROTOCOL"] = way.transport or "none"
    return run(command, cwd="/", env=environment, input=input, timeout=timeout, most=most, check=False)


def answer(
    folder: Path | None,
    *arguments: str,
    way: Way = NOWHERE,
    input: str | None = None,  # noqa: A002 - the word of subprocess.run
    timeout: float = 60.0,
    most: int = MOST_OUTPUT,
) -> str:
    """Run git as ``call`` does and return its standard output; ``MachineError`` if it fails."""
    completed = call(folder, *arguments, way=way, input=input, timeout=timeout, most=most)
    if completed.code != 0:
        raise no_room(completed) or MachineError(f"git {arguments[0]} failed: {said(completed, way.secrets)}")
    return completed.stdout


class NoRoomError(MachineError):
    """The disk is full. Nothing is damaged by it."""


def no_room(completed: Completed) -> NoRoomError | None:
    """Return what to raise if git failed because the disk is full, else None."""
    full = any(sign in completed.stderr for sign in _DISK_IS_FULL)
    return _no_room(said(completed)) if full else None


@contextlib.contextmanager
def disk_errors() -> Iterator[None]:
    """Turn a disk that is full into a ``NoRoomError``."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise _no_room(str(error)) from error


def _no_room(words: str) -> NoRoomError:
    return NoRoomError(f"the disk is full ({words})", fix="free some space: nothing is lost")


def said(completed: Completed, secrets: Collection[str] = ()) -> str:
    """Return why git failed, in one plain line without secrets: the server's words may be among it."""
    lines = [line.strip() for line in completed.stderr.splitlines() if line.strip()]
    # The first names the cause, the rest what failed because of it.
    telling = [line for line in lines if line.startswith(_TELLING) or _DENIED in line] or lines
    return plain(hidden(telling[0] if telling else f"status {completed.code}", secrets))


def plain(text: str, most: int = 300) -> str:
    """Return ``text`` as one bounded line without control characters."""
    line = _NOT_PLAIN.sub(" ", _COLOURS.sub("", text)).strip()
    return line if len(line) <= most else line[: most - 1] + "…"


def hidden(text: str, secrets: Collection[str]) -> str:
    """Return ``text`` with every secret in it replaced by `***`."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***") if secret else text
    return text


def _program() -> str:
    program = find_program("git")
    if program is None:
        raise MachineError("git is not found", fix="install git")
    return program


# Asked to end (our death does that), it takes git and all that git started along. Git reads our input:
# what a shell runs in the background gets none of its own accord.
_TIED = """trap 'kill -s KILL 0' TERM
exec 3<&0
"$@" <&3 3<&- &
wait $!"""


def _before(way: Way) -> tuple[str, ...]:
    """Return the words before a command that bound the files it can write, its memory, and its life.

    What speaks to another repository may take minutes. Killed with -9 we cannot end it, and the next server
    would fetch into the same mirror beside it: the kernel tells it that we are gone, where there is
    util-linux to ask that of it.
    """
    # The shell counts files in 512 bytes, memory in 1024.
    limits = (("-f", way.largest_file, 512), ("-v", way.memory, 1024))
    given = [f"ulimit {option} {most // unit} || exit" for option, most, unit in limits if most is not None]
    tie = find_program("setpriv") if way.transport and sys.platform == "linux" else None
    if tie is not None:
        return (tie, "--pdeathsig", "TERM", "--", "/bin/sh", "-c", "\n".join([*given, _TIED]), "git")
    return ("/bin/sh", "-c", "\n".join([*given, 'exec "$@"']), "git") if given else ()


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {
        **kept,
        # No .netrc, no configuration of the user's or the machine's.
        "HOME": os.devnull,
        "XDG_CONFIG_HOME": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "LC_ALL": "C",
    }
