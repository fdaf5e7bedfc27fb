"""Finds labelled metric values in a line of text: ``Test accuracy: 98.1%``, ``val_acc=0.97``, ``R² = .9``."""

import re
import unicodedata
from typing import Iterable, Iterator, List, NamedTuple, Optional

from pushtune_probe import metric_names
from pushtune_probe.text_numbers import Measured, last_of, mean_of, measure, quotient
from pushtune_probe.text_patterns import BARE, COUNTED, QUOTIENT, STEP, backwards, labelled
from pushtune_probe.text_words import counts_batches, is_of_a_part, names_a_class, pattern, split_in

# Spellings that are no words of their own, beside those of the metric names.
_SPELLINGS = {
    "r^2": "r2", "r-squared": "r2", "f1-score": "f1", "acc@1": "accuracy", "prec@1": "accuracy",
    "acc@5": "top_k_accuracy", "prec@5": "top_k_accuracy", "map@50": "map", "map@0.5": "map",
    "map@[.5:.95]": "map",
}  # fmt: skip
# "acc 1" is a name where it is a key, and name and value where it is printed.
_ENDS_IN_NUMBER = re.compile(r"\W\d+$").search

_BEFORE = 400
"""Characters before a label that are searched for the name of its data."""

_TERMINAL = re.compile("\x1b\\[[0-9;?]{0,20}[A-Za-z]")
_BOXES = str.maketrans({"│": "|", "┃": "|", "║": "|", "¦": "|", "％": "%", "\u00a0": " "})


class Found(NamedTuple):
    """A value in a text. ``tolerance`` is how far rounding may have moved it: half a last digit.

    ``part``: the text names what it is measured on, and that may be a part of the data: ``accuracy of cat``.
    """

    name: str
    value: float
    tolerance: float
    split: str
    step: Optional[int] = None
    part: bool = False


class Scanner:
    """Looks for the metrics that everybody knows, and for the one that the developer named."""

    def __init__(self, wanted: Optional[str] = None) -> None:
        self._names = dict(_SPELLINGS)
        for canonical, spellings in metric_names.SYNONYMS.items():
            plain = [spelling for spelling in spellings if not _ENDS_IN_NUMBER(spelling)]
            self._names.update(dict.fromkeys(plain, canonical))
        if wanted:
            canonical = metric_names.canonical_metric(wanted)[0]
            self._names.setdefault(canonical.replace("_", " "), canonical)
        self._stems = _stems(self._names)
        self._source = ""

    def find(self, line: str) -> List[Found]:
        """Return the labelled values of one line, from left to right. Never raises; linear in the line."""
        lower = plain(line)
        if not any(stem in lower for stem in self._stems):
            return _counted(lower)
        if not self._source:
            self._source = labelled(self._names)
        found = list(self._matches(lower)) or self._backwards(lower) or _counted(lower)
        step, told = step_on(lower), told_apart(_exact(lower, found))
        if counts_batches(lower):
            told = [item._replace(split="train") if item.split == "unknown" else item for item in told]
        return [item._replace(step=step) for item in told]

    def canonical(self, label: str) -> str:
        """Return the canonical name of a label as printed, or nothing."""
        return self._names.get(label) or self._names.get(re.sub(r"[\s_-]+", " ", label), "")

    def _matches(self, line: str) -> Iterator[Found]:
        for match in pattern(self._source).finditer(line):
            name = self.canonical(match["label"])
            measured = _value(name, match, line) if name and _is_separated(match) else None
            if measured is not None and not names_a_class(
                line[max(0, match.start() - 30) : match.end("gap")]
            ):
                name = metric_names.BEST + name if match["best"] or match["best2"] else name
                part = is_of_a_part(match["qualifier"] or "")
                yield Found(name, *measured, _split_of(line, match), None, part)

    def _backwards(self, line: str) -> List[Found]:
        """Find values that stand before their names: ``98.1% test accuracy``."""
        found: List[Found] = []
        for match in pattern(backwards(self._names)).finditer(line) if "%" in line else ():
            name = self.canonical(match["label"])
            measured = measure(name, match["number"], percent=True) if name else None
            if measured is not None:
                found.append(Found(name, *measured, split_in(match.group()) or "unknown"))
        return found


