"""Numbers as scripts print them: decimal commas, thousands, quotients, tensors, lists, and their rounding."""

import math
import re
from typing import List, Optional, Tuple

from pushtune_probe.metric_names import FRACTIONS

Measured = Tuple[float, float]
"""A value and its tolerance: how far rounding may have moved it, half a last digit."""

# Digits are bounded: a line of a million digits is no number, and Python refuses to read it as one.
_DIGITS = r"\d{1,30}"
NUMBER = (
    r"[-+]?(?:\d{1,3}(?:,\d{3}){1,6}(?![\d,])(?:\.\d{1,30})?|%s\.\d{0,30}|\.\d{1,30}|%s,\d{1,30}|%s)(?:e[-+]?\d{1,5})?"
    r"|[-+]?nan\b|[-+]?inf(?:inity)?\b" % (_DIGITS, _DIGITS, _DIGITS)
)
WHOLE = r"(?:\d{1,3}(?:,\d{3}){1,6}|\d{1,15})(?:\.0{0,6})?"
"""A count of things, as it stands above or below the line of a quotient."""

OPENING = (
    r"(?:<tf\.tensor[^>\n]{0,80}?numpy=|(?:(?:tf\.|torch\.)?tensor|(?:np\.|numpy\.|jnp\.)?array|devicearray"
    r"|(?:np\.|numpy\.)?float\d{0,2}|decimal)\s{0,2}\(\s{0,2})?['\"]?"
)
"""What may stand before the digits of a number that an object shows itself as."""

_FRACTIONS_OF_COUNTS = FRACTIONS | {"error"}
_MOST_VALUES = 1000


def measure(name: str, number: str, percent: bool = False) -> Optional[Measured]:
    """Return value and tolerance of ``number`` as the metric ``name``; None where it cannot be that."""
    value, tolerance = read_number(number, name in FRACTIONS)
    if percent or (name in FRACTIONS and 1 < value <= 100):
        # Rounded, so that 97.31 % is 0.9731 and not the nearest quotient.
        value, tolerance = round(value / 100, 12), tolerance / 100
    if name in FRACTIONS and math.isfinite(value) and not 0 <= value <= 1:
        return None
    return value, tolerance


def quotient(name: str, part: str, total: str) -> Optional[Measured]:
    """Return ``9906/10000`` as the metric ``name``; None where that is no share of a whole."""
    above, below = _count(part), _count(total)
    if not below or above > below or name not in _FRACTIONS_OF_COUNTS:
        return None
    return above / below, 0.5 / below


def read_number(text: str, decimal_comma: bool = True) -> Measured:
    """Return a number as printed and half a unit of its last digit.

    A comma is the decimal sign (``98,1``) unless it groups thousands: ``1,234.5``, ``1,234,567``, and
    ``1,234`` where ``decimal_comma`` is false.
    """
    text = text.lower()
    mantissa, _, exponent = text.partition("e")
    mantissa = _without_groups(mantissa, decimal_comma)
    digits = len(mantissa.partition(".")[2])
    # 1e999 is a text that a script may print; it reads as infinity.
    half = 0.5 * 10.0 ** max(-300, min(300, int(exponent or 0) - digits))
    # A little more than half a unit: the value itself is a binary fraction.
    return float(mantissa + ("e" + exponent if exponent else "")), half * 1.001


def _without_groups(text: str, decimal_comma: bool) -> str:
    groups = text.lstrip("+-").partition(".")[0].split(",")
    several = len(groups) > 2 or (len(groups) == 2 and "." in text)
    thousands = len(groups) == 2 and groups[0] not in ("", "0") and len(groups[1]) == 3 and not decimal_comma
    return text.replace(",", "" if several or thousands else ".")


def _count(text: str) -> float:
    return float(text.replace(",", ""))


def mean_of(name: str, inside: str) -> Optional[Measured]:
    """Return the mean of the numbers in a list's text, ``0.97, 0.98``; None if they are no such metric."""
    found = [measure(name, text) for text in _numbers(inside)]
    values = [item[0] for item in found if item is not None]
    if not values or len(values) < len(found):
        return None
    return sum(values) / len(values), max(item[1] for item in found if item is not None)


def last_of(name: str, inside: str) -> Optional[Measured]:
    """Return the last of the numbers in a list's text: the end of a history."""
    numbers = _numbers(inside)
    return measure(name, numbers[-1]) if numbers else None


def _numbers(inside: str) -> List[str]:
    return re.findall(r"[-+]?(?:\d{1,20}\.\d{0,20}|\.\d{1,20}|\d{1,20})(?:e[-+]?\d{1,5})?(?![\w(])", inside)[
        :_MOST_VALUES
    ]
