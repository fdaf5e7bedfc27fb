"""What a study's attempts have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pushtune.model.analysis import MetricGuess, Script, Span
from pushtune.model.containers import ContainerSpec
from pushtune.model.ports import Environment, Limits


@dataclass(frozen=True)
class Recipe:
    """How the trials of one study are run.

    ``slots`` trials side by side with ``threads`` threads each. ``limits.seconds`` counts the time that
    an attempt trains, not the time that it waits at a rung. ``record``: write checkpoints and allow
    pauses. ``loops`` and ``places`` as in ``Analysis``. ``paused_share``: the part of the machine's memory
    that paused processes may hold. ``silence``: seconds that a trial may train without an event and
    without printing before it is taken to hang (None: for ever); it is widened to what the study's own
    epochs show to be normal. ``most_fruitless``: attempts that may be lost in a row without a finished
    epoch before the trial is given up as a crash loop. ``defaults`` are environment variables that hold
    where the environment says nothing of them.
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
    silence: float | None = None
    most_fruitless: int = 5
    container: ContainerSpec | None = None
    defaults: Mapping[str, str] = field(default_factory=dict)
