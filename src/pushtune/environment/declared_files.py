"""The files besides ``requirements.txt`` that say what a repository needs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

import yaml

from pushtune.environment.declared_lines import Found, Line, Reader, Refused
from pushtune.environment.declared_requirements import read_requirements
from pushtune.model.distributions import canonical

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_INLINE = re.compile(r"(?m)^# /// script\s*$\r?\n((?:^#(?:| .*)\r?$\n?)+?)^# ///\s*$")
_CONDA = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:=\s*([0-9][^=\s]*)(?:=\S*)?|([<>=!~].*))?$")
_NOT_PYTHON = ("python", "pip", "cudatoolkit", "cudnn", "pytorch-cuda", "mkl", "cpuonly", "blas", "libgcc")
_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock")


def inline(reader: Reader, file: str) -> Found | None:
    """Read the block of inline metadata (PEP 723) of a script."""
    text = reader.text(file)
    match = None if text is None else _INLINE.search(text)
    if text is None or match is None:
        return None
    body = "\n".join(line[1:].removeprefix(" ").rstrip("\r") for line in match.group(1).splitlines())
    values = _toml(body)
    found = _texts(reader, file, text, _strings(values.get("dependencies")))
    return *found, _text(values.get("requires-python"))


def pyproject(reader: Reader, file: str) -> Found | None:
    """Read ``[project]``, else Poetry's table, with the versions of a lock file beside it."""
    text = reader.text(file)
    if text is None:
        return None
    values = _toml(text)
    project = _table(values.get("project"))
    poetry = _table(_table(_table(values.get("tool")).get("poetry")).get("dependencies"))
    if "dependencies" in project:
        lines, refused = _texts(reader, file, text, _strings(project["dependencies"]))
        wanted = _text(project.get("requires-python"))
    elif poetry:
        lines, refused = _texts(reader, file, text, _of_poetry(poetry))
        wanted = _poetry_version(_text(poetry.get("python")))
    else:
        return None
    locked = _locked(reader, file)
    return [_pinned(reader, line, locked) for line in lines], refused, wanted


def pipfile(reader: Reader, file: str) -> Found | None:
    """Read ``[packages]``, with the versions of ``Pipfile.lock``."""
    text = reader.text(file)
    if text is None:
        return None
    packages = _table(_toml(text).get("packages"))
    lines, refused = _texts(reader, file, text, _of_poetry(packages))
    lock = reader.text(f"{file}.lock")
    try:
        body = _table(_table(json.loads(lock)).get("default")) if lock else {}
    except (ValueError, RecursionError):
        body = {}
    locked = {
        canonical(name): str(_table(entry).get("version", "")).removeprefix("==")
        for name, entry in body.items()
    }
    return [_pinned(reader, line, locked) for line in lines], refused, ""


def conda(reader: Reader, file: str) -> Found | None:
    """Read an environment of conda: its packages by the names that pip knows, and its ``pip`` part."""
    text = reader.text(file)
    if text is None:
        return None
    try:
        body = _table(yaml.safe_load(text))
    except (yaml.YAMLError, RecursionError, ValueError):
        return [], [Refused(file, 1, "", "it is not YAML")], ""
    entries = body.get("dependencies")
    plain: list[str] = []
    wanted = ""
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict):
            plain += _strings(entry.get("pip"))
            continue
        match = _CONDA.fullmatch(str(entry).partition("::")[2] or str(entry))
        if match is None or canonical(match.group(1)).startswith(_NOT_PYTHON):
            if match is not None and match.group(1) == "python":
                wanted = f"=={match.group(2)}.*" if match.group(2) else (match.group(3) or "")
            continue
        name = {"pytorch": "torch", "py-xgboost": "xgboost"}.get(match.group(1), match.group(1))
        version = f"=={match.group(2)}" if match.group(2) else (match.group(3) or "")
        plain.append(name + re.sub(r"^=(?=\d)", "==", version))
    return *_texts(reader, file, text, plain), wanted


