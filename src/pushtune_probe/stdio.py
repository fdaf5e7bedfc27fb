"""The script's standard streams: what it prints is read along, what it asks for is noted."""

import io
import sys
from typing import Any, Callable, Iterator

Listener = Callable[[str], None]


class Tee(io.TextIOWrapper):
    """A text stream like the interpreter's own, on the same buffer, that shows what is written to it."""

    def show(self, listener: Listener) -> None:
        """Show ``listener`` all text from now on. It must not raise and must not print."""
        write = super().write

        def write_and_show(text: str) -> int:
            count = write(text)
            listener(text)
            return count

        # On the object, not the class: ``print`` comes here for every argument, and this is the faster way.
        self.write = write_and_show  # type: ignore[method-assign]


def tee(name: str, listener: Listener) -> None:
    """Put a ``Tee`` in the place of ``sys.stdout`` or ``sys.stderr`` (and ``sys.__stdout__``…).

    A stream that is missing, or none of the interpreter's own kind, stays as it is.
    """
    stream = getattr(sys, name)
    if type(stream) is not io.TextIOWrapper:
        return
    facts = (stream.encoding, stream.errors)
    line_buffering, write_through = stream.line_buffering, stream.write_through
    mode = getattr(stream, "mode", "w")
    # One wrapper on one buffer: two would print out of order.
    replacement = Tee(stream.detach(), *facts, None, line_buffering, write_through)
    replacement.mode = mode  # type: ignore[misc]
    replacement.show(listener)
    setattr(sys, name, replacement)
    setattr(sys, "__%s__" % name, replacement)


class WatchedInput:
    """Standard input that notes when the script reads beyond its end. Everything else is the stream's."""

    def __init__(self, stream: Any, at_end: Callable[[], None]) -> None:
        self._stream = stream
        self._at_end = at_end

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return str(self._noted(next(self._stream, ""))) or self._stop()

    def read(self, *args: Any) -> Any:
        """Read as the stream does."""
        return self._noted(self._stream.read(*args))

    def readline(self, *args: Any) -> Any:
        """Read as the stream does; ``input()`` comes here."""
        return self._noted(self._stream.readline(*args))

    def readlines(self, *args: Any) -> Any:
        """Read as the stream does."""
        return self._noted(self._stream.readlines(*args))

    def _noted(self, data: Any) -> Any:
        if not data:
            self._at_end()
        return data

    @staticmethod
    def _stop() -> str:
        raise StopIteration


def watch_input(at_end: Callable[[], None]) -> None:
    """Note reads beyond the end of ``sys.stdin``."""
    if sys.stdin is not None:
        sys.stdin = WatchedInput(sys.stdin, at_end)