def plain(line: str) -> str:
    """Return a line in the one form that is looked at: lower case, no colours, no long runs of blanks."""
    if not line.isascii():
        line = unicodedata.normalize("NFC", line).translate(_BOXES)
    if "\x1b" in line:
        line = _TERMINAL.sub("", line)
    return re.sub(r"[^\S\t]{3,}|\t{2,}", "  ", line).lower()


def step_on(line: str) -> Optional[int]:
    """Return the epoch or round that a line, in its plain form, names."""
    match = pattern(STEP).search(line)
    return int(match.group(1)) if match else None


def bare(line: str, name: str) -> Optional[Found]:
    """Return the value of a line that holds one number with a decimal point, or a percentage, only."""
    match = pattern(BARE).fullmatch(plain(line)[:200])
    if match is None or not (match["percent"] or re.search(r"[.,]|nan|inf", match["number"])):
        return None
    measured = measure(name, match["number"], percent=bool(match["percent"]))
    return None if measured is None else Found(name, *measured, "unknown")


def _stems(labels: Iterable[str]) -> List[str]:
    """Return few words of which every line with a label holds one: looking for those first is cheap."""
    stems: List[str] = []
    for word in sorted((max(label.split(), key=len) for label in labels), key=len):
        if not any(stem in word for stem in stems):
            stems.append(word)
    return stems


def _value(name: str, match: "re.Match[str]", line: str) -> Optional[Measured]:
    if match["total"] is not None:
        return quotient(name, match["count"], match["total"])
    if match["list"] is not None:
        inside = match["list"][1:-1]
        return last_of(name, inside) if "epoch" in line or "history" in line else mean_of(name, inside)
    return measure(name, match["number"], percent=bool(match["percent"] or match["sign"]))


def _is_separated(match: "re.Match[str]") -> bool:
    """Whether it is a value: ``error 404`` is not, ``acc 98.1`` is, ``accuracy of 50 images`` is not."""
    separator = match["separator"].strip(" \"'*")
    told = bool(match["percent"] or match["sign"]) or match["number"] is None or "." in match["number"]
    return told or (bool(separator) and separator not in ("of", "at"))


def _split_of(line: str, match: "re.Match[str]") -> str:
    """Return the split that stands nearest: in the label, behind it, or before it on the line."""
    for text in (
        line[match.start() : match.start("label")],
        match["gap"],
        line[max(0, match.start() - _BEFORE) : match.start()],
    ):
        split = split_in(text)
        if split:
            return split
    return "unknown"


def _exact(line: str, found: List[Found]) -> List[Found]:
    """Take a quotient on the line for the percentage that it was rounded to: ``9600 / 10000 … 96.0``."""
    for match in pattern(QUOTIENT).finditer(line):
        for place, item in enumerate(found):
            exact = quotient(item.name, match[1], match[2])
            if exact is not None and item.value != exact[0] and abs(exact[0] - item.value) <= item.tolerance:
                found[place] = item._replace(value=exact[0], tolerance=exact[1])
    return found


def _counted(line: str) -> List[Found]:
    """Find an accuracy that is told as a count only: ``9600 / 10000 correct``."""
    if not any(word in line for word in ("correct", "right", "korrekt", "richtig", "corret")):
        return []
    match = pattern(COUNTED).search(line)
    measured = quotient("accuracy", match["a"] or match["c"], match["b"] or match["d"]) if match else None
    return [Found("accuracy", *measured, split_in(line) or "unknown", step_on(line))] if measured else []


def told_apart(found: List[Found]) -> List[Found]:
    """Where a line has ``acc`` and ``val_acc``, the one without a word is the training data's."""
    held = {item.name for item in found if item.split in ("validation", "test")}
    return [
        item._replace(split="train") if item.split == "unknown" and item.name in held else item
        for item in found
    ]
