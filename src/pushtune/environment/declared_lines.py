"""One requirement of a repository, read for the Python that it will run on; and what is not honoured."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from packaging.markers import default_environment
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from pushtune.model.distributions import canonical

LARGEST_FILE = 2_000_000
LONGEST_LINE = 4000
MOST_FILES = 60


@dataclass(frozen=True)
class Line:
    """One requirement that is honoured.

    ``requirement`` is as pip reads it, without its marker; ``specifier`` its versions; ``text`` what stood
    there. ``hashes`` are ``sha256:…`` and the like; ``note`` says what of it was changed.
    """

    name: str
    requirement: str
    specifier: str
    file: str
    line: int
    text: str
    hashes: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Refused:
    """One line that is not honoured, and why."""

    file: str
    line: int
    text: str
    why: str


Found = tuple[list[Line], list[Refused], str]
"""What one file says: lines, what is refused, and the versions of Python that it asks for (``""``: any)."""


class Reader:
    """Reads files of one repository, within bounds, for one Python."""

    def __init__(self, root: Path, python: str) -> None:
        self.root = root
        self.python = python
        self._files = 0
        self._environment = {
            **{str(key): str(value) for key, value in default_environment().items()},
            "python_version": python,
            "python_full_version": f"{python}.0",
            "sys_platform": "linux",
            "platform_system": "Linux",
            "os_name": "posix",
            "extra": "",
        }

    def text(self, file: str) -> str | None:
        """Return a file's text, or None where there is no such file that may be read."""
        path = self.root
        self._files += 1
        for part in PurePosixPath(file).parts:
            path = path / part
            if part == ".." or path.is_symlink() or self._files > MOST_FILES:
                return None
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            return decoded(stream.read(LARGEST_FILE))

    def line(self, text: str, file: str, number: int) -> Line | Refused | None:
        """Return what one requirement (PEP 508) comes to; None where its marker keeps it out here."""
        text = text.strip()
        refused = Refused(file, number, text[:200], "")
        if len(text) > LONGEST_LINE or not text.isprintable():
            return replace(refused, why="no requirement looks like that")
        try:
            wanted = Requirement(text)
        except InvalidRequirement:
            return replace(refused, why="pip could not read it either")
        if wanted.marker is not None and not wanted.marker.evaluate(self._environment):
            return None
        note = ""
        if wanted.url is not None:
            if not wanted.url.startswith("file:"):
                return replace(refused, why="packages come from the index only, not from addresses")
            note = "from the index: the file it names was on another machine"
        specifier, changed = without_local(wanted.specifier)
        extras = f"[{','.join(sorted(wanted.extras))}]" if wanted.extras else ""
        name = canonical(wanted.name)
        return Line(
            name, f"{name}{extras}{specifier}", specifier, file, number, text[:200], (), note or changed
        )


def decoded(data: bytes) -> str:
    """Return a file's text: UTF-8, or UTF-16 as PowerShell's `pip freeze >` writes it."""
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(encoding, "replace").lstrip("\ufeff")
    return data.decode("utf-8-sig", "replace")


def without_local(specifiers: SpecifierSet) -> tuple[str, str]:
    """Return the specifiers without local versions (``==2.0+cu118``), and a note if there were any."""
    texts = sorted(str(item) for item in specifiers)
    plain = [re.sub(r"\+[a-z0-9.]+$", "", text) for text in texts]
    return ",".join(plain), "" if plain == texts else "the build for one kind of machine is left out"


def allows(specifier: str, version: str) -> bool:
    """Whether ``version`` is one that ``specifier`` allows; what cannot be read allows nothing."""
    try:
        return SpecifierSet(specifier).contains(Version(version), prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return False
