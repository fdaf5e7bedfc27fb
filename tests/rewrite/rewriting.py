"""What the tests of the rewriter share: a script from its text, and its knobs by name."""

from __future__ import annotations

from pathlib import Path

from pushtune.model.analysis import Knob
from pushtune.model.space import Assignment, Value
from pushtune.rewrite import Rewriter
from pushtune.source import load_script


def rewriter(folder: Path, text: str | bytes, *args: str) -> Rewriter:
    """Write ``text`` as a script and read it."""
    path = folder / "train.py"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return Rewriter(load_script(path, args))


def knobs(found: Rewriter) -> dict[str, Value]:
    """Return the author's value of every knob, by name."""
    return {knob.name: knob.value for knob in found.discovery.knobs}


def knob(found: Rewriter, name: str) -> Knob:
    """Return one knob."""
    return next(item for item in found.discovery.knobs if item.name == name)


def rewritten(found: Rewriter, values: dict[str, Value]) -> str:
    """Return the entry file's text with ``values`` applied."""
    candidate = found.apply(Assignment.of(values))
    return candidate.files[0].data.decode("utf-8")
