"""Reading events.jsonl as it grows. What comes from a trial's process is checked before it is believed."""

from __future__ import annotations

import functools
import math
import re
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from pushtune.model.analysis import Caution, LayerShape, Split
from pushtune.trial.fence import fenced_at, write_fence
from pushtune.trial.folder import TrialFolder
from pushtune.trial.progress import (
    ArtifactReport,
    CurveKey,
    FailureReport,
    FitCall,
    MetricReading,
    ModelReport,
    Progress,
    merge,
    padded,
)
from pushtune.trial.reading import EventFile
from pushtune_probe import wire

MOST_METRICS = 4000
"""Readings kept of one attempt: the last ones."""

MOST_EPOCHS = 100_000
MOST_CURVES = 100
MOST_POINTS = 500_000
"""Values of all curves together: there is one for each epoch of each."""

MOST_PLACES = 10_000
MOST_NOTES = 200
"""Of artifacts, warnings and training calls: the first ones."""

LONGEST_NAME = 100
LONGEST_TEXT = 2000
LONGEST_TRACEBACK = 8000


@functools.lru_cache(maxsize=4096)
def _canonical(name: str) -> tuple[str, str]:
    return wire.canonical_metric(name)


_SPLITS: dict[Any, Split] = {split: split for split in get_args(Split)}

_STEERING = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f"  # all control characters but tab and newline
    "\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069"  # what turns text around
    "\\u2028\\u2029\\ud800-\\udfff]"
)

Event = Mapping[str, Any]


class Watcher:
    """Reads one attempt's events as they come, a bounded bite at a time. Not thread-safe."""

    def __init__(self, attempt: str | Path) -> None:
        self._attempt = Path(attempt)
        self._log = self._attempt / wire.STDOUT
        self._file = EventFile(str(self._attempt / wire.EVENTS), end=fenced_at(self._attempt))
        self._collected = _Collected()
        self._progress = Progress()

    def read(self, *, all_of_it: bool = False) -> Progress:
        """Return what has been reported so far; the same object where nothing is new.

        Of a flood of events only so much is read at once, unless ``all_of_it`` is asked for, and never more
        than a bounded number of bytes: the record then says that some were passed over.
        """
        news = False
        for bite in self._file.read(all_of_it=all_of_it):
            for event in bite:
                self._collected.add(event)
            news = news or bool(bite)
        if news:
            if self._file.skipped:
                self._collected.add(_FLOOD)
            self._progress = self._collected.freeze()
        return self._progress

    def fence(self) -> None:
        """Believe nothing that is written from now on: the attempt has ended."""
        write_fence(self._attempt, self._file.offset)

    def printed(self) -> tuple[int, int]:
        """Return what changes whenever the attempt prints something. One ``stat``."""
        try:
            facts = self._log.lstat()
        except OSError:
            return 0, 0
        return facts.st_size, facts.st_mtime_ns


def read_trial(folder: TrialFolder) -> Progress:
    """Read the events of all attempts of a trial and join them."""
    return merge([Watcher(folder.attempt(number)).read(all_of_it=True) for number in folder.attempts()])


_FLOOD: Mapping[str, Any] = MappingProxyType(
    {
        "event": "warning",
        "code": "events-skipped",
        "text": "it reported more than can be read: some of it was passed over",
    }
)


