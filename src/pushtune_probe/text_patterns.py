"""The regular expressions behind ``text_values``. Every repetition is bounded, so that matching is linear."""

import re
from typing import Iterable

from pushtune_probe.metric_names import BEST_WORDS
from pushtune_probe.text_numbers import NUMBER, OPENING, WHOLE
from pushtune_probe.text_words import END, SPLITS, START

BARE = (
    r"\s*\[?\s*%s(?P<number>%s)['\"]?\s*(?P<percent>%%)?(?:, (?:dtype|device)=[^)]{1,40})?[\])]*\s*"
    % (OPENING, NUMBER)
)  # fmt: skip
"""One number and nothing else."""

STEP = (
    r"(?:(?<![^\W_])(?:epoch|ep|epoche|epoca|época|epoka|époque|эпоха|round)s?[\s_]{0,2}[:#\[=(]{0,2}\s{0,3}"
    r"|エポック\s?|에포크\s?|第\s?|^\[(?=\d{1,9}\]))(\d{1,9})"
)
"""The epoch, or the round of boosting, that a line names."""

_OUT_OF = r"\s{0,3}(?:/|out of|von|sur|de)\s{0,3}"
_RIGHT = r"(?:correct|right|richtig|korrekt|corrects|correctos|corretos)\b"
_THINGS = r"(?:(?:were|are|samples|images|examples|predictions) )?"
_COUNTED_FIRST = r"(?<![\w.,/])(?P<a>%s)%s(?P<b>%s)\s{1,3}%s%s" % (WHOLE, _OUT_OF, WHOLE, _THINGS, _RIGHT)
_COUNTED_LAST = (
    r"\bcorrect(?:ly)?(?:[\s_](?:predictions?|classified|samples|images))?\s{0,2}[:=]?\s{0,2}"
    r"(?P<c>%s)%s(?P<d>%s)(?![.,]?\d)" % (WHOLE, _OUT_OF, WHOLE)
)
COUNTED = _COUNTED_FIRST + "|" + _COUNTED_LAST
"""An accuracy told as a count: ``9600/10000 correct``, ``correct: 9600 / 10000``."""

QUOTIENT = r"(?<![\w.,/])(%s)\s{0,3}(?:/|out of)\s{0,3}(%s)(?![.,/]?\d)" % (WHOLE, WHOLE)

_BEST_WORDS = "|".join(sorted(BEST_WORDS, key=len, reverse=True))
_BEST = r"(?:%s)(?:[\s_-]{1,3}(?:so far|overall|model))?[\s_-]{1,3}" % _BEST_WORDS
_IS = (
    r"is|was|are|equals|reached|reaches|est(?: de)?|ist|beträgt|liegt bei|es(?: del?)?|é(?: de)?|è(?: del)?"
    r"|är|jest|wynosi|составляет|равна|=="
)
_PREPOSITIONS = (
    r"on|of|for|in|over|after|at|using|with|across|so far|auf|im|bei|für|nach|sur|en|para|por|pour|sull?[ae]?"
    r"|sui?|nell?[ae]?|per|no|na|de[lrsi]?|du|em|da|do|на|по|w|på|op"
)
# What may stand between a name and its value: accuracy (test) [%], "accuracy", accuracy on the 10000 images:
_BRACKETS = r"[\"'`*]{0,3}(?:\s{0,3}[(\[（][^()\[\]（）]{0,40}[)\]）]){0,2}"
_QUALIFIER = r"\s{1,3}(?:%s)\b[^:=：]{0,90}?(?=\s{0,3}[:=：]|\s{1,3}(?:%s)\b|\s{1,3}-?\d{0,3}\.\d)" % (
    _PREPOSITIONS,
    _IS,
)
_SEPARATOR = (
    r"\s{0,3}(?:==?|[:：]|->|=>|→|\||\t|~|≈|(?:\b(?:%s|of|at)\b)|[为為是はが는은]\s{0,2}[:：]?)?[\s\"'*]{0,4}"
    % _IS
)
_VALUE = (
    r"(?:(?P<count>{whole})\s{{0,3}}(?:/|out of)\s{{0,3}}(?P<total>{whole})(?![.,]?\d)"
    r"|(?:{opening})?(?P<list>[\[(][^\[\]()]{{3,4000}}[\])])"
    r"|(?:{opening})?[\[(]{{0,2}}(?P<sign>%\s?)?(?P<number>{number})(?![.,]?\d)(?!\w)(?!\s{{0,2}}/\s{{0,2}}\d))"
    r"['\"]?\s{{0,2}}(?P<percent>%)?"
).format(whole=WHOLE, opening=OPENING, number=NUMBER)


def labelled(labels: Iterable[str]) -> str:
    """Return the pattern of a name and its value. Groups: label, qualifier, gap, separator, the value's."""
    splits = r"(?:(?:%s)[\s_/:-]{0,3})?" % SPLITS
    label = r"(?P<label>%s)(?:[\s_-]{1,3}(?:score|value))?" % _alternatives(labels)
    gap = r"(?P<gap>%s(?P<qualifier>%s)?)" % (_BRACKETS, _QUALIFIER)
    best = r"(?P<best>%s)?%s(?P<best2>%s)?" % (_BEST, splits, _BEST)
    return START + best + label + END + gap + "(?P<separator>%s)" % _SEPARATOR + _VALUE


def backwards(labels: Iterable[str]) -> str:
    """Return the pattern of a percentage before its name: ``98.1% test accuracy``."""
    between = r"(?:(?:on|for|in|the|of|mean|average|%s)[\s_-]{1,3}){0,3}" % SPLITS
    number = r"(?<![\d.,])(?P<number>\d{1,3}(?:[.,]\d{1,15})?)\s{0,2}%\s{0,2}"
    return number + between + "(?P<label>%s)" % _alternatives(labels) + END


def _alternatives(labels: Iterable[str]) -> str:
    ordered = sorted(labels, key=len, reverse=True)
    return "|".join(re.escape(label).replace(r"\ ", r"[\s_-]{1,3}") for label in ordered)
