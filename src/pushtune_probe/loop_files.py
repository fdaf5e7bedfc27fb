"""Open files of a loop: what was written is on disk at each checkpoint, reading goes on where it was."""

import io
import os
import sys
from typing import Any, Optional, Tuple

from pushtune_probe.loop_kinds import Leaf, UnsaveableError

_FILES = (io.TextIOWrapper, io.BufferedWriter, io.BufferedReader, io.BufferedRandom, io.FileIO)


class FileKind(Leaf):
    """Files; the content of those in the workspace comes back with the checkpoint's files."""

    def accepts(self, item: Any) -> bool:
        """Files that the interpreter opened."""
        return isinstance(item, _FILES)

    def mark(self, item: Any) -> bool:
        """Keep whether it is closed."""
        return bool(item.closed)

    def changes(self, item: Any, mark: bool) -> Optional[Tuple[str, int]]:
        """Return what became of it; what was written is flushed."""
        if item.closed or not isinstance(item.name, str) or item in (sys.stdin, sys.stdout, sys.stderr):
            return None if item.closed == mark else ("closed", 0)
        if item.writable():
            item.flush()
            return None
        try:
            return ("at", item.tell()) if item.seekable() else None
        except OSError as error:
            raise UnsaveableError("it is being read line by line") from error

    def put_back(self, item: Any, state: Tuple[str, int]) -> None:
        """Close it, or go on reading where it was."""
        how, position = state
        if how == "closed":
            item.close()
        else:
            item.seek(position, os.SEEK_SET)
