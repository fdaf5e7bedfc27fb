"""The boosting of one script: its calls that train, round by round. A round is an epoch here.

A trial is resumed by training its rounds again from the first one, without reporting them. Continuing from
a saved booster would be quicker, but is exact for no library as soon as rows or columns are sampled: their
random generators are not in the model (docs/decisions/0004-exact-resume-in-boosting.md). That a repeated
training arrived at the same model is verified by a digest in the checkpoint.
"""

from __future__ import annotations

import hashlib
import sys
import threading
import time
from types import FrameType
from typing import Any, Callable, Dict, List, Optional

from pushtune_probe import keras_checkpoints as checkpoints
from pushtune_probe.boosting_names import is_share_of_errors, with_split
from pushtune_probe.boosting_sets import Sets
from pushtune_probe.control import FINISH
from pushtune_probe.data_roles import TEST
from pushtune_probe.session import Session

SEVERAL_FITS = "the script trains more than once"
NO_METRIC = "no evaluation set is given: nothing is measured after a round"
_BETWEEN_CHECKPOINTS = 20.0
"""Seconds. A checkpoint saves no training: it says which rounds were reported."""

_BETWEEN_QUESTIONS = 0.05
"""Seconds. A round may take less than a millisecond, and looking for orders is a call of the system."""

Values = Dict[str, Dict[str, Any]]
"""The metrics of one round as the ``epoch`` event has them: ``{name: {"value", "split"}}``."""


class Training:
    """What the training calls of one library share. ``active`` is the call under way, or None."""

    def __init__(self, session: Session, framework: str, version: str, folder: str) -> None:
        self.session = session
        self.framework = framework
        self.active: Optional["Fit"] = None
        self.calls = 0
        self.epoch = 0
        self.last_booster: Any = None
        self.sets = Sets(session)
        self._folder = folder
        self._known = {"framework": framework, "version": version}
        self._store = checkpoints.Store(session.attempt, lambda folder: None)
        self._written = time.monotonic()
        self.resumed: Optional[checkpoints.Saved] = self._read()

    def _read(self) -> Optional[checkpoints.Saved]:
        refused: List[str] = []
        saved = checkpoints.read_newest(self.session.plan.checkpoints, self._known, refused)
        if saved is None and refused:
            text = "damaged, or of another version of %s" % self.framework
            self.session.warn("checkpoint", "no checkpoint can be used: %s" % text)
        return saved

    def on_behalf_of_script(self) -> bool:
        """Whether the library was called from the script's own files, through none but its own functions."""
        frame: Optional[FrameType] = sys._getframe(2)
        while frame is not None and self._is_ours(frame.f_code.co_filename):
            frame = frame.f_back
        return frame is not None and self.session.callsite.is_own(frame.f_code.co_filename)

    def _is_ours(self, filename: str) -> bool:
        return filename.startswith((self._folder, _PROBE))

    def free(self) -> bool:
        """Whether a training call may be watched: no other one is under way, and this process reports."""
        return self.session.mine and self.active is None and threading.current_thread() is _MAIN

    def begin(self, source: str, rounds: int, measured: bool) -> "Fit":
        """A training call of ``rounds`` rounds begins; ``measured`` says whether there are metrics."""
        self.calls += 1
        if self.session.resume is None:  # another library may have trained before
            self.epoch = max(self.epoch, self.session.epochs)
        why = SEVERAL_FITS if self.calls > 1 else "" if measured else NO_METRIC
        self.active = Fit(self, source, self.epoch, rounds, why)
        self.session.reporter.emit(
            "fit", call=self.calls, by=source, epochs=rounds, steps=None, rungs=not why, why=why
        )
        return self.active

    def checkpoint(self, digest: Callable[[], str], due: bool) -> None:
        """Write down how far training is, if that is ``due`` or the last time is long ago."""
        session = self.session
        late = time.monotonic() - self._written > _BETWEEN_CHECKPOINTS
        if not session.plan.record or not session.mine or not (due or late):
            return
        state = dict(self._known, epoch=self.epoch, digest=session.guarded(digest))
        try:
            session.reporter.emit("checkpoint", **self._store.write(self.epoch, state))
        except OSError as error:
            session.warn("checkpoint", "checkpoint %d was not written: %s" % (self.epoch, error))
        self._written = time.monotonic()


