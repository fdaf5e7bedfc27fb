"""A commit made from bytes, beside every work tree: nothing is checked out, no branch moves."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pushtune.errors import UsageError
from pushtune.git.command import Way, answer
from pushtune.git.names import check_path, shown
from pushtune.git.records import REGULAR, Person, TreeFile, cleaned, one_line

_LATEST = 253402300799
"""The last second of the year 9999, in unix seconds."""


@dataclass(frozen=True)
class Signature:
    """Who, and when in unix seconds."""

    person: Person
    time: int

    def variables(self, role: str) -> dict[str, str]:
        """Return what tells git of it; ``role`` is AUTHOR or COMMITTER."""
        return {
            f"GIT_{role}_NAME": _name(self.person.name) or _name(self.person.email) or "unknown",
            f"GIT_{role}_EMAIL": _name(self.person.email),
            f"GIT_{role}_DATE": f"@{min(max(self.time, 0), _LATEST)} +0000",
        }


def write_commit(
    mirror: Path,
    base: str,
    present: Mapping[str, TreeFile],
    files: Mapping[str, bytes],
    message: str,
    author: Signature,
    committer: Signature,
) -> str:
    """Write the commit on top of ``base``, whose files are ``present``, and return its hash."""
    modes = {check_path(path): _mode(path, present) for path in files}
    with tempfile.TemporaryDirectory(prefix="pushtune-") as folder:
        way = Way(variables={"GIT_INDEX_FILE": str(Path(folder) / "index")})
        answer(mirror, "read-tree", base, way=way)
        entries = "".join(
            f"{modes[path]} {_blob(mirror, content)}\t{path}\0" for path, content in files.items()
        )
        answer(mirror, "update-index", "-z", "--index-info", way=way, input=entries)
        tree = answer(mirror, "write-tree", way=way).strip()
    way = Way(variables={**author.variables("AUTHOR"), **committer.variables("COMMITTER")})
    return answer(mirror, "commit-tree", tree, "-p", base, "-F", "-", way=way, input=_text(message)).strip()


def _mode(path: str, present: Mapping[str, TreeFile]) -> str:
    if path not in present:
        above = {"/".join(path.split("/")[:end]) for end in range(1, path.count("/") + 1)}
        if above & present.keys() or any(name.startswith(path + "/") for name in present):
            raise UsageError(f"{shown(path)} cannot be a file in this commit", fix="give another path")
        return REGULAR
    if not present[path].is_file:
        raise UsageError(f"{shown(path)} is a link or a submodule", fix="make it a file")
    return present[path].mode


def _blob(mirror: Path, content: bytes) -> str:
    text = content.decode("utf-8", "surrogateescape")
    return answer(mirror, "hash-object", "-w", "--stdin", "-t", "blob", input=text).strip()


def _text(message: str) -> str:
    return cleaned(message).strip() + "\n"


def _name(text: str) -> str:
    """Return ``text`` without what git cuts off names: one of nothing else would be refused."""
    return one_line(text).replace("<", "").replace(">", "").strip(" .,:;\"'\\")
