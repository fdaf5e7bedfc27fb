"""What a study's attempts have in common."""

from __future__ import annotations

from dataclasses import dataclass

from pushtune.model.analysis import MetricGuess, Script, Span
from pushtune.model.ports import Environment, Limits


@dataclass(frozen=True)
class Recipe:
    """How the trials of one study are run.

    ``slots`` trials side by side with ``threads`` threads each. ``limits.seconds`` counts the time that
    an attempt trains, not the time that it waits at a rung. ``record``: write checkpoints and allow
    pauses. ``loops`` and ``places`` as in ``Analysis``. ``paused_share``: the part of the machine's memory
    that paused processes may hold.
    """

    script: Script
    environment: Environment
    interpreter: str
    slots: int
    threads: int
    limits: Limits
    wanted_metric: str | None
    guess: MetricGuess | None
    record: bool = True
    max_parameters: int | None = None
    loops: tuple[tuple[str, int], ...] = ()
    places: tuple[Span, ...] = ()
    paused_share: float = 0.5
    patience: float = 60.0