class _Collected:
    """The events of one attempt, on their way to a ``Progress``."""

    def __init__(self) -> None:
        self._plain: dict[str, Any] = {}
        self._curves: dict[CurveKey, dict[int, float]] = {}
        self._seconds: dict[int, float] = {}
        self._metrics: deque[MetricReading] = deque(maxlen=MOST_METRICS)
        self._artifacts: list[ArtifactReport] = []
        self._warnings: dict[Caution, None] = {}
        self._fits: dict[int, FitCall] = {}
        self._places: set[int] = set()

    def add(self, event: Event) -> None:
        """Take one event up; one of an unknown kind is passed over."""
        if "t" in event:
            self._plain["last_event_time"] = _number(event["t"]) or 0.0
        handler = _HANDLERS.get(event["event"])
        if handler is not None:
            handler(self, event)

    def freeze(self) -> Progress:
        """Return what has been collected."""
        done = max(self._plain.get("resumed_from", 0), max(self._seconds, default=0))
        return Progress(
            **self._plain,
            epochs_done=done,
            curves=MappingProxyType({key: _in_order(values, done) for key, values in self._curves.items()}),
            epoch_seconds=_in_order(self._seconds, done),
            metrics=tuple(self._metrics),
            artifacts=tuple(self._artifacts),
            warnings=tuple(self._warnings),
            fits=tuple(self._fits.values()),
            reached=frozenset(self._places),
        )

    def _started(self, event: Event) -> None:
        self._plain.update(started=True, resumed_from=min(_count(event.get("resumed_from")), MOST_EPOCHS))

    def _framework(self, event: Event) -> None:
        self._plain["framework"] = _text(event.get("name"), LONGEST_NAME)
        self._plain["framework_version"] = _text(event.get("version"), LONGEST_NAME)

    def _model(self, event: Event) -> None:
        layers = event.get("layers")
        rows = (
            [layer for layer in layers[:MOST_NOTES] if isinstance(layer, dict)]
            if isinstance(layers, list)
            else []
        )
        self._plain["model"] = ModelReport(
            _count(event.get("parameters")),
            tuple(
                LayerShape(
                    _name(row.get("name")),
                    _name(row.get("type")),
                    _shape(row.get("input_shape")),
                    _shape(row.get("output_shape")),
                )
                for row in rows
            ),
        )

    def _reached(self, event: Event) -> None:
        places = event.get("places")
        if isinstance(places, list) and len(self._places) < MOST_PLACES:
            self._places.update(place for place in places[:MOST_PLACES] if isinstance(place, int))

    def _fit(self, event: Event) -> None:
        if len(self._fits) < MOST_NOTES:
            call = _count(event.get("call"))
            epochs = _count(event.get("epochs")) or None
            why = _text(event.get("why"), LONGEST_TEXT)
            steps = _count(event.get("steps")) or None
            by = _name(event.get("by"))
            self._fits[call] = FitCall(call, epochs, event.get("rungs") is True, why, steps, by)

    def _epoch(self, event: Event) -> None:
        epoch = _count(event.get("epoch"))
        if not 1 <= epoch <= MOST_EPOCHS or epoch * max(1, len(self._curves)) > MOST_POINTS:
            return
        self._seconds[epoch] = _finite(event.get("seconds"))
        self._plain["total_epochs"] = _count(event.get("total")) or None
        self._plain["paused_at"] = None
        metrics = event.get("metrics")
        for name, told in metrics.items() if isinstance(metrics, dict) else ():
            if isinstance(told, dict):
                key = _metric_key(_name(name), told.get("split"))
                self._epoch_metric(epoch, key, _finite(told.get("value")))

    def _epoch_metric(self, epoch: int, key: CurveKey, value: float) -> None:
        fits = len(self._curves) < MOST_CURVES and (len(self._curves) + 1) * epoch <= MOST_POINTS
        if key in self._curves or fits:
            self._curves.setdefault(key, {})[epoch] = value
        if key == ("loss", "train"):
            since = self._plain.get("diverged_at") or epoch
            self._plain["diverged_at"] = None if math.isfinite(value) else since

    def _metric(self, event: Event) -> None:
        value = _finite(event.get("value"))
        name, split = _metric_key(_text(event.get("name"), LONGEST_NAME), event.get("split"))
        if math.isfinite(value) and name:
            self._metrics.append(
                MetricReading(
                    name=name,
                    value=value,
                    split=split,
                    source=_text(event.get("source"), LONGEST_NAME),
                    line=_count(event.get("line")),
                    text=_text(event.get("text"), LONGEST_TEXT),
                    step=None if event.get("step") is None else _count(event.get("step")),
                    seen_by_fit=event.get("seen_by_fit") is True,
                )
            )

    def _checkpoint(self, event: Event) -> None:
        self._plain["checkpoint_at"] = _count(event.get("epoch"))

    def _artifact(self, event: Event) -> None:
        path = event.get("path")
        if isinstance(path, str) and 0 < len(path) <= LONGEST_TEXT and len(self._artifacts) < MOST_NOTES:
            kind, origin = _name(event.get("kind")), _name(event.get("origin"))
            self._artifacts.append(ArtifactReport(kind, path, _count(event.get("bytes")), origin))

    def _warning(self, event: Event) -> None:
        if len(self._warnings) < MOST_NOTES:
            text = _text(event.get("text"), LONGEST_TEXT)
            self._warnings[Caution(_name(event.get("code")), _count(event.get("line")), text)] = None

    def _paused(self, event: Event) -> None:
        self._plain.update(paused_at=_count(event.get("epoch")), order_obeyed=_count(event.get("order")))

    def _resumed(self, event: Event) -> None:
        self._plain.update(paused_at=None, order_obeyed=_count(event.get("order")))

    def _finished(self, event: Event) -> None:
        stopped = event.get("stopped_at")
        self._plain.update(
            finished=True, paused_at=None, stopped_at=None if stopped is None else _count(stopped)
        )

    def _failed(self, event: Event) -> None:
        self._plain["paused_at"] = None
        self._plain["failed"] = FailureReport(
            kind=_name(event.get("kind")),
            type=_name(event.get("type")),
            message=_text(event.get("message"), LONGEST_TEXT),
            file=_text(event.get("file"), LONGEST_TEXT),
            line=_count(event.get("line")),
            # The last lines are the ones that say why.
            traceback=_printable(str(event.get("traceback") or "")[-LONGEST_TRACEBACK:]),
        )


