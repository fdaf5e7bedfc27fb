"""Tells calls that the script makes itself from calls that a library makes on its behalf."""

import os
import sys
import threading
from types import FrameType, TracebackType
from typing import Dict, Optional, Tuple

Place = Tuple[str, int]
"""A file (absolute) and a line, counted from 1."""

_LIBRARY_FOLDERS = ("site-packages", "dist-packages")


class CallSite:
    """Knows the script's own files: everything below ``root`` that is no installed package."""

    def __init__(self, root: str) -> None:
        self._root = os.path.join(os.path.realpath(root), "")
        self._known: Dict[str, bool] = {}
        self._depth = 0
        self._lock = threading.Lock()

    def is_own(self, filename: str) -> bool:
        """Whether ``filename`` (a code object's) is one of the script's own files."""
        known = self._known.get(filename)
        if known is None:
            path = os.path.realpath(filename)
            inside = path.startswith(self._root) and not filename.startswith("<")
            known = inside and not any(os.sep + name + os.sep in path for name in _LIBRARY_FOLDERS)
            self._known[filename] = known
        return known

    def caller(self, above: int = 1) -> Optional[Place]:
        """Return where the function ``above`` frames up was called from, if by the script itself.

        ``above=1`` asks on behalf of the function that calls this method. None: a library called it.
        """
        frame = sys._getframe(above + 1)
        return self.place(frame) if self.is_own(frame.f_code.co_filename) else None

    def nearest(self, frame: Optional[FrameType]) -> Optional[Place]:
        """Return the innermost place in the script's own files, going outwards from ``frame``."""
        while frame is not None:
            if self.is_own(frame.f_code.co_filename):
                return self.place(frame)
            frame = frame.f_back
        return None

    def innermost(self, trace: Optional[TracebackType]) -> Optional[Place]:
        """Return the innermost place of a traceback that lies in the script's own files."""
        place = None
        while trace is not None:
            if self.is_own(trace.tb_frame.f_code.co_filename):
                place = (os.path.realpath(trace.tb_frame.f_code.co_filename), trace.tb_lineno)
            trace = trace.tb_next
        return place

    @staticmethod
    def place(frame: FrameType) -> Place:
        """Return the file and the line that ``frame`` is at."""
        return os.path.realpath(frame.f_code.co_filename), frame.f_lineno

    def outermost(self, above: int = 1) -> Optional[Place]:
        """Return ``caller`` if, beyond that, no reported call is under way, in any thread; else None.

        A scorer of the script's own that a grid search calls is called from a library's thread or from
        below a reported call: either way it is not the outermost.
        """
        return None if self._depth else self.caller(above + 1)

    def __enter__(self) -> "CallSite":
        """Begin a reported call: what it calls in turn stays silent."""
        with self._lock:
            self._depth += 1
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._depth -= 1
