"""Why an image could not be made: which line of which file, and the last lines of what was said."""

from __future__ import annotations

import re

from pushtune.environment.image_recipes import CPU, ImageRecipe
from pushtune.errors import BuildError
from pushtune.process import Completed

LAST_LINES = 20
LONGEST_LINE = 400

_STEP = re.compile(r"(?m)^(?:Step|STEP) (\d+)/\d+ ?: (.*)$")
_BUILDKIT = re.compile(r"(?m)^\S*[Dd]ockerfile\S*:(\d+)$")
_MISSING = re.compile(
    r"(?:No matching distribution found for|"
    r"Could not find a version that satisfies the requirement) ([^\s(]+)"
)
_NO_WHEEL = re.compile(r"Failed to build|error: subprocess-exited-with-error|only-binary")
_VERSION_FIX = "ask for another version, or for another Python under [environment]"
_CPU_FIX = "let your pip find its build for the CPU: an extra-index-url or a folder (find-links) in pip.conf"
_CONFLICT = re.compile(r"(?m)^ERROR: Cannot install (.*?) because")
_PULL = re.compile(
    r"pull access denied|manifest unknown|unauthorized|not found: manifest|no such host|denied:"
)


def build_error(recipe: ImageRecipe, answer: Completed) -> BuildError:
    """Return what a failed build says: the line of the Dockerfile, or of the repository's file behind it."""
    said = f"{answer.stdout}\n{answer.stderr}"
    line, text = failed_line(dict(recipe.files)[recipe.dockerfile].decode("utf-8", "replace"), said)
    place = f"{recipe.dockerfile}:{line}" if line else recipe.dockerfile
    fix = ""
    if _PULL.search(said) and text.upper().startswith("FROM"):
        fix = "log in to its registry on this machine (docker login, podman login), or name another image"
    what = f": {text}" if text else ""
    return BuildError(
        f"the image {recipe.kind} cannot be built, at {place}{what}", fix=fix, details=last_lines(said)
    )


def fetch_error(recipe: ImageRecipe, answer: Completed) -> BuildError:
    """Return what a failed search for packages says: the requirement, and where it was declared."""
    said = f"{answer.stdout}\n{answer.stderr}"
    missing = _MISSING.search(said)
    conflict = _CONFLICT.search(said)
    if missing:
        wanted = missing.group(1).rstrip(":;,")
        place = _place(recipe, wanted)
        return BuildError(
            f"{place}{wanted}: no release of it is to be had for this Python"
            + (" as a wheel" if _NO_WHEEL.search(said) else ""),
            fix=_CPU_FIX if wanted.endswith(CPU) else _VERSION_FIX,
            details=last_lines(said),
        )
    if conflict:
        wanted = conflict.group(1).split(" and ")[0].split(",")[0]
        return BuildError(
            f"{_place(recipe, wanted)}{conflict.group(1)} do not go together", details=last_lines(said)
        )
    return BuildError(
        f"the packages of the image {recipe.kind} cannot be fetched: {answer.last_words}",
        details=last_lines(said),
    )


def failed_line(dockerfile: str, said: str) -> tuple[int, str]:
    """Return the line of the Dockerfile at which a build stopped, and its text; 0 if nobody knows."""
    lines = dockerfile.splitlines()
    direct = _BUILDKIT.findall(said)
    if direct and 0 < int(direct[-1]) <= len(lines):
        number = int(direct[-1])
        return number, lines[number - 1].strip()
    steps = list(_STEP.finditer(said))
    if not steps:
        return 0, ""
    number, wanted = int(steps[-1].group(1)), _plain(steps[-1].group(2))
    places = instructions(dockerfile)
    # Podman counts from FROM on, and each stage anew: the text tells more than the number.
    after = places[number - 1 :] or places[-1:]
    at = next((place for place in after if _plain(lines[place - 1])[:30] == wanted[:30]), None)
    at = at or next(
        (p for p in after if _plain(lines[p - 1]).split(" ")[0] == wanted.split(" ")[0]), after[0]
    )
    return at, lines[at - 1].strip().rstrip("\\").strip()


def _plain(text: str) -> str:
    """Return an instruction as both sides would write it: the word in capitals, single spaces."""
    word, _, rest = " ".join(text.rstrip("\\ ").split()).partition(" ")
    return f"{word.upper()} {rest}".strip()


def instructions(dockerfile: str) -> list[int]:
    """Return the lines on which the instructions of a Dockerfile begin."""
    found = []
    goes_on = False
    for number, line in enumerate(dockerfile.splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if not goes_on:
            found.append(number)
        goes_on = text.endswith("\\")
    return found or [1]


def last_lines(said: str) -> str:
    """Return the last lines that say something, each cut to a length, without control characters."""
    lines = [
        "".join(c if c.isprintable() or c == "\t" else "�" for c in line)[:LONGEST_LINE]
        for line in re.sub(r"\x1b\[[0-9;]*m", "", said).replace("\r", "\n").splitlines()
        if line.strip()
    ]
    return "\n".join(lines[-LAST_LINES:])


def _place(recipe: ImageRecipe, wanted: str) -> str:
    """Return ``requirements.txt:3: `` for what a file of the repository asks for."""
    name = re.split(r"[<>=!~\[ ]", wanted, maxsplit=1)[0].lower().replace("_", "-")
    for line in recipe.lines:
        if line.name == name:
            return f"{line.file}:{line.line}: "
    return ""
