"""The script's files at a checkpoint, put back while the script may hold some of them open.

Keras callbacks and scripts open logs before training and write on through the epochs. The files are
written in place, so that an open one stays the same file, and each open one is set to its end.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from typing import Any, Iterable, Iterator


def flush(callbacks: Iterable[Any]) -> None:
    """Have what the script wrote so far on disk, before its files are copied."""
    for stream in _open_files(callbacks):
        stream.flush()


def restore(source: str, workspace: str, callbacks: Iterable[Any]) -> None:
    """Copy the files below ``source`` over those in ``workspace``; open ones go on at their end."""
    streams = list(_open_files(callbacks))
    for stream in streams:
        stream.flush()
    for base, _, names in os.walk(source):
        target = os.path.normpath(os.path.join(workspace, os.path.relpath(base, source)))
        os.makedirs(target, exist_ok=True)
        for name in names:
            shutil.copy2(os.path.join(base, name), os.path.join(target, name))
    for stream in streams:
        stream.seek(0, os.SEEK_END)
    for callback in callbacks:
        if getattr(callback, "csv_file", None) is not None:
            _continue_table(callback)


def _continue_table(callback: Any) -> None:
    """A ``CSVLogger`` makes its writer with the next row; the header is there already."""
    callback.writer = None
    callback.append_header = not (os.path.exists(callback.filename) and os.path.getsize(callback.filename))


def _open_files(callbacks: Iterable[Any]) -> Iterator[Any]:
    holders = [vars(callback) for callback in callbacks]
    holders.append(vars(sys.modules["__main__"]))
    for holder in holders:
        for value in list(holder.values()):
            if isinstance(value, (io.TextIOWrapper, io.BufferedWriter, io.FileIO)) and _is_log(value):
                yield value


def _is_log(stream: Any) -> bool:
    return not stream.closed and stream.writable() and stream.seekable() and isinstance(stream.name, str)
