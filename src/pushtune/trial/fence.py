"""Where an attempt's word ends: what an orphan of it writes after its end is not believed.

The note stands beside the attempt's folder, where the trial cannot write.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pushtune_probe import wire


@dataclass(frozen=True)
class Fence:
    """``events``: bytes of its events that count; ``checkpoints``: the names of those that it had written."""

    events: int
    checkpoints: tuple[str, ...]


def write_fence(attempt: Path, events: int) -> None:
    """Note how far an attempt that has ended is believed. Raises ``OSError`` as the disk does."""
    names = tuple(Path(folder).name for folder in wire.checkpoint_folders(str(attempt)))
    wire.write_atomically(str(_place(attempt)), json.dumps(asdict(Fence(events, names))).encode())


def fenced_at(attempt: Path) -> int | None:
    """Return the bytes of an attempt's events that count, None while all do."""
    fence = _read(attempt)
    return None if fence is None else fence.events


def believed_checkpoints(attempt: Path) -> tuple[Path, ...]:
    """Return the attempt's checkpoints, newest first, whole or not, but none from after its end."""
    fence = _read(attempt)
    folders = tuple(Path(folder) for folder in wire.checkpoint_folders(str(attempt)))
    return folders if fence is None else tuple(one for one in folders if one.name in fence.checkpoints)


def _place(attempt: Path) -> Path:
    return attempt.with_name(f"{attempt.name}.end.json")


def _read(attempt: Path) -> Fence | None:
    try:
        body = json.loads(_place(attempt).read_text())
        return Fence(int(body["events"]), tuple(body["checkpoints"]))
    except (OSError, ValueError, LookupError, TypeError):
        return None
