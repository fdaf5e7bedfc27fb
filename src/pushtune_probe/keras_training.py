"""The training of one script: its calls of ``fit`` one after the other, live or fast-forwarded."""

from __future__ import annotations

import math
import time
from typing import Any, Dict, List, Optional

from pushtune_probe import keras_checkpoints as checkpoints
from pushtune_probe.control import FINISH
from pushtune_probe.keras_replay import Budget
from pushtune_probe.session import Refusal, Session

SEVERAL_FITS = "the script calls fit more than once"
NOT_SHOWN = {"torch": "exact resume has not been shown on Keras's torch backend"}
READ_AHEAD = (
    "the fit before, which was resumed, reads its data ahead of the training by as much as time allows: "
    "random numbers drawn after it may be others than without the interruption"
)


class Training:
    """What the fits of one script share.

    ``exact``: Keras's version is known, so that checkpoints are taken and resumed from. ``active`` is
    the fit under way, or None; ``epoch`` counts finished epochs over all fits; ``calls`` counts fits.
    ``read_ahead``: the last fit was resumed, and its data draws further ahead than the training is.
    """

    def __init__(self, session: Session, version: str, backend: str, exact: bool = True) -> None:
        self.session = session
        self.known = {"keras": version, "backend": backend}
        self.active: Optional[Any] = None
        self.last_model: Optional[Any] = None
        self.calls = 0
        self.epoch = 0
        self.seconds = 0.0
        self.read_ahead = False
        self.store = checkpoints.Store(session.attempt, session.files.snapshot)
        self.recording = session.plan.record and exact
        self.saved = self._read() if exact else None
        self.budget = Budget(self.saved.state["seconds"] if self.saved else 0.0)

    def _read(self) -> Optional[checkpoints.Saved]:
        refused: List[str] = []
        saved = checkpoints.read_newest(self.session.plan.checkpoints, self.known, refused)
        for why in refused:
            self.session.warn("checkpoint", why)
        if saved is not None:
            self.store.adopt_fits(saved)
        return saved

    def next_call(self) -> Optional[Dict[str, Any]]:
        """Count a call of fit; return the state it is to be fast-forwarded to, or None."""
        self.calls += 1
        if self.read_ahead:
            self.read_ahead = False
            self.session.warn("data-order", READ_AHEAD)
        if self.saved is None or self.calls > self.saved.state["call"]:
            return None
        if self.calls < self.saved.state["call"]:
            return self.saved.finished(self.calls)
        return self.saved.state

    def why_not(self) -> str:
        """Return why the fit under way gets one rung only, or nothing."""
        if self.calls > 1:
            return SEVERAL_FITS
        return NOT_SHOWN.get(self.known["backend"], "")

    def write(self, state: Dict[str, Any]) -> None:
        """Write a checkpoint after the epoch that just ended. A full disk is a warning."""
        if not self.recording or not self.session.mine:
            return
        body = dict(state, call=self.calls, **self.known)
        try:
            self.session.reporter.emit("checkpoint", **self.store.write(self.epoch, body))
        except OSError as error:
            self.session.warn("checkpoint", "checkpoint %d was not written: %s" % (self.epoch, error))

    def keep_fit(self, state: Dict[str, Any]) -> None:
        """Keep the end of a fit, so that later checkpoints can skip it."""
        if not self.recording or not self.session.mine:
            return
        try:
            self.store.keep_fit(self.calls, state)
        except OSError as error:
            self.recording = False  # without it a later checkpoint could not be resumed from
            self.session.warn("checkpoint", "no further checkpoints: %s" % error)

    def settle(self, rungs: bool) -> bool:
        """Pause, if asked to, after the epoch that just ended; return whether training is to end here."""
        control = self.session.control
        if rungs:
            finish = control.obey(self.epoch) == FINISH
        else:
            control.read()
            finish = control.finish_at is not None and self.epoch >= control.finish_at
        if finish:
            self.session.stopped_at = self.epoch
        return finish

    def refuse_large(self, parameters: int) -> None:
        """Raise ``Refusal`` if a model is larger than the plan allows."""
        limit = self.session.plan.max_parameters
        if limit is not None and parameters > limit:
            raise Refusal("parameters", "the model has %d parameters, allowed are %d" % (parameters, limit))


def epoch_metrics(logs: Dict[str, Any]) -> Dict[str, Dict[str, Any]]:
    """Return an epoch's logs as the ``epoch`` event has them; what is no number is left out."""
    metrics = {}
    for name, value in logs.items():
        number = as_number(value)
        if number is not None and not name.startswith("learning_rate") and name != "lr":
            metrics[name] = {"value": number, "split": split_of(name)}
    return metrics


def split_of(name: str) -> str:
    """Return the split that a name of Keras's logs stands for."""
    return "validation" if name.startswith("val_") else "train"


def as_number(value: Any) -> Optional[float]:
    """Return ``value`` as a float if it is a single number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def refuse_divergence(logs: Dict[str, Any], epoch: int) -> None:
    """Raise ``Refusal`` if the training loss is no longer a finite number."""
    loss = as_number(logs.get("loss"))
    if loss is not None and not math.isfinite(loss):
        raise Refusal("diverged", "the loss is %s after epoch %d" % (loss, epoch))


class Clock:
    """Seconds of training in one fit: pauses and what the probe does itself are left out."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def start(self) -> None:
        """Begin an epoch."""
        self._began = time.monotonic()

    def stop(self) -> float:
        """Return the seconds since ``start``."""
        return time.monotonic() - self._began
