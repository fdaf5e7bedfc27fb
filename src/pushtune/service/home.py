"""A server's home: made, opened, and locked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pushtune.errors import MachineError, UsageError
from pushtune.ledger import Ledger
from pushtune.model.home import Home
from pushtune.service.locks import held
from pushtune.settings import ServerSettings, load_server_settings

VARIABLE = "PUSHTUNE_HOME"


@dataclass(frozen=True)
class Opened:
    """A home with its ledger and the operator's settings."""

    home: Home
    ledger: Ledger
    settings: ServerSettings


def home_path(given: Path | None, environ: Mapping[str, str]) -> Path:
    """Return the server's home: what was given, ``PUSHTUNE_HOME``, or the usual place for data."""
    if given is not None:
        return given.expanduser().absolute()
    if environ.get(VARIABLE):
        return Path(environ[VARIABLE]).expanduser().absolute()
    data = environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser().absolute() / "pushtune"


@contextmanager
def opened(
    path: Path, flags: Mapping[str, Any], environ: Mapping[str, str], *, make: bool = False
) -> Iterator[Opened]:
    """Open a home. ``UsageError`` if there is none, unless it is to be made."""
    home = Home(path)
    if make:
        _make(home)
    elif not home.ledger.is_file():
        raise UsageError(
            f"there is no server's home at {path}", fix="`pushtune repo add` or `pushtune serve` makes one"
        )
    settings = load_server_settings(path, flags, environ)
    ledger = Ledger(home.ledger)
    try:
        yield Opened(home, ledger, settings)
    finally:
        ledger.close()


def _make(home: Home) -> None:
    try:
        # Others may pass through, so that trials of another user reach their own folders; they see no list.
        home.path.mkdir(parents=True, exist_ok=True, mode=0o711)
        for folder in ("repositories", "pushes", "studies", "delivered", "caches", "inbox"):
            (home.path / folder).mkdir(exist_ok=True, mode=0o711)
        if not os.access(home.path, os.W_OK):
            raise PermissionError(13, "Permission denied")
        # What lies beside the ledger while it is open gets the ledger's mode.
        home.ledger.touch(mode=0o660)
        for path in (home.path / "repositories", *home.path.glob("ledger.db*")):
            _close_to_others(path)
    except OSError as error:
        raise MachineError(
            f"cannot write {home.path}: {error.strerror}", fix="name another folder with --home"
        ) from error


def _close_to_others(path: Path) -> None:
    """Let no other user in, a trial's least of all. Where it is not ours to say, it stays as it is."""
    with suppress(PermissionError, FileNotFoundError):
        path.chmod(path.stat().st_mode & 0o770)


def sole(home: Home) -> AbstractContextManager[None]:
    """Hold the home for a server. ``StudyBusyError`` if another server, or a command, works in it."""
    return held(
        home.lock,
        busy=f"another pushtune works in {home.path}",
        fix="stop it first, or wait behind it with --standby",
    )


def without_server(home: Home) -> AbstractContextManager[None]:
    """Hold the home together with other commands. ``StudyBusyError`` if a server has it."""
    return held(
        home.lock,
        shared=True,
        busy=f"a server works in {home.path} and takes every push through its stages",
        fix="stop it to take single stages by hand",
    )


def beside(
    home: Home, push: int, *, wait: Callable[[str], None] | None = None
) -> AbstractContextManager[None]:
    """Hold one push, in a home that has no server. ``StudyBusyError`` if it has, or another has the push.

    With ``wait`` another command that has the push is waited for, and ``wait`` is told so.
    """
    return _Both(home, push, wait)


def mailing(home: Home, *, wait: Callable[[str], None]) -> AbstractContextManager[None]:
    """Hold the outbox, so that no two commands send the same letter; the other one is waited for."""
    return held(home.path / "mail.lock", busy="another command sends letters", fix="wait for it", wait=wait)


class _Both(AbstractContextManager[None]):
    """The home shared with other commands, and the push for this one alone."""

    def __init__(self, home: Home, push: int, wait: Callable[[str], None] | None) -> None:
        self._home = without_server(home)
        self._push = held(
            home.push(push) / "lock",
            busy=f"another command works on push {push}",
            fix="wait for it",
            wait=wait,
        )

    def __enter__(self) -> None:
        self._home.__enter__()
        try:
            self._push.__enter__()
        except BaseException:
            self._home.__exit__(None, None, None)
            raise

    def __exit__(self, *error: Any) -> None:
        self._push.__exit__(*error)
        self._home.__exit__(*error)
