"""The training of one script by a trainer (Lightning, Hugging Face): its fits one after the other.

The first fit is checkpointed after each epoch and can be paused and resumed; what comes after it in the
script runs anew in a resumed attempt, from the state that the first fit ended with.
"""

from __future__ import annotations

import math
import os
import pickle
import time
from typing import Any, Callable, Dict, List, Optional

from pushtune_probe import trainer_tensors, wire
from pushtune_probe.control import FINISH
from pushtune_probe.keras_checkpoints import Store
from pushtune_probe.session import Refusal, Session

SEVERAL_FITS = "the script trains more than once"
GROWING = "modules are added to the model while it trains"
_STATE = "state.pickle"
_NOT_METRICS = (
    "lr", "learning_rate", "epoch", "step", "grad_norm", "runtime", "samples_per_second", "steps_per_second",
    "model_preparation_time", "total_flos", "num_input_tokens_seen", "hp_metric",
)  # fmt: skip

Metrics = Dict[str, Dict[str, Any]]
"""An epoch's metrics as the ``epoch`` event has them: ``{name: {"value", "split"}}``."""


class Training:
    """What the fits of one script share.

    ``name`` is the framework's as events call it; ``exact``: its version is known, so that checkpoints are
    taken and resumed from. ``active`` is the fit under way; ``epoch`` counts finished epochs over all
    fits, ``calls`` counts fits. ``measuring``: a reported evaluation is under
    way, outside of fits. ``trained`` holds the model of the last fit. ``saved`` is the state to
    fast-forward the first fit to, ``saved_files`` the folder of the files of that moment.
    """

    def __init__(self, session: Session, name: str, version: str, *, exact: bool) -> None:
        self.session = session
        self.name = name
        self.version = version
        self.active: Optional[Any] = None
        self.calls = 0
        self.epoch = 0
        self.measuring = False
        self.trained: List[Any] = []
        self.recording = session.plan.record and exact
        self._store = Store(session.attempt, session.files.snapshot)
        self._known = {"trainer": name, "version": version}
        self.saved: Optional[Dict[str, Any]] = None
        self.saved_files = ""
        if exact:
            self._read()

    def announce(self) -> None:
        """Say which framework trains. Said again at the first fit: others may have been imported since."""
        self.session.framework(self.name, self.version)

    def next_fit(self) -> Optional[Dict[str, Any]]:
        """Count a fit; return the state it is to be fast-forwarded to, or None."""
        self.calls += 1
        if self.calls > 1:
            self.recording = False
            return None
        self.announce()
        return self.saved

    def write(self, state: Dict[str, Any]) -> None:
        """Write a checkpoint after the epoch that just ended. A full disk is a warning."""
        if not self.recording or not self.session.mine:
            return
        try:
            fields = self._store.write(self.epoch, dict(state, epoch=self.epoch, **self._known))
            self.session.reporter.emit("checkpoint", **fields)
        except OSError as error:
            self.session.warn("checkpoint", "checkpoint %d was not written: %s" % (self.epoch, error))

    def finish_here(self) -> bool:
        """Whether training is to end with the epoch that has just begun, as things stand."""
        control = self.session.control
        control.read()
        return control.finish_at is not None and self.epoch + 1 >= control.finish_at

    def settle(self, *, rungs: bool) -> bool:
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

    def _read(self) -> None:
        for folder in self.session.plan.checkpoints:
            if wire.read_manifest(folder) is None:
                self.session.warn("checkpoint", "checkpoint %s is damaged" % os.path.basename(folder))
                continue
            state = _load(os.path.join(folder, _STATE))
            if state is None or state.get("trainer") != self.name:
                continue  # another framework's
            if state["version"] != self.version:
                self.session.warn(
                    "checkpoint", "checkpoint of %s %s is not used" % (self.name, state["version"])
                )
                continue
            self.saved, self.saved_files = state, os.path.join(folder, wire.CHECKPOINT_FILES)
            return


def _load(path: str) -> Optional[Dict[str, Any]]:
    try:
        with open(path, "rb") as stream:
            state = pickle.load(stream)
    except (OSError, pickle.UnpicklingError, ImportError, AttributeError, EOFError):
        return None
    return state if isinstance(state, dict) else None


_TRAINERS = {"lightning": "Lightning's Trainer", "hf": "Hugging Face's Trainer"}


class Reports:
    """The events of one fit: its announcement, its epochs, and what it ended with."""

    def __init__(self, training: Training) -> None:
        self._training = training
        self._call = training.calls
        self._began = time.monotonic()
        self._last: Metrics = {}
        self._total = 0
        self._facts: Dict[str, Optional[int]] = {}

    def fit(self, epochs: Optional[int], steps: Optional[int], why_not: str) -> None:
        """Report the fit: its epochs as the source says (None: no limit), its steps an epoch."""
        self._total = self._training.epoch + (epochs or 0)
        self._facts = {"call": self._call, "epochs": epochs, "steps": steps}
        self.rungs(why_not)

    def rungs(self, why_not: str) -> None:
        """Report the fit, or once more if it was found out later that, and why, it cannot be resumed."""
        training = self._training
        by = _TRAINERS.get(training.name, training.name)
        training.session.reporter.emit("fit", **self._facts, by=by, rungs=not why_not, why=why_not)

    def model(self, model: Any) -> None:
        """Remember the model; raises ``Refusal`` if it is larger than the plan allows.

        PyTorch's own hooks report its layers, when it is called for the first time.
        """
        self._training.trained[:] = [model]
        count = trainer_tensors.parameters(model)
        limit = self._training.session.plan.max_parameters
        if limit is not None and count > limit:
            raise Refusal("parameters", "the model has %d parameters, allowed are %d" % (count, limit))

    def epoch_begins(self) -> None:
        """Begin to count the epoch's seconds."""
        self._began = time.monotonic()

    def epoch_ends(self, metrics: Metrics, loss: Optional[float]) -> None:
        """Count and report an epoch. Raises ``Refusal`` if ``loss``, the mean training loss, is no number."""
        training = self._training
        training.epoch += 1
        self._last = metrics
        seconds = time.monotonic() - self._began
        training.session.epoch(training.epoch, max(self._total, training.epoch), seconds, metrics)
        if loss is not None and not math.isfinite(loss):
            raise Refusal("diverged", "the loss is %s after epoch %d" % (loss, training.epoch))

    def resumed(self, metrics: Metrics) -> None:
        """The fit goes on after an epoch that an earlier process reported with ``metrics``."""
        self._last = metrics

    @property
    def last(self) -> Metrics:
        """The metrics of the last epoch."""
        return self._last

    def ended(self, source: str) -> None:
        """Report what the fit ended with; ``source`` as the ``metric`` event has it."""
        for name, entry in self._last.items():
            self._training.session.metric(
                name, entry["value"], source, split=entry["split"], step=self._training.epoch
            )


def as_number(value: Any) -> Optional[float]:
    """Return ``value`` as a float if it is a single number."""
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        return None


def is_metric(name: str) -> bool:
    """Whether a logged number measures the model: rates, times and counters do not."""
    bare = name
    for prefix in ("eval_", "test_", "train_"):
        bare = bare[len(prefix) :] if bare.startswith(prefix) else bare
    return bare not in _NOT_METRICS and not name.startswith(("lr-", "lr/"))


def guarded_state(training: Training, make: Callable[[], Dict[str, Any]]) -> None:
    """Write what ``make`` returns as a checkpoint, unless none are written."""
    if training.recording and training.session.mine:
        training.write(make())
