"""What is attached on request: the patch and the build log, bounded, masked, under safe names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pushtune.notify.clean import Masker, line

LARGEST_PATCH = 1024 * 1024
LARGEST_LOG = 256 * 1024
MOST_ATTACHED = 5
_KINDS = {".patch": "x-patch", ".diff": "x-patch", ".log": "plain", ".txt": "plain"}


@dataclass(frozen=True)
class Attachment:
    """A file to attach: any name, any bytes. ``.patch`` and ``.diff`` are patches, all else is a log."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Fitted:
    """An attachment as it goes out; ``subtype`` is that of its ``text/…`` type."""

    name: str
    data: bytes
    subtype: str


def fitted(wanted: Sequence[Attachment], masker: Masker) -> tuple[tuple[Fitted, ...], tuple[str, ...]]:
    """Return what is attached, and a line for each thing that was left out or cut.

    A patch that is too large is left out, since half a patch applies to nothing; of a log the end stays.
    """
    out: list[Fitted] = []
    notes: list[str] = []
    for one in wanted[:MOST_ATTACHED]:
        name = _unlike((file.name for file in out), safe_name(masker.text(one.name)))
        subtype = _KINDS[PurePosixPath(name).suffix]
        data = masker.data(one.data)
        if subtype == "x-patch" and len(data) > LARGEST_PATCH:
            notes.append(f"{name} is not attached: it has {len(data):,} bytes.")
            continue
        if subtype == "x-patch" and data != one.data:
            notes.append(f"{name}: secrets are masked in it, so it may not apply.")
        if subtype == "plain" and len(data) > LARGEST_LOG:
            notes.append(f"{name}: only its end is attached, of {len(data):,} bytes.")
            data = _tail(data)
        out.append(Fitted(name, data, subtype))
    if len(wanted) > MOST_ATTACHED:
        notes.append(f"{len(wanted) - MOST_ATTACHED} more files are not attached.")
    return tuple(out), tuple(notes)


def safe_name(name: str) -> str:
    """Return a plain file name that no program takes for a path, a command or something to run."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", line(re.split(r"[/\\]", name)[-1], 80))
    plain = re.sub(r"\.{2,}", ".", plain).strip(".-") or "attachment"
    return plain if PurePosixPath(plain).suffix in _KINDS else plain + ".txt"


def _unlike(taken: Iterable[str], name: str) -> str:
    path, others = PurePosixPath(name), set(taken)
    numbered = (f"{path.stem}-{number}{path.suffix}" for number in range(2, MOST_ATTACHED + 2))
    return next(one for one in (name, *numbered) if one not in others)


def _tail(data: bytes) -> bytes:
    """Return the last ``LARGEST_LOG`` bytes, from the start of a line if there is one."""
    tail = data[-LARGEST_LOG:]
    start = tail.find(b"\n") + 1
    return tail[start:] if start < len(tail) else tail
