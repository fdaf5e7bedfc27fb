"""Settings that were changed while the server runs: they count from its next start, and that is said."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pushtune.errors import PushtuneError
from pushtune.model.home import Home
from pushtune.service.locks import is_free
from pushtune.settings import load_server_settings, server_settings_file

LOOK_SECONDS = 5.0
"""How often a running server looks at its settings file."""


def settings_print(home: Home) -> str:
    """Return what is the same as long as the settings file says the same; its comments do not matter."""
    try:
        said = repr(load_server_settings(home.path, {}, {}))
    except (PushtuneError, OSError) as error:
        said = str(error)
    return hashlib.sha256(said.encode()).hexdigest()


def note_settings(home: Home, read: str) -> None:
    """Leave for other commands what the server of ``home`` has read, while it holds the lock."""
    with suppress(OSError):  # a full disk keeps no server from starting
        home.lock.write_text(f"{read}\n", encoding="utf-8")


def unread_settings(home: Home) -> str:
    """Return a line where the file of a server that runs says something else since its start; else ``""``."""
    # Whoever may only read the home cannot tell whether a server has it.
    if not os.access(home.lock, os.W_OK) or is_free(home.lock, shared=True):
        return ""
    read = home.lock.read_text(encoding="utf-8", errors="replace").strip()
    return (
        _UNREAD.format(file=server_settings_file(home.path)) if read not in ("", settings_print(home)) else ""
    )


_UNREAD = "{file} was changed; that counts from the server's next start: restart it"


class SettingsWatch:
    """Tells the server's log of a settings file that says something else than what was read at its start."""

    def __init__(
        self, home: Home, read: str, tell: Callable[[str], None], clock: Callable[[], float]
    ) -> None:
        self._home = home
        self._read = read
        self._said = read
        self._tell = tell
        self._clock = clock
        self._file = server_settings_file(home.path)
        self._state: object = "never looked"
        self._looked = float("-inf")

    def look(self) -> None:
        """Look whether the file changed, if that was not done a moment ago; each change is told once."""
        now = self._clock()
        if 0 <= now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        state = _state(self._file)
        if state == self._state:
            return
        self._state = state
        now_said = settings_print(self._home)
        if now_said not in (self._said, self._read):
            self._tell(_UNREAD.format(file=self._file) + self._slip())
        self._said = now_said

    def _slip(self) -> str:
        """Say what the next start would say: now is the time to mend it."""
        try:
            load_server_settings(self._home.path, {}, {})
        except (PushtuneError, OSError) as error:
            return f". It would not start: {error}"
        return ""


def _state(file: Path) -> tuple[int, int, int] | None:
    try:
        facts = file.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino
