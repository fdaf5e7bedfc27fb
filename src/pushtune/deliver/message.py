"""What a delivered commit says of itself. Nothing in it is taken at its word: no text can add a line."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pushtune.git import one_line

BRANCH = "Pushtune-Branch"
PUSH = "Pushtune-Push"
SCRIPT = "Pushtune-Script"

_LONGEST_SUBJECT = 72
_TRAILER = re.compile(r"(?P<name>Pushtune-[A-Za-z]+): (?P<value>.*)")


@dataclass(frozen=True)
class Reached:
    """What a script reached: the mean of the metric over ``seeds`` runs; ``std`` is None for one run.

    ``mean`` is None where no run gave a number.
    """

    mean: float | None
    std: float | None = None
    seeds: int = 1

    def __str__(self) -> str:
        """Return it as `0.9533 ± 0.0081`."""
        return number(self.mean) + (f" ± {number(self.std)}" if self.std is not None else "")


@dataclass(frozen=True)
class Told:
    """What there is to tell of a winner. Texts may come from strangers.

    ``data`` says what was measured on (`test set`); ``target`` is as it was given, ``target_met`` None
    without one. ``command`` is the winner's command line, where it is started otherwise than the script was.
    ``branch`` is the one that was pushed to.
    """

    push: int
    study: str
    script: str
    metric: str
    winner: Reached
    baseline: Reached | None = None
    data: str = ""
    target: str = ""
    target_met: bool | None = None
    command: str = ""
    branch: str = ""


def message_of(told: Told) -> str:
    """Return the commit's message: a subject, one or two sentences, trailers."""
    sentences = [_sentence(told)]
    if told.command:
        sentences.append(f"It is started as: {one_line(told.command, 1000)}")
    trailers = "\n".join(f"{name}: {value}" for name, value in trailers_of(told).items())
    return f"{_subject(told)}\n\n" + "\n\n".join(sentences) + f"\n\n{trailers}\n"


def trailers_of(told: Told) -> dict[str, str]:
    """Return the trailers by name, each value one line."""
    trailers = {
        "Pushtune-Study": _value(told.study),
        SCRIPT: _value(told.script),
        "Pushtune-Metric": f"{_value(told.metric)} {told.winner}",
        "Pushtune-Baseline": "" if told.baseline is None else str(told.baseline),
        "Pushtune-Target": _target(told),
        BRANCH: one_line(told.branch),
        PUSH: str(told.push),
    }
    return {name: value for name, value in trailers.items() if value}


def read_trailers(message: str) -> Mapping[str, str]:
    """Return the trailers of a message that ``message_of`` wrote: those of its last paragraph."""
    last = message.rstrip("\n").split("\n\n")[-1]
    found = [_TRAILER.fullmatch(line) for line in last.split("\n")]
    return {match["name"]: match["value"] for match in found if match is not None}


def number(value: float | None) -> str:
    """Return a value of a metric with four significant digits."""
    return f"{value:.4g}" if value is not None and math.isfinite(value) else "not a number"


def _subject(told: Told) -> str:
    was = f"{number(told.baseline.mean)} → " if told.baseline is not None else ""
    reached = f": {one_line(told.metric, 30) or 'metric'} {was}{number(told.winner.mean)}"
    # The numbers stay; a long path loses its beginning.
    script = one_line(told.script, 4000) or "the script"
    room = _LONGEST_SUBJECT - len("Tune ") - len(reached)
    return "Tune " + (script if len(script) <= room else "…" + script[-max(room - 1, 1) :]) + reached


def _sentence(told: Told) -> str:
    was = f"{told.baseline} → " if told.baseline is not None else ""
    seeds = (
        f"mean ± standard deviation over {told.winner.seeds} seeds" if told.winner.seeds > 1 else "one run"
    )
    data = one_line(told.data)
    where = f", measured on: {data}" if data else ""
    return f"The {one_line(told.metric) or 'metric'} went {was}{told.winner} ({seeds}{where})."


def _target(told: Told) -> str:
    target = one_line(told.target)
    if not target or told.target_met is None:
        return target
    return f"{target} ({'met' if told.target_met else 'not met'})"


def _value(text: str) -> str:
    return one_line(text) or "unknown"
