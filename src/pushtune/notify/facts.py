"""All that a letter tells, as plain frozen data. Every text in it comes from strangers and is hostile.

Values are in the metric's own unit (an accuracy of 0.98 is ``0.98``), times in seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pushtune.model.analysis import Direction


@dataclass(frozen=True)
class Measured:
    """One program as it was measured: ``mean`` over ``seeds`` runs, ``std`` their sample deviation.

    ``data`` says on what (``"test set"``). None is what nobody knows.
    """

    name: str
    mean: float | None
    std: float | None = None
    seeds: int = 1
    data: str = ""

    @property
    def known(self) -> bool:
        """Whether there is a finite value."""
        return self.mean is not None and math.isfinite(self.mean)


@dataclass(frozen=True)
class Changed:
    """One thing that the winner does otherwise: ``units`` at ``train.py:14``, from ``32`` to ``128``."""

    what: str
    before: str
    after: str
    place: str = ""


@dataclass(frozen=True)
class DeliveredFile:
    """A file that was handed over, and what it is."""

    path: str
    what: str


@dataclass(frozen=True)
class Failed:
    """The stage that failed, why, what to do about it, and the last lines of its log (any number).

    ``settings``: not the script is to blame, but what its repository sets.
    """

    stage: str
    message: str
    fix: str = ""
    log: tuple[str, ...] = ()
    settings: bool = False


@dataclass(frozen=True)
class CurvePoint:
    """One trial of the search: its number, its value, and the best value up to it."""

    trial: int
    value: float
    best: float


@dataclass(frozen=True)
class LetterFacts:
    """Everything that a letter may tell of one push.

    ``winner`` is None where nothing better than the author's script was found. ``target`` is as it was
    written (``accuracy>=0.98``), ``target_value`` its number. ``chosen_on`` says what data the search
    looked at, ``looks`` how often; ``confirmed`` that winner and baseline ran on further seeds.
    ``reproduce`` are commands, one a line. ``attempts``: how often a crashing training was started.
    ``server`` and ``settings_file`` say which machine wrote a test letter, with what.
    """

    repository: str
    branch: str
    commit: str
    subject: str
    author: str
    push: int
    study: str = ""
    script: str = ""
    kind: str = ""
    metric: str = ""
    direction: Direction = "max"
    target: str = ""
    target_value: float | None = None
    baseline: Measured | None = None
    winner: Measured | None = None
    controls: tuple[Measured, ...] = ()
    confirmed: bool = False
    chosen_on: str = ""
    looks: int = 0
    why_stopped: str = ""
    seconds: float = 0.0
    trials: int = 0
    attempts: int = 0
    changes: tuple[Changed, ...] = ()
    reproduce: tuple[str, ...] = ()
    delivered_branch: str = ""
    files: tuple[DeliveredFile, ...] = ()
    failed: Failed | None = None
    curve: tuple[CurvePoint, ...] = ()
    warnings: tuple[str, ...] = ()
    server: str = ""
    settings_file: str = ""

    @property
    def best(self) -> Measured | None:
        """What is returned to the author: the winner, or else their own script."""
        return self.winner or self.baseline
