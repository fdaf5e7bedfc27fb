"""What Lightning scripts log, as the metrics of an epoch: the split told by name or place."""

from __future__ import annotations

from typing import Any, Dict, Optional

from pushtune_probe import wire
from pushtune_probe.trainer_training import Metrics, as_number, is_metric

_PER_STEP = ("_step", "_epoch")


def of_epoch(trainer: Any, loss: Optional[float]) -> Metrics:
    """Return the epoch's metrics; ``loss``, the mean training loss, is added where the script logs none."""
    logged = dict(trainer.callback_metrics)
    places = _places(trainer)
    found: Metrics = {}
    for name, value in logged.items():
        number = as_number(value)
        if number is not None and is_metric(name) and not _has_a_whole(name, logged):
            found[name] = {"value": number, "split": split_of(name, places)}
    told = any(
        wire.canonical_metric(name)[0] == "loss" and m["split"] == "train" for name, m in found.items()
    )
    if loss is not None and not told:
        found["train_loss"] = {"value": loss, "split": "train"}
    return found


def split_of(name: str, places: Dict[str, str]) -> str:
    """Return the split that a logged name stands for: its own words, else where it was logged."""
    split = wire.canonical_metric(name)[1]
    return places.get(name, "unknown") if split == "unknown" else split


def _has_a_whole(name: str, logged: Dict[str, Any]) -> bool:
    """Whether it is the last step's value, or the second name, of a metric that is there as a whole."""
    return any(name.endswith(ending) and name[: -len(ending)] in logged for ending in _PER_STEP)


def _places(trainer: Any) -> Dict[str, str]:
    """Return the split of each name by the hook that logged it: in the training, or in the validation."""
    loop = trainer.fit_loop.epoch_loop
    found: Dict[str, str] = {}
    for results, split in ((loop._results, "train"), (loop.val_loop._results, "validation")):
        for item in getattr(results, "values", dict)():
            name = getattr(getattr(item, "meta", None), "name", None)
            if isinstance(name, str):
                found[name] = split
    return found
