"""Templates to text: ours, or a team's own in a sandbox with ours behind them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from jinja2 import BaseLoader, ChoiceLoader, FunctionLoader, PackageLoader, PrefixLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pushtune.notify.clean import line, printable
from pushtune.notify.view import LetterView, Row

SUBJECT, TEXT, HTML = "subject.txt.j2", "letter.txt.j2", "letter.html.j2"
COLUMNS = 76
LARGEST_TEMPLATE = 256 * 1024
LARGEST_OUTPUT = 512 * 1024
_SUBJECT_LENGTH = 120


class _TooLargeError(Exception):
    pass


def render(view: LetterView, folder: Path | None) -> dict[str, str]:
    """Return what ``SUBJECT``, ``TEXT`` and ``HTML`` come to.

    A template of ``folder`` takes the place of ours of the same name; it may extend ours as
    ``pushtune/letter.html.j2``. One that is broken is left out, and the letter says so.
    """
    texts, broken = _attempt(view, folder)
    if broken:
        texts, _ = _attempt(replace(view, warnings=(*broken, *view.warnings)), folder)
    texts[SUBJECT] = line(" ".join(texts[SUBJECT].split()), _SUBJECT_LENGTH)
    return texts


def _attempt(view: LetterView, folder: Path | None) -> tuple[dict[str, str], tuple[str, ...]]:
    texts: dict[str, str] = {}
    broken: list[str] = []
    for name in (SUBJECT, TEXT, HTML):
        if folder is not None and (folder / name).exists():
            try:
                texts[name] = _rendered(_team(folder, html=name == HTML), name, view)
                continue
            except Exception as error:  # noqa: BLE001 - the boundary of foreign templates: they raise anything
                why = f"{type(error).__name__}: {error}"
                broken.append(line(f"The template {name} of this server is broken, ours was taken ({why})"))
        texts[name] = _rendered(_ours(html=name == HTML), name, view)
    return texts, tuple(broken)


def _rendered(environment: ImmutableSandboxedEnvironment, name: str, view: LetterView) -> str:
    parts: list[str] = []
    size = 0
    for part in environment.get_template(name).generate(letter=view):
        size += len(part)
        if size > LARGEST_OUTPUT:
            raise _TooLargeError(f"more than {LARGEST_OUTPUT:,} characters")
        parts.append(part)
    return "".join(parts)


@lru_cache(maxsize=2)
def _ours(*, html: bool) -> ImmutableSandboxedEnvironment:
    return _environment(_package(), html=html)


def _team(folder: Path, *, html: bool) -> ImmutableSandboxedEnvironment:
    theirs = FunctionLoader(_reader(folder.resolve()))
    return _environment(ChoiceLoader([theirs, PrefixLoader({"pushtune": _package()})]), html=html)


def _package() -> PackageLoader:
    return PackageLoader("pushtune.notify", "templates")


def _environment(loader: BaseLoader, *, html: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=loader, autoescape=html, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["wrapped"] = wrapped
    environment.filters["log"] = quoted
    environment.filters["table"] = table
    return environment


def _reader(folder: Path) -> Callable[[str], str | None]:
    """Return a loader of the folder's own ``.j2`` files, and of nothing that a link or a path leads to."""

    def read(name: str) -> str | None:
        path = (folder / name).resolve()
        if not name.endswith(".j2") or folder not in path.parents or not path.is_file():
            return None
        if path.stat().st_size > LARGEST_TEMPLATE:
            raise _TooLargeError(f"{name} has more than {LARGEST_TEMPLATE:,} bytes")
        return path.read_text(encoding="utf-8")

    return read


def wrapped(text: str, indent: int = 0, hanging: int | None = None) -> str:
    """Return ``text`` in lines of at most ``COLUMNS``; ``hanging`` indents all lines but the first."""
    return "\n".join(
        textwrap.wrap(
            printable(str(text)),
            COLUMNS,
            initial_indent=" " * indent,
            subsequent_indent=" " * (indent if hanging is None else hanging),
            break_on_hyphens=False,
        )
    )


def quoted(text: str) -> str:
    """Return a log's line behind a bar, in as many lines as it takes, with its indentation."""
    width = COLUMNS - 4
    parts = [text[start : start + width] for start in range(0, len(text), width)] or [""]
    return "\n".join(f"  {'|' if index == 0 else ':'} {part}".rstrip() for index, part in enumerate(parts))


def table(rows: Sequence[Row]) -> str:
    """Return rows with their columns below each other; a row that is too wide goes on in the next line."""
    names, values = (max(len(getattr(row, field)) for row in rows) for field in ("name", "value"))
    lines = []
    for row in rows:
        left = f"  {row.name:<{names}}  {row.value:<{values}}"
        fits = len(left) + 2 + len(row.note) <= COLUMNS
        lines.append(f"{left}  {row.note}".rstrip() if fits else f"{left.rstrip()}\n{wrapped(row.note, 6)}")
    return "\n".join(lines)