class Fit:
    """One training call under way.

    ``finish`` is the round (from 1) that it ends with, where an order ended it. ``owner`` and ``splits`` are
    the library's: what tells it of rounds, and the split of each evaluation set by name.
    """

    def __init__(self, shared: Training, source: str, start: int, rounds: int, why_not: str) -> None:
        self.finish: Optional[int] = None
        self.owner: Any = None
        self.splits: Dict[str, str] = {}
        self._shared = shared
        self._source = source
        self._start = start
        self._rounds = rounds
        self._why_not = why_not
        self._began = time.monotonic()
        self._asked = 0.0
        self._history: List[Values] = []

    def round_begins(self) -> None:
        """A round is about to be trained."""
        self._began = time.monotonic()

    def round_ended(self, values: Values, model_bytes: Callable[[], bytes]) -> bool:
        """Report a round; pause if asked to. Return whether training is to end with this round.

        ``model_bytes`` gives the model as it is now; it is called only where a checkpoint is written.
        """
        shared, session = self._shared, self._shared.session
        seconds = time.monotonic() - self._began
        self._history.append(values)
        shared.epoch = self._start + len(self._history)
        resumed = shared.resumed.epoch if shared.resumed else 0
        if shared.epoch > resumed:
            session.epoch(shared.epoch, self._start + self._rounds, seconds, values)
        elif shared.epoch == resumed:
            session.guarded(lambda: self._verify(model_bytes))
        if shared.epoch >= resumed and self._may_have_to_stop():
            due = not self._why_not and session.control.will_stop_at(shared.epoch)
            shared.checkpoint(lambda: self._digest(model_bytes), due)
            if self._settle():
                self.finish = len(self._history)
        self.round_begins()
        return self.finish is not None

    def _may_have_to_stop(self) -> bool:
        """Whether it is time to look for orders: at a limit that is known, and now and then for new ones."""
        control, now = self._shared.session.control, time.monotonic()
        limits = (control.pause_at, control.finish_at)
        if now - self._asked < _BETWEEN_QUESTIONS:
            return any(limit is not None and self._shared.epoch >= limit for limit in limits)
        self._asked = now
        return True

    def ended(self, best_round: Optional[int]) -> None:
        """Report what the training came to: the values of ``best_round`` (from 1), or of the last one."""
        if not self._history:
            return
        chosen = best_round if best_round and best_round <= len(self._history) else len(self._history)
        for name, entry in self._history[chosen - 1].items():
            self._shared.session.metric(
                name,
                entry["value"],
                self._source,
                split=entry["split"],
                step=self._start + chosen,
                seen_by_fit=entry["split"] == TEST,
            )

    def _settle(self) -> bool:
        shared, control = self._shared, self._shared.session.control
        if self._why_not:
            control.read()
            finish = control.finish_at is not None and shared.epoch >= control.finish_at
        else:
            finish = control.obey(shared.epoch) == FINISH
        if finish:
            shared.session.stopped_at = shared.epoch
        return finish

    def _digest(self, model_bytes: Callable[[], bytes]) -> str:
        digest = hashlib.blake2b(repr(self._history).encode(), digest_size=16)
        digest.update(model_bytes())
        return digest.hexdigest()

    def _verify(self, model_bytes: Callable[[], bytes]) -> None:
        assert self._shared.resumed is not None
        known = self._shared.resumed.state.get("digest")
        if known is not None and known != self._digest(model_bytes):
            self._shared.session.warn(
                "not-reproducible",
                "trained again up to round %d, the model is another one: the script's training depends on "
                "more than its seed" % self._shared.epoch,
            )


def round_values(found: Dict[str, Dict[str, float]], splits: Dict[str, str], *, last: bool) -> Values:
    """Return ``{set: {metric: value}}`` as the ``epoch`` event has it.

    Of several sets of one split the ``last`` counts, or else the first: the one that the library itself
    stops early by. A share of errors is told as accuracy too, which most scripts end with.
    """
    values: Values = {}
    for data, metrics in found.items():
        split = splits.get(data, "unknown")
        told = [(name, float(value)) for name, value in metrics.items()]
        told += [("accuracy", 1.0 - value) for name, value in told if is_share_of_errors(name, value)]
        for name, value in told:
            key = with_split(name, split)
            if last or key not in values:
                values[key] = {"value": value, "split": split}
    return values


def arguments_of(names: List[str], args: Any, kwargs: Dict[str, Any]) -> Dict[str, Any]:
    """Return a call's arguments by name; ``names`` are the function's parameters in order."""
    return {**dict(zip(names, args)), **kwargs}  # noqa: B905 - Python 3.9 has no strict


_PROBE = __file__.rpartition("boosting_training")[0]
_MAIN = threading.main_thread()
