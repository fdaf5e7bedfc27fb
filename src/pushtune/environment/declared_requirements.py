"""``requirements.txt``: what is honoured of it, and what a repository may not tell pip."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from pushtune.environment.declared_lines import Found, Line, Reader, Refused

MOST_LINES = 600
DEEPEST = 4

_INDEX = (
    "--index-url", "-i", "--extra-index-url", "--find-links", "-f", "--trusted-host", "--no-index", "--proxy",
    "--cert", "--client-cert",
)  # fmt: skip
_CONDA = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)=([0-9][^=\s]*)=\S+")
_WHY_INDEX = "where packages come from is not the repository's to choose"
_WHY_CODE = "code of the repository is not installed; it is found beside the script"
_WHY_ADDRESS = "packages come from the index only, not from addresses"


def read_requirements(reader: Reader, file: str, depth: int = 0) -> Found | None:
    """Read the file and those that it includes (``-r``), ``DEEPEST`` deep."""
    text = reader.text(file)
    if text is None:
        return None
    lines: list[Line] = []
    refused: list[Refused] = []
    for number, written in _logical(text):
        if number > MOST_LINES:
            refused.append(Refused(file, number, "", f"only {MOST_LINES} lines are read"))
            break
        included = _included(written)
        if included is not None:
            more = _include(reader, file, number, written, included, depth)
            lines += more[0]
            refused += more[1]
            continue
        found = _line(reader, file, number, written)
        if isinstance(found, Line):
            lines.append(found)
        elif found is not None:
            refused.append(found)
    return lines, refused, ""


def _logical(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines as pip joins them, each with the number of its first."""
    begun, start = "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"(^|\s)#.*$", "", raw)
        start = start or number
        if line.endswith("\\"):
            begun += line[:-1] + " "
            continue
        whole, at = (begun + line).strip(), start
        begun, start = "", 0
        if whole:
            yield at, whole
    if begun.strip():
        yield start, begun.strip()


def _included(written: str) -> str | None:
    match = re.match(r"(?:-r|--requirement)[=\s]*(\S+)$", written)
    return match.group(1) if match else None


def _include(
    reader: Reader, file: str, number: int, written: str, included: str, depth: int
) -> tuple[list[Line], list[Refused]]:
    place = PurePosixPath(file).parent / included
    refused = Refused(file, number, written[:200], "")
    if "://" in included or included.startswith(("/", "~")) or ".." in place.parts:
        return [], [replace(refused, why="only files of the repository are included")]
    if depth >= DEEPEST:
        return [], [replace(refused, why=f"files are included {DEEPEST} deep at most")]
    found = read_requirements(reader, str(place), depth + 1)
    if found is None:
        return [], [replace(refused, why="there is no such file")]
    return found[0], found[1]


def _line(reader: Reader, file: str, number: int, written: str) -> Line | Refused | None:
    refused = Refused(file, number, written[:200], "")
    word = re.split(r"[=\s]", written, maxsplit=1)[0]
    if "${" in written:
        return replace(refused, why="variables are not filled in: they may be secrets")
    if written.startswith("-"):
        return replace(refused, why=_why_option(word, written))
    if _is_address(written):
        return replace(refused, why=_WHY_ADDRESS)
    if _is_path(written):
        return replace(refused, why=_WHY_CODE)
    conda = _CONDA.fullmatch(written)
    if conda:
        written = f"{conda.group(1)}=={conda.group(2)}"
    return _with_hashes(reader, file, number, written)


def _why_option(word: str, written: str) -> str:
    if word in _INDEX or written.startswith(("-i", "-f")):
        return _WHY_INDEX
    if word in ("-e", "--editable"):
        return _WHY_ADDRESS if _is_address(written) else _WHY_CODE
    if word in ("-c", "--constraint"):
        return "constraint files are not read: put the versions into the requirements"
    return "options for pip are not the repository's to choose"


def _is_address(text: str) -> bool:
    return re.match(r"(-e\s+|--editable[=\s]+)?([a-z+]+://|git\+|hg\+|svn\+|bzr\+|git@)", text) is not None


def _is_path(text: str) -> bool:
    name = re.split(r"[\s;\[]", text, maxsplit=1)[0]
    return text.startswith((".", "/", "~")) or "/" in name or name.endswith((".whl", ".zip", ".tar.gz"))


def _with_hashes(reader: Reader, file: str, number: int, written: str) -> Line | Refused | None:
    plain = re.split(r"\s--", written, maxsplit=1)[0]
    found = reader.line(plain, file, number)
    options = written[len(plain) :]
    if not isinstance(found, Line) or not options.strip():
        return found
    hashes = re.findall(r"--hash[=\s]+((?:sha256|sha384|sha512):[0-9a-f]{64,128})", options)
    try:
        known = len(shlex.split(options)) == len(hashes)
    except ValueError:
        known = False
    if not known and not hashes:
        return Refused(file, number, written[:200], "options for pip are not the repository's to choose")
    return replace(found, hashes=tuple(hashes))
