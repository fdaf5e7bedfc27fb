"""What a Hugging Face training changes: tensors, optimizer, schedule, and the attributes of its objects."""

from __future__ import annotations

import sys
from typing import Any, Dict

from pushtune_probe import trainer_tensors

NOT_STATE = frozenset(
    {
        "_parameters", "_buffers", "_modules", "_memory_tracker", "_forward_method", "forward",
        "args", "accelerator", "callback_handler",
    }
)  # fmt: skip
"""Attributes that are never put back."""


def why_not(trainer: Any, loader: Any) -> str:
    """Return why this training cannot be resumed exactly, or nothing."""
    args = trainer.args
    if args.world_size > 1 or args.n_gpu > 1 or trainer.is_deepspeed_enabled or trainer.is_fsdp_enabled:
        return "it trains on several devices"
    if args.auto_find_batch_size:
        return "the batch size is found while training"
    if trainer_tensors.is_unfinished(trainer.model):
        return "parameters get their shapes with the first batch (lazy modules)"
    if trainer_tensors.draws_in_workers([loader]):
        return "data is loaded by workers that outlive an epoch (persistent_workers)"
    return ""


def holders(trainer: Any, loader: Any) -> Dict[str, Any]:
    """Return the objects whose plain attributes training changes, by name. ``loader`` feeds the training."""
    found: Dict[str, Any] = {"trainer": trainer, "script": vars(sys.modules["__main__"])}
    for name, module in trainer.model.named_modules():
        found["module " + name] = module
    for number, callback in enumerate(trainer.callback_handler.callbacks):
        if type(callback).__name__ not in ("ProgressCallback", "NotebookProgressCallback"):
            found["callback %d %s" % (number, type(callback).__name__)] = callback
    found.update(trainer_tensors.data_holders([loader]))
    return found


def capture(trainer: Any) -> Dict[str, Any]:
    """Return the state of the model, its optimizer, its schedule, and of mixed precision."""
    scaler = getattr(trainer.accelerator, "scaler", None)
    return {
        "model": trainer_tensors.capture_model(trainer.model, gradients=True),
        "optimizer": trainer.optimizer.state_dict(),
        "schedule": trainer.lr_scheduler.state_dict(),
        "scaler": None if scaler is None else scaler.state_dict(),
    }


def restore(trainer: Any, state: Dict[str, Any]) -> None:
    """Put back what ``capture`` returned; raises ``StateMismatchError`` where it does not fit."""
    trainer_tensors.restore_model(trainer.model, state["model"])
    trainer.optimizer.load_state_dict(state["optimizer"])
    trainer.lr_scheduler.load_state_dict(state["schedule"])
    scaler = getattr(trainer.accelerator, "scaler", None)
    if scaler is not None and state["scaler"] is not None:
        scaler.load_state_dict(state["scaler"])
