"""An analysis as plain lines for a person: what it is and why, what can be tuned, what to know first."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from pushtune.model.analysis import COMMAND_LINE, Analysis, Knob
from pushtune.model.space import Domain, Value

WIDTH = 100
"""Columns that the text keeps to, except where one word is longer."""

_INDENT = "  "


def describe(analysis: Analysis) -> str:
    """Return the text that ``pushtune inspect`` prints, without a line end at its end."""
    sections = (
        _head(analysis),
        _knobs(analysis.knobs),
        _epochs(analysis),
        _moves(analysis),
        _metric(analysis),
        _requirements(analysis),
        _warnings(analysis),
    )
    return "\n\n".join(text for section in sections if (text := "\n".join(section)))


def domain_text(domain: Domain) -> str:
    """Return a domain as a person would write it: ``16 … 1024 (log)``, ``relu, elu, tanh``."""
    if domain.type == "categorical":
        return ", ".join(value_text(choice) for choice in domain.choices)
    return f"{_number(domain.low)} … {_number(domain.high)}{' (log)' if domain.log else ''}"


def value_text(value: Value) -> str:
    """Return a value as a person would write it."""
    return _number(value) if isinstance(value, float) else str(value)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _head(analysis: Analysis) -> Iterator[str]:
    kind = "kind unknown" if analysis.kind == "unknown" else analysis.kind
    framework = "framework unknown" if analysis.framework == "unknown" else analysis.framework
    yield f"{analysis.script}: {kind} ({framework})"
    several = len({item.file for item in analysis.evidence}) > 1
    places = [f"{item.file}:{item.line}" if several else f"line {item.line}" for item in analysis.evidence]
    width = max(map(len, places), default=0)
    for place, item in zip(places, analysis.evidence, strict=True):
        room = max(WIDTH - width - len(item.why) - 8, 20)
        text = item.text if len(item.text) <= room else item.text[: room - 1] + "…"
        yield f"{_INDENT}{place:<{width}}  {item.why}: {text}"


def _knobs(knobs: Sequence[Knob]) -> Iterator[str]:
    if not knobs:
        yield "Nothing to tune: no knob was found"
        return
    yield f"Knobs ({len(knobs)})"
    several = len({knob.file for knob in knobs}) > 1
    rows = [("name", "line", "today", "may become", "style"), *(_knob_row(knob, several) for knob in knobs)]
    yield from _table(rows)
    if not all(knob.certain for knob in knobs):
        yield f"{_INDENT}? only a run can show that the value is used; the first trial settles it"


def _knob_row(knob: Knob, several: bool) -> tuple[str, ...]:
    place = f"{knob.file}:{knob.line}" if several else str(knob.line)
    place = knob.file if knob.file == COMMAND_LINE else place
    name = knob.name + ("" if knob.certain else " ?")
    return name, place, value_text(knob.value), domain_text(knob.domain), knob.style


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Align columns; the one before the last takes what room is left, and goes on in further lines."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    wide = len(widths) - 2
    taken = sum(widths[:wide]) + widths[-1] + 2 * len(widths)
    widths[wide] = min(widths[wide], max(WIDTH - taken, 20))
    for row in rows:
        lines = textwrap.wrap(row[wide], widths[wide]) or [""]
        for place, text in enumerate(lines):
            cells = (*row[:wide], text, row[-1]) if place == 0 else ("",) * wide + (text, "")
            line = "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
            yield _INDENT + line.rstrip()


def _epochs(analysis: Analysis) -> Iterator[str]:
    epochs = analysis.space.epochs
    if epochs is not None:
        pauses = "trials are compared on the way" if epochs.rungs else "each trial runs in one piece"
        unit = epochs.unit.capitalize()
        yield f"{unit}s: {epochs.author} today, at most {epochs.maximum} a trial; {pauses}"


def _moves(analysis: Analysis) -> Iterator[str]:
    if not analysis.moves:
        return
    yield f"Moves ({len(analysis.moves)})"
    width = max(len(move.name) for move in analysis.moves)
    for move in analysis.moves:
        yield from _wrapped(f"{move.name:<{width}}  line {move.line}: {move.what}", width + 4)


def _metric(analysis: Analysis) -> Iterator[str]:
    metric = analysis.metric
    if metric is None:
        yield "Metric: none found in the source; name it with --metric"
        return
    better = "more" if metric.direction == "max" else "less"
    data = {"unknown": "data that reading cannot tell", "train": "the training data"}
    on = data.get(metric.split, f"the {metric.split} data")
    line = f" on line {metric.line}" if metric.line else ""
    yield f"Metric: {metric.name} ({better} is better), from {metric.source}{line}, on {on}"


def _requirements(analysis: Analysis) -> Iterator[str]:
    if not analysis.requirements:
        return
    sure = [item.distribution for item in analysis.requirements if item.certain]
    asked = [item.module for item in analysis.requirements if not item.certain]
    yield from _wrapped(f"Needs: {', '.join(sorted(dict.fromkeys(sure), key=str.lower)) or 'nothing'}", 7, "")
    if asked:
        text = f"Needs, but from which package is not known (never guessed): {', '.join(asked)}"
        yield from _wrapped(text, 7, "")


def _warnings(analysis: Analysis) -> Iterator[str]:
    if not analysis.warnings:
        return
    yield "Before you run it"
    width = max(len(f"line {item.line}  ") if item.line else 0 for item in analysis.warnings)
    for item in analysis.warnings:
        place = f"{f'line {item.line}':<{width}}" if item.line else ""
        yield from _wrapped(place + item.text, width + 2 if place else 2)


def _wrapped(text: str, hanging: int, indent: str = _INDENT) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=" " * hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
