"""A repository's own Dockerfile: what of the repository its build may see."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pushtune import git
from pushtune.environment.image_recipes import ImageRecipe
from pushtune.errors import UsageError

MOST_BYTES = 200 * 1024 * 1024
LARGEST_FILE = 16 * 1024 * 1024
MOST_FILES = 20_000

_LEFT_OUT = frozenset({".git", ".hg", ".svn", ".pushtune", "__pycache__", "node_modules", ".venv", "venv"})
_WORKDIR = re.compile(rb"(?im)^\s*(?:WORKDIR|VOLUME|COPY|ADD)\b[^\n]*/proc/(?:self|\d+)/(?:fd|cwd|root)")
_FRONTEND = re.compile(rb"(?i)^#\s*syntax\s*=")


def dockerfiles_of(root: Path) -> tuple[str, ...]:
    """Return the Dockerfiles at the root of a repository."""
    names = ("Dockerfile", "Containerfile", "dockerfile")
    return tuple(name for name in names if (root / name).is_file() and not (root / name).is_symlink())


def repository_recipe(root: Path, dockerfile: str) -> ImageRecipe:
    """Return the recipe of a repository's own image: its small files, no links, nothing that git ignores.

    Raises ``UsageError`` if the Dockerfile is missing or tries what only an attack tries.
    """
    files = tuple(_files(root))
    data = dict(files).get(dockerfile)
    if data is None:
        raise UsageError(
            f"there is no Dockerfile {dockerfile} in the repository", fix="commit it, or mend the path"
        )
    if _WORKDIR.search(data):
        raise UsageError(f"{dockerfile} reaches for the engine's own open files (/proc): it is not built")
    if _FRONTEND.search(data.lstrip()):
        raise UsageError(
            f"{dockerfile} asks for a program of its own to read it (# syntax=): it is not built"
        )
    return ImageRecipe("repository", files, "repository", dockerfile=dockerfile)


def _files(root: Path) -> Iterator[tuple[str, bytes]]:
    total = 0
    listed = git.tracked_and_unignored(root)
    names = listed if listed else _walked(root)
    for number, name in enumerate(sorted(names)):
        if number >= MOST_FILES:
            raise UsageError(f"the repository has more than {MOST_FILES} files: too many for an image")
        data = _read(root, name)
        if data is not None:
            total += len(data)
            if total > MOST_BYTES:
                raise UsageError(
                    f"the repository has more than {MOST_BYTES // 1024**2} MB of files: too much for an image"
                )
            yield name, data


def _walked(root: Path) -> list[str]:
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        found += [(Path(folder) / name).relative_to(root).as_posix() for name in names]
    return found


def _read(root: Path, name: str) -> bytes | None:
    """Return a regular file's bytes; None for links, folders, devices, and what is too large."""
    path = root
    for part in PurePosixPath(name).parts:
        path = path / part
        if part in _LEFT_OUT or path.is_symlink():
            return None
    try:
        facts = path.lstat()
        regular = stat.S_ISREG(facts.st_mode) and facts.st_size <= LARGEST_FILE
        return path.read_bytes() if regular else None
    except OSError:
        return None
