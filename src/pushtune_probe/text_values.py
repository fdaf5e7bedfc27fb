"""Finds labelled metric values in a line of text: ``Test accuracy: 98.1%``, ``val_acc=0.97``, ``R² = .9``."""

import math
import re
from typing import Iterator, List, NamedTuple, Optional, Tuple

from pushtune_probe import wire

FRACTIONS = {"accuracy", "balanced_accuracy", "f1", "auc", "precision", "recall"}
"""Metrics between 0 and 1: a value beyond 1 was printed as a percentage."""

_SPLIT_WORDS = {
    "train": "train", "training": "train", "trainings": "train", "entrenamiento": "train",
    "val": "validation", "valid": "validation", "validation": "validation", "dev": "validation",
    "validierung": "validation", "validierungs": "validation", "validación": "validation",
    "test": "test", "testing": "test", "prueba": "test",
}  # fmt: skip

# Spellings that are no words of their own, beside those of the record formats.
_SPELLINGS = {"r^2": "r2", "r-squared": "r2", "f1-score": "f1"}

_NUMBER = r"[-+]?(?:\d+\.\d*|\.\d+|\d+,\d+|\d+)(?:e[-+]?\d+)?|[-+]?nan|[-+]?inf"
_BARE = re.compile(r"\s*\[?\s*(?P<number>%s)\s*(?P<percent>%%)?\s*\]?\s*" % _NUMBER, re.IGNORECASE)
_SPLIT = re.compile(r"(?<![^\W_])(%s)(?![^\W_])" % "|".join(_SPLIT_WORDS), re.IGNORECASE)
_BETWEEN = re.compile(r"[\s_-]+")
_EPOCH = re.compile(r"\bepoch\s*[:#\[=]?\s*(\d+)", re.IGNORECASE)


class Found(NamedTuple):
    """A value in a text. ``tolerance`` is how far rounding may have moved it: half a last digit."""

    name: str
    value: float
    tolerance: float
    split: str
    step: Optional[int] = None


class Scanner:
    """Looks for the metrics that everybody knows, and for the one that the developer named."""

    def __init__(self, wanted: Optional[str] = None) -> None:
        self._names = dict(_SPELLINGS)
        for canonical, spellings in wire.SYNONYMS.items():
            self._names.update(dict.fromkeys(spellings, canonical))
        if wanted:
            canonical = wire.canonical_metric(wanted)[0]
            self._names.setdefault(canonical.replace("_", " "), canonical)
        self._pattern: Optional["re.Pattern[str]"] = None

    def find(self, line: str) -> List[Found]:
        """Return the labelled values of one line, from left to right."""
        if self._pattern is None:
            self._pattern = _compile(sorted(self._names, key=len, reverse=True))
        step = _EPOCH.search(line)
        number = int(step.group(1)) if step else None
        return [found._replace(step=number) for found in self._matches(self._pattern, line)]

    def _matches(self, pattern: "re.Pattern[str]", line: str) -> Iterator[Found]:
        for match in pattern.finditer(line):
            name = self._canonical(match["label"])
            measured = _measure(name, match["number"], match["total"], bool(match["percent"]))
            if measured is not None and _is_separated(match):
                yield Found(name, *measured, _split_of(line, match))

    def _canonical(self, label: str) -> str:
        label = label.lower()
        return self._names.get(label) or self._names[_BETWEEN.sub(" ", label)]


def bare(line: str, name: str) -> Optional[Found]:
    """Return the value of a line that holds one number with a decimal point, or a percentage, only."""
    match = _BARE.fullmatch(line)
    if match is None or not (match["percent"] or re.search(r"[.,]|nan|inf", match["number"], re.IGNORECASE)):
        return None
    measured = _measure(name, match["number"], None, bool(match["percent"]))
    return None if measured is None else Found(name, *measured, "unknown")


def _compile(labels: List[str]) -> "re.Pattern[str]":
    spelled = "|".join(re.escape(label).replace(r"\ ", r"[\s_-]+") for label in labels)
    return re.compile(
        r"(?<![^\W_])(?P<prefix>(?:%s)[\s_-]*)?(?P<label>%s)(?![^\W_])"
        # accuracy (test), accuracy [%%], "accuracy", accuracy on the 10000 test images:
        r"(?P<gap>[\"']?(?:\s*[(\[][^()\[\]]{0,40}[)\]]){0,2}(?:\s+(?:on|of|for|in|over|after|at)\b[^:=]{0,60}?(?=\s*[:=]|\s+is\b))?)"
        r"(?P<separator>\s*(?:==?|:|->|=>|\||\bis\b|\bwas\b)?\s*)"
        r"(?:(?:tensor|array|np\.float\d+)?[(\[]{1,2}\s*)?"
        r"(?P<number>%s)(?![.,]?\d)(?!\w)(?:\s*/\s*(?P<total>\d+)(?![.\d]))?\s*(?P<percent>%%)?"
        % ("|".join(_SPLIT_WORDS), spelled, _NUMBER),
        re.IGNORECASE,
    )  # fmt: skip


def _is_separated(match: "re.Match[str]") -> bool:
    """Whether it is a value at all: ``error 404`` is not, ``acc 98.1`` is."""
    return bool(match["separator"].strip()) or bool(match["percent"]) or "." in match["number"]


def _split_of(line: str, match: "re.Match[str]") -> str:
    """Return the split that stands nearest: in the label, behind it, or before it on the line."""
    for text in (match["prefix"] or "", match["gap"], line[: match.start()]):
        words = _SPLIT.findall(text.replace("_", " "))
        if words:
            return _SPLIT_WORDS[words[-1].lower()]
    return "unknown"


def _measure(name: str, number: str, total: Optional[str], percent: bool) -> Optional[Tuple[float, float]]:
    """Return value and tolerance; None where the number cannot be this metric."""
    value, tolerance = read_number(number)
    if total is not None:
        return (value / int(total), 0.5 / int(total)) if int(total) and name in FRACTIONS else None
    if percent or (name in FRACTIONS and 1 < value <= 100):
        value, tolerance = value / 100, tolerance / 100
    if name in FRACTIONS and math.isfinite(value) and not 0 <= value <= 1:
        return None
    return value, tolerance


def read_number(text: str) -> Tuple[float, float]:
    """Return a number as printed (a comma may be the decimal sign) and half a unit of its last digit."""
    text = text.replace(",", ".").lower()
    mantissa, _, exponent = text.partition("e")
    digits = len(mantissa.partition(".")[2])
    half = 0.5 * 10.0 ** (int(exponent or 0) - digits)
    # A little more than half a unit: the value itself is a binary fraction.
    return float(text), half * 1.001
