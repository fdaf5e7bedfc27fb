"""Finds labelled metric values in a line of text: ``Test accuracy: 98.1%``, ``val_acc=0.97``, ``R² = .9``."""

import functools
import math
import re
from typing import Iterable, Iterator, List, NamedTuple, Optional, Tuple

from pushtune_probe import wire

FRACTIONS = {"accuracy", "balanced_accuracy", "f1", "auc", "precision", "recall"}
"""Metrics between 0 and 1: a value beyond 1 was printed as a percentage."""

_SPLIT_WORDS = {
    "train": "train", "training": "train", "trainings": "train", "entrenamiento": "train",
    "val": "validation", "valid": "validation", "validation": "validation", "dev": "validation",
    "validierung": "validation", "validierungs": "validation", "validación": "validation",
    "test": "test", "testing": "test", "testdaten": "test", "testset": "test",
    "prueba": "test", "тест": "test", "тесте": "test",
    "测试": "test", "验证": "validation", "训练": "train", "テスト": "test", "検証": "validation",
    "訓練": "train", "테스트": "test", "검증": "validation", "훈련": "train",
}  # fmt: skip

# Chinese, Japanese and Korean put no space between words: there a word may begin or end anywhere.
_UNSPACED = r"\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af"
_START = r"(?:(?<![^\W_])|(?=[%s]))" % _UNSPACED
_END = r"(?:(?![^\W_])|(?<=[%s]))" % _UNSPACED

# Spellings that are no words of their own, beside those of the record formats.
_SPELLINGS = {"r^2": "r2", "r-squared": "r2", "f1-score": "f1"}

_NUMBER = r"[-+]?(?:\d+\.\d*|\.\d+|\d+,\d+|\d+)(?:e[-+]?\d+)?|[-+]?nan|[-+]?inf"
_BARE = r"\s*\[?\s*(?P<number>%s)\s*(?P<percent>%%)?\s*\]?\s*" % _NUMBER
_SPLIT = _START + "(%s)" % "|".join(_SPLIT_WORDS) + _END
_EPOCH = r"\bepoch\s*[:#\[=]?\s*(\d+)"


@functools.lru_cache(maxsize=None)
def _pattern(source: str) -> "re.Pattern[str]":
    """Compile when first needed: a script that prints no number pays nothing."""
    return re.compile(source, re.IGNORECASE)


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
        self._stems = _stems(self._names)
        self._pattern: Optional["re.Pattern[str]"] = None

    def find(self, line: str) -> List[Found]:
        """Return the labelled values of one line, from left to right."""
        lower = line.lower()
        if not any(stem in lower for stem in self._stems):
            return []
        if self._pattern is None:
            self._pattern = _pattern(_labelled(sorted(self._names, key=len, reverse=True)))
        step = _pattern(_EPOCH).search(line)
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
        return self._names.get(label) or self._names[re.sub(r"[\s_-]+", " ", label)]


def bare(line: str, name: str) -> Optional[Found]:
    """Return the value of a line that holds one number with a decimal point, or a percentage, only."""
    match = _pattern(_BARE).fullmatch(line)
    if match is None or not (match["percent"] or re.search(r"[.,]|nan|inf", match["number"], re.IGNORECASE)):
        return None
    measured = _measure(name, match["number"], None, bool(match["percent"]))
    return None if measured is None else Found(name, *measured, "unknown")


# What may stand between a name and its value: accuracy (test) [%], "accuracy", accuracy on the 10000 images:
_GAP = (
    r"[\"']?(?:\s*[(\[][^()\[\]]{0,40}[)\]]){0,2}"
    r"(?:\s+(?:on|of|for|in|over|after|at|auf|im|in|sur|en|del?|der|du|em|на)\b"
    r"[^:=]{0,60}?(?=\s*[:=]|\s+is\b))?"
)
_LABELLED = (
    r"%(start)s(?P<prefix>(?:%(splits)s)[\s_-]*)?(?P<label>%(labels)s)(?:[\s_-]+(?:score|value))?%(end)s"
    r"(?P<gap>%(gap)s)(?P<separator>\s*(?:==?|[:：]|->|=>|\||\bis\b|\bwas\b)?\s*)"
    r"(?:(?:tensor|array|np\.float\d+)?[(\[]{1,2}\s*)?"
    r"(?P<number>%(number)s)(?![.,]?\d)(?!\w)(?:\s*/\s*(?P<total>\d+)(?![.\d]))?\s*(?P<percent>%%)?"
)


def _labelled(labels: List[str]) -> str:
    spelled = "|".join(re.escape(label).replace(r"\ ", r"[\s_-]+") for label in labels)
    splits = "|".join(_SPLIT_WORDS)
    parts = {
        "splits": splits,
        "labels": spelled,
        "gap": _GAP,
        "number": _NUMBER,
        "start": _START,
        "end": _END,
    }
    return _LABELLED % parts


def _stems(labels: Iterable[str]) -> List[str]:
    """Return few words of which every line with a label holds one: looking for those first is cheap."""
    stems: List[str] = []
    for word in sorted((max(label.split(), key=len) for label in labels), key=len):
        if not any(stem in word for stem in stems):
            stems.append(word)
    return stems


def _is_separated(match: "re.Match[str]") -> bool:
    """Whether it is a value at all: ``error 404`` is not, ``acc 98.1`` is."""
    return bool(match["separator"].strip()) or bool(match["percent"]) or "." in match["number"]


def _split_of(line: str, match: "re.Match[str]") -> str:
    """Return the split that stands nearest: in the label, behind it, or before it on the line."""
    for text in (match["prefix"] or "", match["gap"], line[: match.start()]):
        words = _pattern(_SPLIT).findall(text.replace("_", " "))
        if words:
            return _SPLIT_WORDS[words[-1].lower()]
    return "unknown"


def _measure(name: str, number: str, total: Optional[str], percent: bool) -> Optional[Tuple[float, float]]:
    """Return value and tolerance; None where the number cannot be this metric."""
    value, tolerance = read_number(number)
    if total is not None:
        return (value / int(total), 0.5 / int(total)) if int(total) and name in FRACTIONS else None
    if percent or (name in FRACTIONS and 1 < value <= 100):
        # Rounded, so that 97.31 % is 0.9731 and not the nearest quotient.
        value, tolerance = round(value / 100, 12), tolerance / 100
    if name in FRACTIONS and math.isfinite(value) and not 0 <= value <= 1:
        return None
    return value, tolerance


def read_number(text: str) -> Tuple[float, float]:
    """Return a number as printed (a comma may be the decimal sign) and half a unit of its last digit."""
    text = text.replace(",", ".").lower()
    mantissa, _, exponent = text.partition("e")
    digits = len(mantissa.partition(".")[2])
    # 1e999 is a text that a script may print; it reads as infinity.
    half = 0.5 * 10.0 ** max(-300, min(300, int(exponent or 0) - digits))
    # A little more than half a unit: the value itself is a binary fraction.
    return float(text), half * 1.001
