"""Reports the metric values in small text files that the script wrote: ``accuracy.txt``, ``metrics.json``."""

import json
import os
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from pushtune_probe import text_values, wire
from pushtune_probe.metric_names import is_known
from pushtune_probe.session import Session
from pushtune_probe.text_lines import reader
from pushtune_probe.text_values import Found

_LARGEST = 1024 * 1024
_DEEPEST = 4
_LINES = 200
_LONGEST_LINE = 4096
_GENERIC_NAMES = {"result", "results", "score", "scores", "metric", "metrics", "output", "value"}

Reader = Callable[[Session, str, str], Iterator[Found]]


def report(session: Session) -> None:
    """Report what the changed files hold, but for copies of values that an API has reported."""
    for name in session.files.changed():
        read = READERS.get(os.path.splitext(name)[1].lower())
        path = os.path.join(session.plan.workspace, name)
        if read is not None and os.path.getsize(path) <= _LARGEST:
            _report_file(session, name, path, read)


def _report_file(session: Session, name: str, path: str, read: Reader) -> None:
    with open(path, encoding="utf-8", errors="replace") as stream:
        text = stream.read()
    latest: Dict[Tuple[str, str], Found] = {}
    for found in text_values.told_apart(list(read(session, name, text))):
        latest[found.name, found.split] = found
    for found in latest.values():
        if not session.log.is_copy(found.name, found.value, found.tolerance, found.split):
            source = "file:" + name.replace(os.sep, "/")
            session.metric(
                found.name, found.value, source, split=found.split, text=text if len(text) < 80 else ""
            )


def _read_text(session: Session, name: str, text: str) -> Iterator[Found]:
    stem = os.path.splitext(os.path.basename(name))[0]
    metric, split = _known(session, stem) or ("", "unknown")
    if not metric and stem.lower() in _GENERIC_NAMES:
        metric = session.plan.metric or "value"
    alone = _alone(text.strip(), metric) if metric else None
    if alone is not None:
        yield alone._replace(split=split)
        return
    lines = reader(session.plan.metric)
    for line in text.splitlines()[-_LINES:]:
        yield from lines.find(line[:_LONGEST_LINE])


def _read_json(session: Session, name: str, text: str) -> Iterator[Found]:
    try:
        body = json.loads(text)
    except ValueError:
        return
    yield from _walk(session, os.path.splitext(os.path.basename(name))[0], body, 0)


def _walk(session: Session, key: str, body: Any, depth: int) -> Iterator[Found]:
    if isinstance(body, dict) and depth < _DEEPEST:
        for inner, value in body.items():
            yield from _walk(session, str(inner), value, depth + 1)
    elif isinstance(body, list) and body:
        # A history: its last value is where training ended.
        yield from _walk(session, key, body[-1], _DEEPEST)
    elif isinstance(body, (int, float)) and not isinstance(body, bool):
        yield from _named(session, key, repr(body))


def _read_csv(session: Session, name: str, text: str) -> Iterator[Found]:
    import csv  # only where such a file was written

    rows = [row for row in csv.reader(text.splitlines()) if row]
    if len(rows) < 2:
        return
    for key, value in zip(rows[0], rows[-1]):  # noqa: B905 - Python 3.9 has no strict=
        yield from _named(session, key.strip(), value.strip())


READERS: Dict[str, Reader] = {
    ".txt": _read_text, ".log": _read_text, ".md": _read_text, ".yaml": _read_text, ".yml": _read_text,
    ".tsv": _read_text, ".json": _read_json, ".csv": _read_csv,
}  # fmt: skip
"""How each kind of file is read, by the end of its name."""


def _named(session: Session, key: str, number: str) -> Iterator[Found]:
    known = _known(session, key)
    found = _alone(number, known[0]) if known else None
    if known and found is not None:
        yield found._replace(split=known[1])


def _known(session: Session, key: str) -> Optional[Tuple[str, str]]:
    """Return canonical name and split if ``key`` names a metric that everybody knows, or the one wanted."""
    name, split = wire.canonical_metric(key)
    wanted: List[str] = [wire.canonical_metric(session.plan.metric)[0]] if session.plan.metric else []
    return (name, split) if is_known(name) or name in wanted else None


def _alone(text: str, name: str) -> Optional[Found]:
    """Return the value of a text that is one number; whole numbers count, as the name vouches for it."""
    return text_values.bare(text if "." in text or "," in text or "%" in text else text + ".", name)
