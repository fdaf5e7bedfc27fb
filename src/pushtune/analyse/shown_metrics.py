"""The metrics among the values that a script shows: named by the text before them, or by themselves."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from pushtune.analyse.metric_words import canonical_metric, canonical_names
from pushtune.analyse.reading import Reading
from pushtune.analyse.shown import Slot, shown_values
from pushtune.analyse.shown_splits import Splits
from pushtune.analyse.splits import split_of_name
from pushtune.analyse.tables import table
from pushtune.model.analysis import MetricGuess

# "Accuracy of ", "F1 for class ": what follows is no value, but what the next value is of.
_OF_WHAT = re.compile(r"(?:\b(?:of|for|class|label|digit|with|using)|\()[\s:'\"]*$", re.IGNORECASE)
_BEST = re.compile(r"(?i)(?<![a-z])(?:best|highest|max|min|lowest)(?![a-z])")
_PASSED = ("item", "numpy", "cpu", "detach", "mean", "tolist", "result", "compute", "data", "avg", "value")
_AFTER = 60
"""Characters between a name and its value beyond which the one is not the other's."""


@dataclass(frozen=True)
class _Shown:
    guess: MetricGuess
    of_a_part: bool
    best: bool


def shown_metrics(reading: Reading) -> list[MetricGuess]:
    """Return what the script seems to show of its metrics, in the order of its lines.

    A value for each class counts only where there is none for all; the best of all epochs only where the
    last one is not shown.
    """
    found = list(_shown(reading))
    found = [item for item in found if not item.of_a_part] or found
    found = [item for item in found if not item.best] or found
    return [item.guess for item in found]


def _shown(reading: Reading) -> Iterator[_Shown]:
    splits = Splits(reading)
    waiting: tuple[ast.Call, str] | None = None
    for slot in shown_values(reading):
        of_a_part = waiting is not None and waiting[0] is slot.call.node
        label = _label(slot.label)
        if label is not None and _OF_WHAT.search(slot.label[label[1] :]):
            waiting = (slot.call.node, label[0])
            continue
        name = label[0] if label is not None else waiting[1] if of_a_part and waiting else _own_name(slot)
        waiting = None
        if name and _is_a_value(slot.value):
            best = _BEST.search(slot.label) is not None or _BEST.search(_word_of(slot.value)) is not None
            source = "print" if slot.as_text else "log"
            guess = MetricGuess(name, source, splits.of(slot), canonical_metric(name)[1], slot.call.line)
            yield _Shown(guess, of_a_part and label is None, best)


def _label(text: str) -> tuple[str, int] | None:
    """Return the metric named last in ``text``, and where its name ends."""
    found = [
        (match.end(), match.end() - match.start(), name)
        for pattern, name in _patterns()
        for match in pattern.finditer(text)
    ]
    if not found:
        return None
    end, _, name = max(found)
    return (name, end) if len(text) - end <= _AFTER else None


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    rows: dict[str, str] = table("metrics")["printed"]
    return tuple((re.compile(pattern, re.IGNORECASE), name) for pattern, name in rows.items())


def _own_name(slot: Slot) -> str:
    """Return the metric that a value's own name tells: ``print(test_acc)``."""
    if re.search(r"[/(]\s*$|\w\([\w()]*\)\s*[:=]\s*$", slot.label):
        return ""  # of a whole, or said to be something else: "D(G(z)): "
    words = [
        word
        for word in re.findall(r"[a-z]+\d*", _word_of(slot.value).lower())
        if split_of_name(word) == "unknown"
    ]
    for start in range(len(words)):
        known = canonical_names().get("_".join(words[start:]))
        if known is not None:
            return known[0]
    return ""


def _word_of(value: ast.expr) -> str:
    """Return the name that says what a value is: ``test_acc`` of ``test_acc.item() * 100``."""
    while True:
        if (
            isinstance(value, ast.Call)
            and isinstance(value.func, ast.Attribute)
            and value.func.attr in _PASSED
        ):
            value = value.func.value
        elif isinstance(value, ast.Attribute) and value.attr in _PASSED:
            value = value.value
        elif isinstance(value, ast.BinOp):
            value = value.right if isinstance(value.left, ast.Constant) else value.left
        elif isinstance(value, ast.Subscript):
            if isinstance(value.slice, ast.Constant) and isinstance(value.slice.value, str):
                return value.slice.value
            value = value.value
        else:
            break
    return value.id if isinstance(value, ast.Name) else value.attr if isinstance(value, ast.Attribute) else ""


def _is_a_value(value: ast.expr) -> bool:
    """Whether it is computed: a constant is no result, and neither is a text."""
    return any(isinstance(node, (ast.Name, ast.Attribute)) for node in ast.walk(value))
