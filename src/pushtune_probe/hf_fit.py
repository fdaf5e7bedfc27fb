"""One call of ``Trainer.train``: reports its epochs, checkpoints each, resumes what a process before began.

The trainer's own way to resume (``resume_from_checkpoint``) brings back weights, optimizer, schedule, its
state and the generators, but no callback without an exportable state, no attribute of the script's own, and
not the loss summed up since the last log. Here the new process runs the script up to the first epoch and
passes over the finished ones; after the last of them everything is put back as it was.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from pushtune_probe import hf_state, keras_files, trainer_tensors
from pushtune_probe.trainer_plain import PlainState
from pushtune_probe.trainer_training import (
    GROWING,
    SEVERAL_FITS,
    Metrics,
    Reports,
    Training,
    as_number,
    guarded_state,
    is_metric,
)


class Fit:
    """A training under way. ``evaluated`` receives what is measured during an epoch."""

    def __init__(self, training: Training, trainer: Any, why_not: str) -> None:
        self.trainer = trainer
        self.evaluated: Dict[str, Any] = {}
        self._training = training
        self._saved = training.next_fit()
        self._why_not = why_not or (SEVERAL_FITS if training.calls > 1 else "")
        self._reports = Reports(training)
        self._plain: Optional[PlainState] = None
        self._begun = False
        self._done = 0
        self._summed = 0.0
        self._steps_before = 0
        self._limits = (0, 0)
        self._limited = False
        self._parts: Dict[str, str] = {}
        self._muted: List[Any] = []

    def epoch_begins(self, index: int, loader: Any, steps: Optional[int]) -> bool:
        """Epoch ``index`` (from 0) is about to begin; return whether it is to be trained at all."""
        if not self._begun:
            self._begin(loader, steps)
        if self._saved is not None:
            self._pass_over(index, self._saved)
            return False
        self._reports.epoch_begins()
        self.evaluated.clear()
        self._summed, self._steps_before = self._loss_so_far(), self.trainer.state.global_step
        if self._training.finish_here() and steps:
            self._stop_after(steps)
        return True

    def epoch_ends(self) -> None:
        """Report, checkpoint, pause: after the epoch's evaluation, its saving, and every callback."""
        loss = self._epoch_loss()
        self._done += 1
        self._reports.epoch_ends(self._metrics(loss), loss)
        self._look_for_growth()
        if self._plain is not None:
            guarded_state(self._training, self._state)
        self._settle()

    def ended(self) -> None:
        """``train`` has returned: report what it ended with."""
        self._reports.ended("hf.train")

    def _begin(self, loader: Any, steps: Optional[int]) -> None:
        self._begun = True
        training, trainer = self._training, self.trainer
        self._limits = (trainer.state.max_steps, trainer.state.num_train_epochs)
        self._why_not = self._why_not or hf_state.why_not(trainer, loader)
        training.session.data.fitted(trainer.train_dataset)
        self._reports.fit(trainer.state.num_train_epochs or None, steps, self._why_not)
        self._reports.model(trainer.model)
        if self._why_not:
            training.recording = False
            self._saved = None
        elif training.recording or self._saved is not None:
            self._parts = trainer_tensors.parts(trainer.model)
            shared = trainer_tensors.shared_with(trainer.model)
            root = training.session.files.root
            self._plain = PlainState(hf_state.holders(trainer, loader), shared, hf_state.NOT_STATE, root)
        if self._saved is not None:
            # The callbacks have been told of the epochs that are passed over: they are not told again.
            self._muted, trainer.callback_handler.callbacks = trainer.callback_handler.callbacks, []

    def _look_for_growth(self) -> None:
        if self._plain is not None and trainer_tensors.parts(self.trainer.model) != self._parts:
            self._why_not, self._plain = GROWING, None
            self._training.recording = False
            self._reports.rungs(GROWING)

    def _pass_over(self, index: int, saved: Dict[str, Any]) -> None:
        if index + 1 < saved["done"]:
            return
        training, trainer = self._training, self.trainer
        self._saved, training.saved = None, None
        trainer.callback_handler.callbacks = self._muted
        keras_files.restore(training.saved_files, training.session.files.root, self._muted)
        hf_state.restore(trainer, saved["training"])
        assert self._plain is not None
        for name in self._plain.restore(saved["plain"]):
            training.session.warn("lost-state", "%s is gone: a resumed trial may differ" % name)
        # An order that ended the training then is not one that ends it now.
        trainer.state.max_steps, trainer.state.num_train_epochs = self._limits
        if saved["limited"]:
            trainer.control.should_training_stop = False
        training.epoch, self._done = saved["epoch"], saved["done"]
        self._reports.resumed(saved["metrics"])
        trainer_tensors.restore_random(saved["random"])
        self._settle()

    def _state(self) -> Dict[str, Any]:
        assert self._plain is not None
        keras_files.flush(self.trainer.callback_handler.callbacks)
        return {
            "done": self._done,
            "limited": self._limited,
            "metrics": self._reports.last,
            "training": hf_state.capture(self.trainer),
            "plain": self._plain.capture(),
            "random": trainer_tensors.capture_random(),
        }

    def _settle(self) -> None:
        if self._training.settle(rungs=not self._why_not):
            self.trainer.control.should_training_stop = True

    def _stop_after(self, steps: int) -> None:
        """The epoch that begins is to be the last: have the trainer and the callbacks know it."""
        state = self.trainer.state
        self._limited = state.global_step + steps < state.max_steps
        state.max_steps = min(state.max_steps, state.global_step + steps)
        state.num_train_epochs = min(state.num_train_epochs, self._done + 1)

    def _metrics(self, loss: Optional[float]) -> Metrics:
        found: Metrics = {}
        for name, value in self.evaluated.items():
            number = as_number(value)
            if number is not None and is_metric(name):
                found[name] = {"value": number, "split": "validation"}
        if loss is not None:
            found["loss"] = {"value": loss, "split": "train"}
        return found

    def _loss_so_far(self) -> float:
        held = as_number(getattr(self.trainer, "_tr_loss", None))
        summed = as_number(getattr(self.trainer, "_total_loss_scalar", None))
        return float("nan") if held is None or summed is None else held + summed

    def _epoch_loss(self) -> Optional[float]:
        """Return the mean loss of the epoch's steps; None where the trainer does not tell its sum."""
        if not hasattr(self.trainer, "_tr_loss") or not hasattr(self.trainer, "_total_loss_scalar"):
            return None
        steps = self.trainer.state.global_step - self._steps_before
        return (self._loss_so_far() - self._summed) / steps if steps else None