_HANDLERS: dict[str, Callable[[_Collected, Event], None]] = {
    "started": _Collected._started,
    "framework": _Collected._framework,
    "model": _Collected._model,
    "reached": _Collected._reached,
    "fit": _Collected._fit,
    "epoch": _Collected._epoch,
    "metric": _Collected._metric,
    "checkpoint": _Collected._checkpoint,
    "artifact": _Collected._artifact,
    "warning": _Collected._warning,
    "paused": _Collected._paused,
    "resumed": _Collected._resumed,
    "finished": _Collected._finished,
    "failed": _Collected._failed,
}


def _metric_key(name: str, split: Any) -> CurveKey:
    """Return the canonical name and the split: the one that was proven, else the one its words tell."""
    canonical, told = _canonical(name[:LONGEST_NAME])
    proven = _SPLITS.get(split, "unknown") if isinstance(split, str) else "unknown"
    return canonical, proven if proven != "unknown" else _SPLITS.get(told, "unknown")


def _in_order(values: Mapping[int, float], length: int) -> tuple[float, ...]:
    return padded([values.get(epoch, math.nan) for epoch in range(1, max(values, default=0) + 1)], length)


def _number(value: Any) -> float | None:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _finite(value: Any) -> float:
    """Return a finite number as it is, anything else as ``nan``."""
    number = _number(value)
    return math.nan if number is None or not math.isfinite(number) else number


def _count(value: Any) -> int:
    """Return a whole number that is not negative; 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def _text(value: Any, length: int) -> str:
    return "" if value is None else _printable(str(value)[:length])


def _printable(text: str) -> str:
    """Return ``text`` without what would steer a terminal or turn it around; lines and tabs stay."""
    return _STEERING.sub("\ufffd", text)


def _shape(value: Any) -> tuple[int, ...]:
    """Read a shape's text, ``(32, 1, 28, 28)``; an unknown size reads as 0, what is no shape as ``()``."""
    text = _text(value, LONGEST_NAME).strip()
    if not re.fullmatch(r"\((?:(?:\d+|None),? ?)*\)", text):
        return ()
    return tuple(0 if part == "None" else int(part) for part in re.findall(r"\d+|None", text))


def _name(value: Any) -> str:
    return _text(value, LONGEST_NAME)
