"""One call of ``fit``: reports its epochs, checkpoints each, and resumes a call that an earlier
process began or finished.

The order of events is Keras's: ``callbacks_ready`` after every callback's ``on_train_begin``,
``epoch_begins`` and ``epoch_ends`` after every callback's own, History included.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional, Set

from pushtune_probe import keras_callbacks as callback_state
from pushtune_probe import keras_files
from pushtune_probe import keras_random as random_state
from pushtune_probe import keras_state as model_state
from pushtune_probe import keras_training as training
from pushtune_probe.keras_data import Feed
from pushtune_probe.keras_hidden import hidden_state
from pushtune_probe.keras_replay import Replay, ReplayTooDearError

State = Dict[str, Any]


class Fit:
    """A fit under way. ``saved`` is the state to fast-forward to, or None for a new one.

    A saved state is that of an epoch's end or, with ``"ended"``, that after ``on_train_end``.
    """

    def __init__(self, shared: training.Training, model: Any, feed: Feed, saved: Optional[State]) -> None:
        self.list: Any = None
        self._shared = shared
        self._model = model
        self._feed = feed
        self._saved = saved
        self._call = shared.calls
        self._done = 0
        self._logs: Dict[str, Any] = {}
        self._static: Set[int] = set()
        self._starts: List[random_state.RandomStates] = []
        self._latest: random_state.RandomStates = {}
        self._muted: List[Any] = []
        self._replay: Optional[Replay] = None
        self._clock = training.Clock()
        self._described = False
        self._stopped_by_us = False
        self._why_not = feed.why_not or shared.why_not()

    def run(self, train: Callable[..., Any]) -> Any:
        """Call ``train(**changed arguments)``, Keras's own ``fit``, and return its History."""
        if self._saved is not None:
            self._replay = Replay(self._model, self._shared.budget, self._brief)
            self._replay.begin()
        try:
            history = train()
        except ReplayTooDearError:
            history = train(**self._without_replay())
        self._ended()
        return history

    # Keras's events ------------------------------------------------------------------------------

    def callbacks_ready(self, callbacks: Any) -> None:
        """Training is about to begin; ``callbacks`` is Keras's list, all of them told."""
        self.list = callbacks
        self._static = callback_state.given(callbacks.callbacks)
        self._report_fit()
        self._describe()
        if self._replay is not None:
            # A callback of the script's own that restores backups must not skip what is replayed.
            self._model._initial_epoch = None
            self._muted, callbacks.callbacks = callbacks.callbacks, []
        elif self._saved is not None and not self._saved["ended"]:
            self._catch_up({})

    def epoch_begins(self, index: int) -> None:
        """Keep the random states (replaying: put them back), as callbacks may have drawn since."""
        if self._replay is not None and self._saved is not None:
            self._replayed_epoch_begins(self._saved["starts"])
            return
        if not self._feed.persistent:
            now = random_state.capture()
            self._starts.append(
                {name: state for name, state in now.items() if self._latest.get(name) != state}
            )
            self._latest = now
        self._clock.start()

    def batch_ended(self) -> None:
        """A batch was trained on: the model is built now, if it was not before."""
        if not self._described:
            self._describe()

    def epoch_ends(self, logs: Optional[Dict[str, Any]]) -> None:
        """Report, checkpoint, pause; or count a replayed epoch. ``logs`` is changed to the epoch's own."""
        if self._replay is not None and self._saved is not None:
            self._replayed_epoch_ends(self._saved, logs if logs is not None else {})
        else:
            self._live_epoch_ends(dict(logs or {}))

    # Live ----------------------------------------------------------------------------------------

    def _live_epoch_ends(self, logs: Dict[str, Any]) -> None:
        shared = self._shared
        seconds = self._clock.stop()
        self._done += 1
        self._logs = {name: value for name, value in logs.items() if training.as_number(value) is not None}
        shared.epoch += 1
        shared.seconds += seconds
        total = shared.epoch - self._done + self._feed.total
        shared.session.epoch(shared.epoch, total, seconds, training.epoch_metrics(self._logs))
        training.refuse_divergence(self._logs, shared.epoch)
        if self._done == 1:
            self._look_for_hidden_state()
        if shared.recording:
            shared.write(self._state())
        self._settle()

    def _look_for_hidden_state(self) -> None:
        operations = hidden_state(self._model.train_function)
        if operations and not self._why_not:
            self._why_not = "training draws from %s, whose state cannot be saved" % ", ".join(operations)
            self._shared.session.warn("hidden-random-state", "a resumed trial is not exact: " + self._why_not)
            self._report_fit()

    def _settle(self) -> None:
        if self._shared.settle(rungs=not self._why_not):
            self._stop()

    def _stop(self) -> None:
        """End training as though the source said so: the script finds no trace of it afterwards."""
        if not self._model.stop_training:
            self._model.stop_training = self._stopped_by_us = True

    def _report_fit(self) -> None:
        self._shared.session.reporter.emit(
            "fit",
            call=self._call,
            by="keras.fit",
            epochs=self._feed.epochs,
            steps=(getattr(self.list, "params", None) or {}).get("steps"),
            rungs=not self._why_not,
            why=self._why_not,
        )

    def _describe(self) -> None:
        count = model_state.parameters(self._model)
        if count:
            self._described = True
            layers = model_state.layers(self._model)
            self._shared.session.reporter.emit("model", parameters=count, layers=layers)
            self._shared.refuse_large(count)

    # Fast-forwarding -----------------------------------------------------------------------------

    @property
    def _brief(self) -> bool:
        """Whether feeding one batch is enough: the saved fit is complete, its data nobody else's."""
        return bool(self._saved and self._saved["complete"]) and self._feed.private

    def _replayed_epoch_begins(self, starts: List[random_state.RandomStates]) -> None:
        if self._done == 0:
            self._latest = random_state.capture()
        elif not self._feed.persistent and self._done < len(starts):
            merged = _merged(starts[: self._done + 1])
            random_state.restore(merged)

    def _replayed_epoch_ends(self, saved: State, logs: Dict[str, Any]) -> None:
        self._done += 1
        reached = self._brief or self._done >= saved["done"]
        if not reached:
            self._model.stop_training = False
        elif saved["ended"]:
            self._model.stop_training = True  # and the callbacks stay mute: they were told of the end
        else:
            self._catch_up(logs)

    def _catch_up(self, logs: Dict[str, Any]) -> None:
        """The saved epoch is reached: put everything back as it was at its end, and train on."""
        complete = self._saved is not None and self._saved["complete"]
        self._put_back()
        logs.clear()
        logs.update(self._logs)
        if complete:
            self._stop()
        self._settle()

    def _put_back(self) -> None:
        saved, self._saved = self._saved, None
        assert saved is not None
        self._end_replay()
        self._restore_files(saved["ended"])
        model_state.restore(self._model, saved["model"])
        for name in callback_state.restore(self.list.callbacks, saved["callbacks"]):
            self._shared.session.warn("callback-state", "the callback %s is gone" % name)
        self._restore_random(saved["random"], saved["complete"])
        self._starts, self._done, self._logs = saved["starts"], saved["done"], saved["logs"]
        self._latest = _merged(self._starts)
        self._model.stop_training = saved["stop_training"]
        self._shared.epoch, self._shared.seconds = saved["epoch"], saved["seconds"]

    def _end_replay(self) -> None:
        if self._replay is not None:
            self._replay.end()
            self._replay = None
            self.list.callbacks = self._muted

    def _restore_files(self, ended: bool) -> None:
        if self._shared.saved is not None:
            folder = self._shared.saved.files(self._call if ended else None)
            keras_files.restore(folder, self._shared.session.files.root, self.list.callbacks)

    def _restore_random(self, states: Mapping[str, bytes], complete: bool) -> None:
        if self._feed.persistent:
            now = random_state.capture_quiet()
            if not complete:
                # One iterator serves all epochs and reads ahead: where feeding it moved a generator, that
                # generator is where the data needs it, and the saved state lies some batches further on.
                fed = {name for name in states if now.get(name) != self._latest.get(name)}
                states = {name: state for name, state in states.items() if name not in fed}
                self._shared.read_ahead = bool(fed)
        random_state.restore(states)

    def _without_replay(self) -> Dict[str, Any]:
        """The data takes too long to feed: return the arguments with which ``fit`` goes on without it."""
        assert self._saved is not None
        self._end_replay()
        self.list = None
        self._shared.session.warn(
            "data-order",
            "feeding the data of finished epochs again takes longer than a tenth of their training: "
            "training goes on with the data in another order",
        )
        first = self._feed.initial_epoch + self._saved["done"]
        return {"initial_epoch": first, "epochs": first if self._saved["complete"] else self._feed.epochs}

    # The end -------------------------------------------------------------------------------------

    def _ended(self) -> None:
        if self._saved is not None:
            if not self._saved["ended"]:
                raise model_state.StateMismatchError(
                    "the script's fit ended before the epoch of the checkpoint"
                )
            self._put_back()
        elif self._shared.recording:
            if self._feed.persistent:
                random_state.capture_quiet()
            self._shared.keep_fit(dict(self._state(), ended=True, complete=True))
        if self._stopped_by_us:
            self._model.stop_training = False
        for name, entry in training.epoch_metrics(self._logs).items():
            self._shared.session.metric(
                name, entry["value"], "keras.fit", split=entry["split"], step=self._shared.epoch
            )

    def _state(self) -> State:
        keras_files.flush(self.list.callbacks)
        return {
            "ended": False,
            "complete": bool(self._model.stop_training) or self._done >= self._feed.total,
            "done": self._done,
            "epoch": self._shared.epoch,
            "seconds": self._shared.seconds,
            "logs": self._logs,
            "stop_training": bool(self._model.stop_training),
            "model": model_state.capture(self._model),
            "callbacks": callback_state.capture(self.list.callbacks, self._static),
            "random": random_state.capture(),
            "starts": self._starts,
        }


def _merged(starts: List[random_state.RandomStates]) -> random_state.RandomStates:
    merged: random_state.RandomStates = {}
    for states in starts:
        merged.update(states)
    return merged