FILES: Mapping[str, Callable[[Reader, str], Found | None]] = {
    "requirements.txt": read_requirements,
    "requirements-train.txt": read_requirements,
    "requirements/train.txt": read_requirements,
    "requirements/base.txt": read_requirements,
    "pyproject.toml": pyproject,
    "Pipfile": pipfile,
    "environment.yml": conda,
    "environment.yaml": conda,
    "conda.yaml": conda,
}
"""Every file that may declare something, the one that counts first."""


def _texts(
    reader: Reader, file: str, text: str, requirements: Iterable[str]
) -> tuple[list[Line], list[Refused]]:
    lines: list[Line] = []
    refused: list[Refused] = []
    for requirement in list(requirements)[:600]:
        found = reader.line(requirement, file, _line_of(text, requirement))
        if isinstance(found, Line):
            lines.append(found)
        elif found is not None:
            refused.append(found)
    return lines, refused


def _line_of(text: str, requirement: str) -> int:
    """Return the line on which a requirement's name stands, 0 where it cannot be told."""
    name = re.match(r"[A-Za-z0-9._-]*", requirement)
    word = name.group() if name else ""
    for number, line in enumerate(text.splitlines(), 1):
        if word and re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-])", line):
            return number
    return 0


def _of_poetry(table: Mapping[str, Any]) -> Iterable[str]:
    for name, value in table.items():
        if name == "python":
            continue
        entry = _table(value)
        if any(key in entry for key in ("git", "path", "url", "file")):
            yield f"{name} @ https://elsewhere.invalid/"
            continue
        if entry.get("optional"):
            continue
        version = _text(entry.get("version") if entry else value)
        extras = ",".join(_strings(entry.get("extras")))
        marker = f" ; {entry['markers']}" if isinstance(entry.get("markers"), str) else ""
        yield f"{name}{f'[{extras}]' if extras else ''}{_poetry_version(version)}{marker}"


def _poetry_version(text: str) -> str:
    """Return Poetry's ``^1.2`` and ``~1.2`` as pip writes them."""
    parts = []
    for part in (part.strip() for part in text.split(",")):
        if part in ("", "*"):
            continue
        digits = re.match(r"[\^~]?(\d+(?:\.\d+)*)", part)
        if part.startswith("^") and digits:
            numbers = [int(number) for number in digits.group(1).split(".")]
            at = next((i for i, number in enumerate(numbers) if number), len(numbers) - 1)
            parts += [f">={digits.group(1)}", f"<{'.'.join(map(str, [*numbers[:at], numbers[at] + 1]))}"]
        elif part.startswith("~") and not part.startswith("~=") and digits:
            numbers = [int(number) for number in digits.group(1).split(".")][:2]
            parts += [f">={digits.group(1)}", f"<{'.'.join(map(str, [*numbers[:-1], numbers[-1] + 1]))}"]
        else:
            parts.append(f"=={part}" if part[0].isdigit() else part)
    return ",".join(parts)


def _locked(reader: Reader, file: str) -> dict[str, str]:
    for name in _LOCKS:
        text = reader.text(str(PurePosixPath(file).with_name(name)))
        packages = _toml(text).get("package") if text else None
        if isinstance(packages, list):
            entries = [_table(entry) for entry in packages]
            return {
                canonical(_text(e.get("name"))): _text(e.get("version")) for e in entries if e.get("name")
            }
    return {}


def _pinned(reader: Reader, line: Line, locked: Mapping[str, str]) -> Line:
    """Return the line at the version of the lock file, where that has one."""
    version = locked.get(line.name)
    if not version:
        return line
    name = re.match(r"[^<>=!~ ]*", line.requirement)
    found = reader.line(f"{name.group() if name else line.name}=={version}", line.file, line.line)
    return found if isinstance(found, Line) else line


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _strings(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
