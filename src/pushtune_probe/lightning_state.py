"""What a Lightning training changes: tensors, optimizers, schedulers, and the attributes of its objects."""

from __future__ import annotations

import sys
from typing import Any, Dict, List

from pushtune_probe import trainer_tensors
from pushtune_probe.session import Session

NOT_STATE = frozenset(
    {
        "_parameters", "_buffers", "_modules", "_metric_attributes",  # saved as tensors; identities
        "max_epochs", "min_epochs", "max_steps", "min_steps",  # as the source, or an order, says now
    }
)  # fmt: skip
"""Attributes that are never put back."""

_UNSHOWN_CALLBACKS = {
    "BaseFinetuning": "it adds to the optimizer while it trains",
    "StochasticWeightAveraging": "it keeps a second model",
    "WeightAveraging": "it keeps a second model",
    "ModelPruning": "it replaces the model's parameters",
}
_SHOWING = ("ProgressBar", "ModelSummary")
"""Callbacks that only show something: what they hold is a picture of the terminal."""


def why_not(trainer: Any) -> str:
    """Return why this fit cannot be resumed exactly, or nothing."""
    if trainer.world_size > 1 or type(trainer.strategy).__name__ != "SingleDeviceStrategy":
        return "it trains on several devices"
    if trainer_tensors.is_unfinished(trainer.lightning_module):
        return "parameters get their shapes with the first batch (lazy modules)"
    if trainer_tensors.draws_in_workers(_loaders(trainer)):
        return "data is loaded by workers that outlive an epoch (persistent_workers)"
    for callback in trainer.callbacks:
        for kind in type(callback).__mro__:
            reason = _UNSHOWN_CALLBACKS.get(kind.__name__)
            if reason:
                return "%s: %s" % (type(callback).__name__, reason)
        if _holds_a_model(callback, trainer.lightning_module):
            return "%s keeps a model of its own" % type(callback).__name__
    return ""


def holders(trainer: Any) -> Dict[str, Any]:
    """Return the objects whose plain attributes training changes, by name."""
    loop = trainer.fit_loop
    found: Dict[str, Any] = {
        "trainer": trainer,
        "fit loop": loop,
        "epoch loop": loop.epoch_loop,
        "validation loop": loop.epoch_loop.val_loop,
        "automatic optimization": loop.epoch_loop.automatic_optimization,
        "manual optimization": loop.epoch_loop.manual_optimization,
        "connector": trainer._logger_connector,
        "script": vars(sys.modules["__main__"]),
    }
    for name, module in trainer.lightning_module.named_modules():
        found["module " + name] = module
    for number, callback in enumerate(trainer.callbacks):
        if not any(kind.__name__ in _SHOWING for kind in type(callback).__mro__):
            found["callback %d %s" % (number, type(callback).__name__)] = callback
    for number, logger in enumerate(trainer.loggers):
        found["logger %d" % number] = logger
        written = getattr(logger, "_experiment", None)
        if type(written).__name__ == "ExperimentWriter":
            found["logger %d rows" % number] = written
    if trainer.datamodule is not None:
        found["data module"] = trainer.datamodule
    found.update(trainer_tensors.data_holders(_loaders(trainer)))
    return found


def capture(trainer: Any) -> Dict[str, Any]:
    """Return the state of the model, its optimizers, its schedulers, and of mixed precision."""
    module = trainer.lightning_module
    return {
        "model": trainer_tensors.capture_model(module, gradients=not module.automatic_optimization),
        "optimizers": [optimizer.state_dict() for optimizer in trainer.optimizers],
        "schedulers": [config.scheduler.state_dict() for config in trainer.lr_scheduler_configs],
        "precision": trainer.precision_plugin.state_dict(),
    }


def restore(trainer: Any, state: Dict[str, Any]) -> None:
    """Put back what ``capture`` returned; raises ``StateMismatchError`` where it does not fit."""
    if len(state["optimizers"]) != len(trainer.optimizers):
        raise trainer_tensors.StateMismatchError("the script makes other optimizers than at the checkpoint")
    trainer_tensors.restore_model(trainer.lightning_module, state["model"])
    for optimizer, saved in zip(trainer.optimizers, state["optimizers"]):  # noqa: B905 - Python 3.9
        optimizer.load_state_dict(saved)
    for config, saved in zip(trainer.lr_scheduler_configs, state["schedulers"]):  # noqa: B905 - Python 3.9
        config.scheduler.load_state_dict(saved)
    if state["precision"]:
        trainer.precision_plugin.load_state_dict(state["precision"])


def tell_roles(trainer: Any, session: Session) -> None:
    """Remember which data this fit trains on and which it watches."""
    loop = trainer.fit_loop
    for loader in flat(loop._combined_loader):
        session.data.fitted(getattr(loader, "dataset", None))
    for loader in flat(loop.epoch_loop.val_loop._combined_loader):
        session.data.watched(getattr(loader, "dataset", None))


def flat(combined: Any) -> List[Any]:
    """Return the data loaders of a combined one, or none."""
    return list(combined.flattened) if combined is not None else []


def _loaders(trainer: Any) -> List[Any]:
    loop = trainer.fit_loop
    return [*flat(loop._combined_loader), *flat(loop.epoch_loop.val_loop._combined_loader)]


def _holds_a_model(callback: Any, module: Any) -> bool:
    """Whether a callback has a network of its own (averages, teachers): it may train along unseen."""
    network: Any = sys.modules["torch"].nn.Module
    own = set(map(id, module.modules()))
    return any(isinstance(value, network) and id(value) not in own for value in vars(callback).values())
