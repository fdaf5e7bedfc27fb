"""Reports what the script measures with ``trainer.test`` and ``trainer.validate``."""

from __future__ import annotations

import functools
import sys
from typing import Any, List

from pushtune_probe import lightning_state, wire
from pushtune_probe.data_roles import TRAIN
from pushtune_probe.trainer_training import Training, as_number, is_metric


def install(trainer_class: Any, training: Training) -> None:
    """Patch both methods of ``trainer_class``."""
    for name, split in (("test", "test"), ("validate", "validation")):
        _patch(trainer_class, name, split, training)


def _patch(trainer_class: Any, name: str, split: str, training: Training) -> None:
    original = getattr(trainer_class, name)
    session = training.session

    @functools.wraps(original)
    def measure(trainer: Any, *args: Any, **kwargs: Any) -> Any:
        if not session.mine or training.active is not None:
            return original(trainer, *args, **kwargs)
        place = session.callsite.nearest(sys._getframe(1))
        with session.callsite:
            results = original(trainer, *args, **kwargs)
        data = _data(getattr(trainer, name + "_loop", None))
        session.guarded(lambda: _report(training, name, split, results, place, data))
        return results

    setattr(trainer_class, name, measure)


def _data(loop: Any) -> List[Any]:
    """Return the data sets that a loop has just been through."""
    loaders = lightning_state.flat(getattr(loop, "_combined_loader", None))
    return [getattr(loader, "dataset", None) for loader in loaders]


def _report(training: Training, method: str, split: str, results: Any, place: Any, data: List[Any]) -> None:
    session = training.session
    if data and all(session.data.role(item) == TRAIN for item in data):
        split = TRAIN
    for row in results or ():
        for name, value in row.items():
            number = as_number(value)
            if number is None or not is_metric(name):
                continue
            told = wire.canonical_metric(name)[1]
            session.metric(
                name,
                number,
                "lightning." + method,
                # A name's own word wins over the method, and what is proven of the data over both.
                split=split if told == "unknown" or split == TRAIN else told,
                step=training.epoch or None,
                line=place[1] if place else 0,
                text=session.source_line(*place) if place else "",
                seen_by_fit=session.data.seen_by_fit(*data),
            )
