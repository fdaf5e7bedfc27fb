"""What a repository declares that it needs. Its files are hostile: what is not honoured is said, by its line.

The first of these that is there counts, looked for beside the script, then at the repository's root: the
block of inline metadata (PEP 723), ``requirements.txt``, ``pyproject.toml`` (with the versions of its lock
file), ``Pipfile`` (with ``Pipfile.lock``), ``environment.yml``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pushtune.environment.declared_files import FILES, inline
from pushtune.environment.declared_lines import Found, Line, Reader, Refused

Read = Callable[[Reader, str], Found | None]


@dataclass(frozen=True)
class Declared:
    """``file`` is the one that counts, ``""`` if there is none; ``others`` are there and were passed over.

    ``python`` is the versions of Python that it asks for, as a specifier, or ``""``.
    """

    file: str = ""
    lines: tuple[Line, ...] = ()
    refused: tuple[Refused, ...] = ()
    python: str = ""
    others: tuple[str, ...] = ()


def read_declared(root: str, entry: str, python: str = "3.11") -> Declared:
    """Return what the repository at ``root`` declares for the script ``entry``.

    Markers are read for Linux and ``python``. Only regular files below ``root`` are looked at, and no link is
    followed.
    """
    reader = Reader(Path(root), python)
    folders = list(dict.fromkeys((str(PurePosixPath(entry).parent), ".")))
    found: list[tuple[str, Found]] = []
    for file, read in _places(entry, folders):
        answer = read(reader, file)
        if answer is not None:
            found.append((file, answer))
    if not found:
        return Declared()
    file, (lines, refused, wanted) = found[0]
    others = tuple(name for name, _ in found[1:] if name != file)
    return Declared(file, tuple(lines), tuple(refused), wanted, others)


def _places(entry: str, folders: list[str]) -> Iterator[tuple[str, Read]]:
    yield entry, inline
    for folder in folders:
        for name, read in FILES.items():
            yield str(PurePosixPath(folder) / name), read
