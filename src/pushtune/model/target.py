"""The target a developer names: ``accuracy>=0.99``."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from pushtune.errors import UsageError
from pushtune.model.analysis import Direction

LESS_IS_BETTER = frozenset(
    (
        "loss", "error", "mae", "mse", "rmse", "rmsle", "msle", "perplexity", "ppl", "deviance", "logloss",
        "mape", "err", "cost", "nll", "wer", "cer", "fid", "brier", "crossentropy", "entropy",
        "hinge", "distance",
    )
)  # fmt: skip

_FORM = re.compile(r"^\s*([A-Za-z_][\w.@/ -]*?)\s*(>=|<=|>|<|=)\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*(%?)\s*$")


@dataclass(frozen=True)
class Target:
    """``metric`` must reach ``value``; ``direction`` says from which side."""

    metric: str
    value: float
    direction: Direction

    def met_by(self, value: float | None) -> bool:
        """Whether ``value`` reaches the target. Nothing and not-a-number never do."""
        if value is None or not math.isfinite(value):
            return False
        return value >= self.value if self.direction == "max" else value <= self.value

    def __str__(self) -> str:
        """Return the target as it is written on a command line."""
        return f"{self.metric}{'>=' if self.direction == 'max' else '<='}{self.value:.12g}"


def parse_target(text: str) -> Target:
    """Read ``accuracy>=0.99``, ``loss<0.1`` or ``accuracy >= 98%``.

    Raises ``UsageError`` with the fix if the text has another form or a value that is not finite.
    """
    match = _FORM.match(text)
    fix = 'write it as METRIC>=NUMBER or METRIC<=NUMBER, in quotes: --target "accuracy>=0.95"'
    if match is None:
        raise UsageError(f"cannot read the target {text!r}", fix=fix)
    name, sign, number, percent = match.groups()
    try:
        value = float(number) / (100.0 if percent else 1.0)
    except ValueError:
        raise UsageError(f"{number!r} in the target is not a number", fix=fix) from None
    if not math.isfinite(value):
        raise UsageError(f"{number!r} in the target is not finite", fix=fix)
    direction: Direction = "min" if sign.startswith("<") else "max"
    if sign == "=":
        direction = direction_of(name)
    return Target(name.strip(), value, direction)


def direction_of(metric: str) -> Direction:
    """Return which way ``metric`` improves, by the words in its name."""
    words = re.split(r"[^a-z]+", metric.lower())
    return "min" if any(word in LESS_IS_BETTER for word in words) else "max"
