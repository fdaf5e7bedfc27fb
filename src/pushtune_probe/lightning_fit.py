"""One call of Lightning's ``fit``: reports its epochs, checkpoints each, resumes what a process before began.

Lightning's own way to resume (``fit(ckpt_path=…)``) brings back weights, optimizers, loops, and the
callbacks that have a ``state_dict``, but no generator, no attribute of the script's own, and no logger; it
restarts its loops on a path of their own. Here the new process runs the script up to the point where the
loop would begin with the first epoch; there everything is put back as it was after the last one.
"""

from __future__ import annotations

import math
from typing import Any, Dict, List, Optional

from pushtune_probe import keras_files, lightning_metrics, lightning_state, trainer_tensors
from pushtune_probe.trainer_plain import PlainState
from pushtune_probe.trainer_training import GROWING, SEVERAL_FITS, Reports, Training, as_number, guarded_state


class Fit:
    """A fit under way. ``live``: its own loop runs, after all that Lightning tries out before."""

    def __init__(self, training: Training, trainer: Any, why_not: str) -> None:
        self.trainer = trainer
        self.live = False
        self._training = training
        self._why_not = why_not
        self._reports: Optional[Reports] = None
        self._saved: Optional[Dict[str, Any]] = None
        self._plain: Optional[PlainState] = None
        self._loss: List[Any] = []
        self._first = 0
        self._parts: Dict[str, str] = {}

    @property
    def _module(self) -> Any:
        return self.trainer.lightning_module

    def stage_begins(self) -> None:
        """The trainer is about to train; nothing of it has happened."""
        self.live = True
        self._saved = self._training.next_fit()
        self._reports = Reports(self._training)

    def begins(self) -> None:
        """The loop is about to enter its first epoch, every callback told of the start."""
        loop, training, reports = self.trainer.fit_loop, self._training, self._reports
        assert reports is not None
        self._first = training.epoch - loop.epoch_progress.current.processed
        if training.calls > 1:
            self._why_not = SEVERAL_FITS
        self._why_not = self._why_not or lightning_state.why_not(self.trainer)
        lightning_state.tell_roles(self.trainer, training.session)
        self._report(reports)
        reports.model(self._module)
        if self._why_not:
            training.recording = False
        elif training.recording or self._saved is not None:
            self._parts = trainer_tensors.parts(self._module)
            shared = trainer_tensors.shared_with(self._module)
            root = training.session.files.root
            holders = lightning_state.holders(self.trainer)
            self._plain = PlainState(holders, shared, lightning_state.NOT_STATE, root)
        if self._saved is not None and self._plain is not None:
            self._put_back(self._saved, self._plain, reports)

    def epoch_begins(self) -> None:
        """An epoch is about to begin: if it is to be the last, Lightning and the callbacks know it."""
        assert self._reports is not None
        self._reports.epoch_begins()
        self._loss.clear()
        if self._training.finish_here():
            self._stop_after(self._training.epoch + 1)

    def add_loss(self, loss: Any) -> None:
        """A step was made with this loss, a tensor."""
        self._loss.append(loss.detach())

    def epoch_ends(self) -> None:
        """Report, checkpoint, pause: after all that Lightning does at an epoch's end."""
        reports = self._reports
        assert reports is not None
        loss = self._mean_loss()
        reports.epoch_ends(lightning_metrics.of_epoch(self.trainer, loss), loss)
        self._look_for_growth(reports)
        if self._plain is not None:
            guarded_state(self._training, self._state)
        self._settle()

    def ended(self) -> None:
        """``fit`` has returned: report what it ended with."""
        if self._reports is not None:
            self._reports.ended("lightning.fit")

    def _look_for_growth(self, reports: Reports) -> None:
        if self._plain is not None and trainer_tensors.parts(self._module) != self._parts:
            self._why_not, self._plain = GROWING, None
            self._training.recording = False
            reports.rungs(GROWING)

    def _report(self, reports: Reports) -> None:
        loop = self.trainer.fit_loop
        batches = self.trainer.num_training_batches
        steps = None
        if math.isfinite(batches):
            steps = math.ceil(batches / max(1, self.trainer.accumulate_grad_batches))
        limits = [loop.max_epochs] if loop.max_epochs not in (None, -1) else []
        if loop.max_steps not in (None, -1) and steps:
            limits.append(math.ceil(loop.max_steps / steps))
        epochs = min(limits) - loop.epoch_progress.current.processed if limits else None
        reports.fit(epochs, steps, self._why_not)

    def _mean_loss(self) -> Optional[float]:
        numbers = [number for number in map(as_number, self._loss) if number is not None]
        return math.fsum(numbers) / len(numbers) if numbers else None

    def _settle(self) -> None:
        if self._training.settle(rungs=not self._why_not):
            self._stop_after(self._training.epoch)

    def _stop_after(self, epoch: int) -> None:
        """Have Lightning stop after ``epoch`` (of the trial) as though ``max_epochs`` said so."""
        loop = self.trainer.fit_loop
        last = epoch - self._first
        if loop.max_epochs in (None, -1) or last < loop.max_epochs:
            loop.max_epochs = last

    def _state(self) -> Dict[str, Any]:
        assert self._plain is not None
        assert self._reports is not None
        keras_files.flush(self.trainer.callbacks)
        return {
            "metrics": self._reports.last,
            "training": lightning_state.capture(self.trainer),
            "plain": self._plain.capture(),
            "random": trainer_tensors.capture_random(),
        }

    def _put_back(self, saved: Dict[str, Any], plain: PlainState, reports: Reports) -> None:
        training = self._training
        self._saved, training.saved = None, None
        keras_files.restore(training.saved_files, training.session.files.root, self.trainer.callbacks)
        lightning_state.restore(self.trainer, saved["training"])
        for name in plain.restore(saved["plain"]):
            training.session.warn("lost-state", "%s is gone: a resumed trial may differ" % name)
        training.epoch = saved["epoch"]
        reports.resumed(saved["metrics"])
        trainer_tensors.restore_random(saved["random"])
        self._settle()
