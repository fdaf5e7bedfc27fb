"""One run of an epoch loop: what happens before its first epoch, after each, and when it is left."""

import operator
import sys
import time
from typing import Any, Dict, Iterator, List, Optional

from pushtune_probe import keras_files, loop_checkpoints, loop_metrics
from pushtune_probe.control import FINISH
from pushtune_probe.loop_kinds import Differences, UnsaveableError
from pushtune_probe.loop_metrics import EpochValues, Value
from pushtune_probe.loop_reach import TooMuchError
from pushtune_probe.loop_state import LoopFrame, LoopState, put_random_back, random_states
from pushtune_probe.session import Refusal, Session

EACH = 20
"""Epochs after each of which a checkpoint is written, however short they are."""

SHARE = 4
"""After those: a checkpoint is written once that many times its own time has gone into training."""


class Silent:
    """A run that nobody watches: in a child process, in another thread, within a loop that is watched."""

    def __init__(self, iterable: Any) -> None:
        self._iterable = iterable

    def items(self) -> Any:
        """Return what the loop goes through."""
        return self._iterable

    def may_go_on(self) -> bool:
        """Return that it may."""
        return True

    def epoch_begins(self) -> None:
        """Do nothing."""

    def left(self) -> None:
        """Do nothing."""


class Run:
    """A loop under way. ``call`` numbers it among the trainings; ``why_not``: why it gets one rung only."""

    def __init__(self, session: Session, call: int, why_not: str, iterable: Any) -> None:
        self._session = session
        self._call = call
        self._why_not = why_not
        self._iterable = iterable
        self._iterator: Any = iter(()) if iterable is None else iter(iterable)
        self._total = _length(iterable)
        self._recording = session.plan.record and not why_not
        self._store = loop_checkpoints.store(session)
        self._state: Optional[LoopState] = None
        self._index = 0
        self._before = session.epochs
        self._done = 0
        self._finished = False
        self._passive = False
        self._running = False
        self._began = 0.0
        self._steps = 0
        self._trainings = 0
        self._last: List[Value] = []
        self._cost = 0.0
        self._since = 0.0
        self._error: Any = None

    # Before the first epoch --------------------------------------------------------------------------

    def begin(self, where: LoopFrame, index: int, saved: Optional[Dict[str, Any]]) -> Optional[Differences]:
        """Look at what the loop can reach; put back ``saved`` and return the names that are to be bound."""
        self._error = sys.exc_info()[1]
        self._index = index
        if self._recording or saved is not None:
            self._look(where)
        self._report_fit(None)
        if saved is None:
            return None
        found = self._go_on_from(saved)
        self._settle()
        return found

    def _look(self, where: LoopFrame) -> None:
        apart = (self._iterable, self._iterator, self._session)
        try:
            self._state = LoopState(self._session.callsite, where, apart)
        except TooMuchError as error:
            self._give_up(str(error))
        except Exception as error:  # the boundary to foreign types: looking at one must not end the script
            self._give_up("%s: %s" % (type(error).__name__, error))

    def _go_on_from(self, saved: Dict[str, Any]) -> Differences:
        if saved["loop"] != self._index or self._state is None:
            raise Refusal("error", "the checkpoint belongs to another loop of the script")
        for _ in range(saved["done"]):
            next(self._iterator, None)
        keras_files.restore(loop_checkpoints.files(self._session), self._session.files.root, self._holders())
        try:
            found = self._state.restore(saved["state"])
        except Exception as error:  # as above; what is half put back must not be trained on
            raise Refusal("error", "the checkpoint cannot be put back: %s" % error) from error
        self._before, self._done = 0, saved["done"]
        put_random_back(saved["random"])
        return found

    def _holders(self) -> List[Any]:
        holder = _Holder()
        for number, stream in enumerate(self._state.files() if self._state else ()):
            setattr(holder, "file_%d" % number, stream)
        return [holder]

    # The epochs --------------------------------------------------------------------------------------

    def items(self) -> Iterator[Any]:
        """Return what a ``for`` loop goes through: the script's own items, and us between them."""
        return _Items(self)

    def next_item(self) -> Any:
        """End the epoch before, and begin the next; ``StopIteration`` if there is none."""
        if not self.may_go_on():
            self._iterator = iter(())
        item = next(self._iterator)
        self.epoch_begins()
        return item

    def may_go_on(self) -> bool:
        """End the epoch under way, if there is one; return whether training may go on after it."""
        if self._running and not self._passive:
            self._epoch_ends()
        self._running = False
        return not self._finished

    def epoch_begins(self) -> None:
        """Begin an epoch."""
        self._running = True
        if self._passive:
            return
        self._began = time.monotonic()
        self._steps = self._session.steps
        self._trainings = self._session.reporter.trainings
        self._session.epoch_values = EpochValues()

    def left(self) -> None:
        """The loop has ended: by itself, or by ``break``, ``return`` or an error within an epoch."""
        error = sys.exc_info()[1]
        failed = error is not None and error is not self._error
        if self._running and not failed and not self._passive and self._has_trained():
            self._report_epoch(time.monotonic() - self._began)
        self._session.epoch_values = None
        for value in () if failed or self._passive else self._last:
            self._tell(value)

    def _has_trained(self) -> bool:
        """Whether the epoch that ``break`` ended was one: a condition at the top of the loop may end it."""
        values = self._session.epoch_values
        return self._session.steps > self._steps or (values is not None and values.any)

    def _epoch_ends(self) -> None:
        seconds = time.monotonic() - self._began
        if self._session.reporter.trainings != self._trainings:
            self._step_back()
            return
        self._report_epoch(seconds)
        self._refuse_divergence()
        state = self._capture() if self._recording and self._is_due() else None
        if self._done == 1:
            self._report_fit(self._session.steps - self._steps or None)
        if state is not None:
            self._write(state)
        self._settle()

    def _report_epoch(self, seconds: float) -> None:
        self._done += 1
        self._since += seconds
        values = self._session.epoch_values
        self._last = values.take() if values is not None else []
        self._session.epoch_values = None
        total = None if self._total is None else self._before + self._total
        metrics = loop_metrics.as_event(self._last)
        self._session.epoch(self._epoch, total, seconds, metrics, printed=True)

    @property
    def _epoch(self) -> int:
        """The number of finished epochs over the whole trial."""
        return self._before + self._done

    def _step_back(self) -> None:
        """A framework reports the epochs: what was printed so far is reported as elsewhere."""
        self._passive = True
        values, self._session.epoch_values = self._session.epoch_values, None
        for value in values.take() if values is not None else ():
            self._tell(value)

    def _tell(self, value: Value) -> None:
        if value.source.startswith(("stdout:", "stderr:")):
            self._session.metric(
                value.name,
                value.value,
                value.source,
                split=value.split,
                step=self._epoch or None,
                line=value.line,
                text=value.text,
            )

    def _refuse_divergence(self) -> None:
        bad = loop_metrics.not_finite(self._last)
        if bad is not None:
            raise Refusal("diverged", "the loss is %s after epoch %d" % (bad.value, self._epoch))
        for check in self._session.checks:
            why = check()
            if why:
                raise Refusal("diverged", "%s after epoch %d" % (why, self._epoch))

    # Checkpoints -------------------------------------------------------------------------------------

    def _is_due(self) -> bool:
        if self._done <= EACH or self._session.control.will_stop_at(self._epoch):
            return True
        return self._since > SHARE * self._cost

    def _capture(self) -> Optional[Dict[str, Any]]:
        began = time.monotonic()
        assert self._state is not None
        try:
            state = self._state.capture()
        except UnsaveableError as error:
            self._give_up(str(error))
            return None
        except Exception as error:  # as above
            self._give_up("%s: %s" % (type(error).__name__, error))
            return None
        self._cost = time.monotonic() - began
        return {
            "loop": self._index,
            "done": self._done,
            "state": state,
            "random": random_states(),
        }

    def _write(self, state: Dict[str, Any]) -> None:
        began = time.monotonic()
        try:
            self._session.reporter.emit("checkpoint", **self._store.write(self._epoch, state))
        except OSError as error:
            self._session.warn("checkpoint", "checkpoint %d was not written: %s" % (self._epoch, error))
        self._cost += time.monotonic() - began
        self._since = 0.0

    def _give_up(self, why: str) -> None:
        """Train in one piece from here on, and say why."""
        self._recording = False
        self._why_not = why
        self._session.warn("one-piece", "the loop is not paused and not resumed: " + why)
        if self._done != 1:
            self._report_fit(None)

    def _settle(self) -> None:
        control = self._session.control
        if not self._why_not:
            self._finished = control.obey(self._epoch) == FINISH
        else:
            control.read()
            self._finished = control.finish_at is not None and self._epoch >= control.finish_at
        if self._finished:
            self._session.stopped_at = self._epoch

    def _report_fit(self, steps: Optional[int]) -> None:
        self._session.reporter.emit(
            "fit",
            call=self._call,
            by="the training loop",
            epochs=self._total,
            steps=steps,
            rungs=not self._why_not,
            why=self._why_not,
        )


class _Holder:
    """Has the script's open files as attributes, as ``keras_files`` looks for them."""


class _Items:
    """The iterator of a ``for`` loop."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return self._run.next_item()


def _length(iterable: Any) -> Optional[int]:
    """Return how many items there are, None where it does not say."""
    try:
        length = operator.length_hint(iterable, -1) if iterable is not None else -1
        return length if length >= 0 else None
    except Exception:  # the boundary to the script's own classes
        return None
