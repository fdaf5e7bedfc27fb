"""What an attempt has reported so far, as one frozen record, and how a trial's attempts join into one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from pushtune.model.analysis import Caution, LayerShape, Split

CurveKey = tuple[str, Split]
"""A metric's canonical name, and the data it was measured on."""


@dataclass(frozen=True)
class MetricReading:
    """One value that the script reported outside its epochs. ``name`` is canonical, ``value`` finite.

    ``line`` is the script's (0: none); ``text`` what was matched; ``step`` the epoch, if one was told;
    ``seen_by_fit``: the same data was the validation data of a fit.
    """

    name: str
    value: float
    split: Split
    source: str
    line: int = 0
    text: str = ""
    step: int | None = None
    seen_by_fit: bool = False


@dataclass(frozen=True)
class ArtifactReport:
    """A file (or folder) that the attempt kept. ``path`` is below the attempt's folder."""

    kind: str
    path: str
    bytes: int
    origin: str


@dataclass(frozen=True)
class FitCall:
    """One call that trains. ``epochs`` as the source says; ``why`` it cannot be paused, if it cannot.

    ``steps`` are the optimiser's, an epoch; None where nobody can say. ``by`` says what trains, for people.
    """

    call: int
    epochs: int | None
    rungs: bool
    why: str = ""
    steps: int | None = None
    by: str = ""


@dataclass(frozen=True)
class ModelReport:
    """The model that is trained: the number of its parameters, and its layers."""

    parameters: int
    layers: tuple[LayerShape, ...] = ()


@dataclass(frozen=True)
class FailureReport:
    """Why the script failed. ``file`` and ``line`` are its own; ``traceback`` the last lines, as text."""

    kind: str
    type: str
    message: str
    file: str = ""
    line: int = 0
    traceback: str = ""


@dataclass(frozen=True)
class Progress:
    """All that has been reported. Epochs count from 1 over the whole trial.

    ``curves`` holds one value per epoch, from epoch 1 to ``epochs_done``, ``nan`` where none (or none
    finite) was reported. ``metrics`` are in the order of their reporting. ``paused_at`` is the epoch at
    which it waits now, None while it trains. ``order_obeyed`` is the number of the last order taken up.
    ``reached`` are the numbers of the watched places that were evaluated.
    ``stopped_at`` is the epoch at which ``finish_at`` ended training, if it did. ``diverged_at`` is the
    epoch since which the loss has been reported as not a number.
    """

    started: bool = False
    resumed_from: int = 0
    epochs_done: int = 0
    total_epochs: int | None = None
    paused_at: int | None = None
    order_obeyed: int = 0
    checkpoint_at: int = 0
    diverged_at: int | None = None
    curves: Mapping[CurveKey, tuple[float, ...]] = field(default_factory=lambda: MappingProxyType({}))
    epoch_seconds: tuple[float, ...] = ()
    metrics: tuple[MetricReading, ...] = ()
    artifacts: tuple[ArtifactReport, ...] = ()
    warnings: tuple[Caution, ...] = ()
    framework: str = ""
    framework_version: str = ""
    model: ModelReport | None = None
    fits: tuple[FitCall, ...] = ()
    reached: frozenset[int] = frozenset()
    finished: bool = False
    stopped_at: int | None = None
    failed: FailureReport | None = None
    last_event_time: float = 0.0

    @property
    def rungs(self) -> bool:
        """Whether every training call so far can be paused between epochs."""
        return bool(self.fits) and all(fit.rungs for fit in self.fits)


def merge(attempts: Sequence[Progress]) -> Progress:
    """Join the attempts of one trial, lowest number first, as though it had been trained in one piece.

    An attempt that resumed from epoch *k* continues the curves of those before it after *k*; what they
    had trained beyond *k* was trained again, and counts once. Where the last one has not started yet, the
    epochs are those of the ones before, and how those ended is forgotten.
    """
    merged = Progress()
    for progress in attempts:
        if progress.started:
            merged = _continue(merged, progress)
    if attempts and not attempts[-1].started:
        return replace(merged, started=False, paused_at=None, order_obeyed=0, finished=False, failed=None)
    return merged


def _continue(before: Progress, after: Progress) -> Progress:
    kept = after.resumed_from
    done = max(kept, after.epochs_done)
    keys = dict.fromkeys((*(before.curves if kept else ()), *after.curves))
    curves = {
        key: _spliced(before.curves.get(key, ()), after.curves.get(key, ()), kept, done) for key in keys
    }
    # The script runs again from its first line and reports again what it had said; its warnings are kept.
    return replace(
        after,
        epochs_done=done,
        curves=MappingProxyType(curves),
        epoch_seconds=_spliced(before.epoch_seconds, after.epoch_seconds, kept, done),
        warnings=tuple(dict.fromkeys((*before.warnings, *after.warnings))),
        model=after.model or before.model,
        framework=after.framework or before.framework,
        framework_version=after.framework_version or before.framework_version,
        fits=after.fits or before.fits,
        reached=before.reached | after.reached,
        checkpoint_at=max(after.checkpoint_at, kept),
        diverged_at=after.diverged_at if after.epochs_done > kept else _up_to(before.diverged_at, kept),
    )


def _up_to(epoch: int | None, last: int) -> int | None:
    return epoch if epoch is not None and epoch <= last else None


def _spliced(before: tuple[float, ...], after: tuple[float, ...], kept: int, done: int) -> tuple[float, ...]:
    head = padded(before[:kept], kept)
    return padded((*head, *after[kept:]), done)


def padded(values: Sequence[float], length: int) -> tuple[float, ...]:
    """Return ``values`` made ``length`` long with ``nan``; longer ones stay as they are."""
    return (*values, *(math.nan for _ in range(length - len(values))))
