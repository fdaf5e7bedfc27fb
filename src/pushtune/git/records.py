"""What is read from a repository, as frozen records. All texts are strangers': bounded, never trusted."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

LONGEST_NAME = 200
"""Characters of a person's name or address."""

LONGEST_MESSAGE = 20_000
"""Characters of a commit's message; the rest is cut."""

# Controls and what is not seen, such as signs that turn the direction of writing: a line would read as what
# it is not.
_NOT_SEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Halves of characters that stand for no byte.
_NO_CHARACTERS = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_PERSON = re.compile(r"(?P<name>.*?)\s*<(?P<email>[^<>]*)>(?:\s+(?P<time>-?[0-9]{1,18}))?.*")

GITLINK = "160000"
EXECUTABLE = "100755"
REGULAR = "100644"


@dataclass(frozen=True)
class Person:
    """Who made a commit, as the commit says: one line each, at most 200 characters, maybe empty."""

    name: str
    email: str


@dataclass(frozen=True)
class Commit:
    """One commit. ``time`` is when it was written by its author, in unix seconds.

    ``subject`` is the message's first line; ``message`` has plain line ends and no control characters.
    """

    sha: str
    author: Person
    committer: Person
    time: int
    subject: str
    message: str


@dataclass(frozen=True)
class TreeFile:
    """One file of a commit. ``mode`` is git's (`100644`, `100755`, `120000` a link, `160000` a submodule).

    ``size`` is in bytes, ``hash`` is that of its content; two files with one hash are the same.
    """

    path: str
    mode: str
    size: int
    hash: str

    @property
    def is_file(self) -> bool:
        """Whether it is a plain file: no link, no submodule, no folder."""
        return self.mode.startswith("100")


def read_commit(sha: str, text: str) -> Commit:
    """Return the commit whose raw content is ``text`` (bytes that are not UTF-8 as surrogates)."""
    head, _, message = text.partition("\n\n")
    # The first of each counts, as for git; what a line's continuation says begins with a blank.
    headers = dict(reversed([_split(line) for line in head.split("\n")]))
    author, time = read_person(headers.get("author", ""))
    committer, _ = read_person(headers.get("committer", ""))
    message = cleaned(message.replace("\r\n", "\n")[: 2 * LONGEST_MESSAGE]).strip()[:LONGEST_MESSAGE]
    return Commit(sha, author, committer, time, message.partition("\n")[0][:LONGEST_NAME], message)


def read_person(text: str) -> tuple[Person, int]:
    """Return who ``Name <email> seconds zone`` is, and when; empty and 0 where it is not to be read."""
    found = _PERSON.fullmatch(text[:2000].replace("\n", " "))
    if found is None:
        return Person(one_line(text), ""), 0
    return Person(one_line(found["name"]), one_line(found["email"])), int(found["time"] or 0)


def read_listing(listing: str) -> list[TreeFile]:
    """Return the files that `git ls-tree -r -l -z` lists."""
    files = []
    for entry in filter(None, listing.split("\0")):
        facts, _, path = entry.partition("\t")
        mode, _, sha, size = facts.split()
        files.append(TreeFile(path, mode, 0 if size == "-" else int(size), sha))
    return files


def one_line(text: str, most: int = LONGEST_NAME) -> str:
    """Return ``text`` in one line, without control characters and of at most ``most`` characters."""
    return " ".join(cleaned(text[: 4 * most]).split())[:most]


def cleaned(text: str) -> str:
    """Return ``text`` as UTF-8 (else as Latin-1) without control characters but tab and newline."""
    data = _NO_CHARACTERS.sub("\ufffd", text).encode("utf-8", "surrogateescape")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return "".join(sign for sign in text if sign in "\n\t" or unicodedata.category(sign) not in _NOT_SEEN)


def _split(line: str) -> tuple[str, str]:
    name, _, value = line.partition(" ")
    return name, value
