"""Short subprocesses: every one that is not a trial runs through ``run``."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pushtune.errors import MachineError

_REQUESTS_TO_END = (signal.SIGTERM, signal.SIGHUP)

DEFAULT_TIMEOUT = 60.0
"""Seconds after which a short subprocess is taken to hang."""


@dataclass(frozen=True)
class Completed:
    """How a subprocess ended. ``code`` is its exit status, negative for a signal.

    The texts are UTF-8; bytes that are not stay as surrogates, so that file names survive the way back.
    """

    command: tuple[str, ...]
    code: int
    stdout: str
    stderr: str

    @property
    def last_words(self) -> str:
        """The last line that it wrote to standard error, else to standard output; may be empty."""
        lines = (self.stderr.strip() or self.stdout.strip()).splitlines()
        return lines[-1].strip() if lines else ""


def find_program(name: str) -> str | None:
    """Return the absolute path of the program ``name`` on PATH (symbolic links kept), or None."""
    found = shutil.which(name)
    # Not resolved: a virtual environment's python is known by the path it was called by.
    return None if found is None else str(Path(found).absolute())


def run(
    command: Sequence[str],
    *,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    input: str | None = None,  # noqa: A002 - the word of subprocess.run
    timeout: float | None = DEFAULT_TIMEOUT,
    most: int | None = None,
    check: bool = True,
) -> Completed:
    """Run ``command`` to its end and return what it said. Nothing is read from our own standard input.

    ``env`` is the complete environment (None: ours); ``timeout`` is in seconds, after which the command
    and what it started are killed. ``most`` is how many bytes it may say in all (None: any number).
    Raises ``MachineError`` if it cannot be started, does not end in time, says more, or, with ``check``,
    ends with another status than 0.
    """
    process = _start(command, cwd, env, wants_input=input is not None)
    try:
        given = None if input is None else _bytes(input)
        if most is None:
            stdout, stderr = process.communicate(given, timeout=timeout)
        else:
            stdout, stderr = _bounded(process, given, timeout, most)
    except subprocess.TimeoutExpired:
        raise MachineError(f"{command[0]} did not end within {timeout:g} s") from None
    finally:
        # Also on Ctrl-C: no short subprocess outlives the call that started it.
        _end(process)
    completed = Completed(tuple(command), process.returncode, _text(stdout), _text(stderr))
    if check and completed.code != 0:
        raise MachineError(
            f"{' '.join(command[:3])} failed with status {completed.code}: {completed.last_words}"
        )
    return completed


def _start(
    command: Sequence[str], cwd: str | Path | None, env: Mapping[str, str] | None, *, wants_input: bool
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.PIPE if wants_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Its own group, so that a time limit also ends what it started, and Ctrl-C is ours to handle.
            start_new_session=True,
        )
    except FileNotFoundError as error:
        if cwd is not None and not Path(cwd).is_dir():
            raise MachineError(f"the folder {cwd} is not there") from error
        raise MachineError(
            f"the program {command[0]!r} is not there", fix=f"install {command[0]} or put it on PATH"
        ) from error
    except OSError as error:
        raise MachineError(f"cannot start {command[0]!r}: {error.strerror}") from error


def _bounded(
    process: subprocess.Popen[bytes], given: bytes | None, timeout: float | None, most: int
) -> tuple[bytes, bytes]:
    """Do what ``communicate`` does, and end a process that says more than ``most`` bytes."""
    deadline = None if timeout is None else time.monotonic() + timeout
    readers = [_Reader(process, stream, most) for stream in (process.stdout, process.stderr)]
    threads = [*readers, threading.Thread(target=_give, args=(process.stdin, given), daemon=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            raise subprocess.TimeoutExpired(process.args, timeout or 0.0)
    if any(reader.too_much for reader in readers):
        raise MachineError(f"{_name(process)} said more than {most} bytes")
    process.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
    return readers[0].said(), readers[1].said()


class _Reader(threading.Thread):
    """Reads one stream to its end, or ends the process that says too much."""

    def __init__(self, process: subprocess.Popen[bytes], stream: IO[bytes] | None, most: int) -> None:
        super().__init__(daemon=True)
        self._process, self._stream, self._left = process, stream, most
        self._chunks: list[bytes] = []

    def run(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while self._stream is not None and (chunk := os.read(self._stream.fileno(), 1 << 16)):
                self._left -= len(chunk)
                if self.too_much:
                    _kill(self._process)
                    return
                self._chunks.append(chunk)

    @property
    def too_much(self) -> bool:
        return self._left < 0

    def said(self) -> bytes:
        return b"".join(self._chunks)


def _give(stream: IO[bytes] | None, given: bytes | None) -> None:
    # One that ends without reading it all has its reasons; its status says so.
    with contextlib.suppress(OSError, ValueError):
        if stream is not None:
            stream.write(given or b"")
            stream.close()


def _name(process: subprocess.Popen[bytes]) -> str:
    return str(process.args[0]) if isinstance(process.args, (list, tuple)) else str(process.args)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.returncode is None:
        _kill(process)
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def end_politely_on_signals() -> None:
    """Let a request to end (SIGTERM, a closed terminal) do what Ctrl-C does. For a program's main thread."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    for number in _REQUESTS_TO_END:
        # What was switched off from outside (nohup) stays so.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)


@contextlib.contextmanager
def shielded() -> Iterator[None]:
    """Let no second Ctrl-C interrupt the clean-up after the first. For a program's main thread."""
    numbers = (signal.SIGINT, *_REQUESTS_TO_END)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
