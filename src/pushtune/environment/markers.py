"""What was made and found good: one small file each, written whole or not at all; and locks."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pushtune.errors import MachineError


class Markers:
    """Markers of one kind of thing in ``folder``. Its keys are file names.

    Safe between threads and processes. When a marker was last used is its time of change.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, key: str) -> dict[str, Any] | None:
        """Return what the marker says, or None where there is none that can be read."""
        try:
            body = json.loads(self._path(key).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return body if isinstance(body, dict) else None

    def write(self, key: str, body: dict[str, Any]) -> None:
        """Write the marker whole. Raises ``MachineError`` if the folder cannot be written."""
        path = self._path(key)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with temporary.open("w", encoding="utf-8") as stream:
                json.dump(body, stream)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(path)
        except OSError as error:
            raise MachineError(f"cannot write {path}: {error.strerror}") from error

    def touch(self, key: str) -> None:
        """Note that it was used now."""
        with contextlib.suppress(OSError):
            os.utime(self._path(key))

    def used(self, key: str) -> float | None:
        """Return when it was last used, in unix seconds."""
        try:
            return self._path(key).stat().st_mtime
        except OSError:
            return None

    def remove(self, key: str) -> None:
        """Forget it."""
        with contextlib.suppress(OSError):
            self._path(key).unlink()

    def all(self) -> list[str]:
        """Return the keys of all markers."""
        return sorted(path.stem for path in self.folder.glob("*.json") if not path.name.startswith("."))

    @contextmanager
    def locked(self, key: str) -> Iterator[None]:
        """Hold the key alone; waits for as long as another makes it. The lock dies with its holder."""
        folder = self.folder / "locks"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(folder / key, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise MachineError(
                f"cannot write {folder}: {error.strerror}",
                fix="make the folder writable, or set PUSHTUNE_CACHE",
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def is_locked(self, key: str) -> bool:
        """Whether somebody holds the key now."""
        try:
            descriptor = os.open(self.folder / "locks" / key, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"
