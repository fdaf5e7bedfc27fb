"""Reports what the script measures with ``Model.evaluate``, and notices ``train_on_batch``."""

from __future__ import annotations

import functools
import inspect
from types import ModuleType
from typing import Any, Dict, Iterable, List, Tuple

from pushtune_probe.data_roles import TEST, TRAIN
from pushtune_probe.keras_training import Training, as_number
from pushtune_probe.session import Session

_BATCHES = "the script trains with train_on_batch"


def install(session: Session, module: ModuleType, training: Training) -> None:
    """Patch the class of ``module`` that defines ``evaluate``, and its ``train_on_batch``."""
    model_class: Any = module.Model
    _patch_evaluate(_owner(model_class, "evaluate"), training)
    _patch_train_on_batch(_owner(model_class, "train_on_batch"), training)


def _owner(model_class: Any, name: str) -> Any:
    return next(kind for kind in model_class.__mro__ if name in vars(kind))


def _patch_evaluate(owner: Any, training: Training) -> None:
    original = owner.evaluate
    signature = inspect.signature(original)
    session = training.session

    @functools.wraps(original)
    def evaluate(model: Any, *args: Any, **kwargs: Any) -> Any:
        place = session.callsite.outermost() if session.mine and training.active is None else None
        if place is None:
            return original(model, *args, **kwargs)
        with session.callsite:
            result = original(model, *args, **kwargs)
        data = signature.bind(model, *args, **kwargs).arguments.get("x")
        session.guarded(lambda: _report(training, values(model, result), data, place))
        return result

    owner.evaluate = evaluate


def _report(training: Training, found: Dict[str, Any], data: Any, place: Any) -> None:
    session = training.session
    split = TRAIN if session.data.role(data) == TRAIN else TEST
    for name, value in found.items():
        session.metric(
            name,
            value,
            "keras.evaluate",
            split=split,
            step=training.epoch or None,
            line=place[1],
            text=session.source_line(*place),
            seen_by_fit=session.data.seen_by_fit(data),
        )


def values(model: Any, result: Any) -> Dict[str, float]:
    """Return what ``evaluate`` measured, by name. Keras 3's ``metrics_names`` are not the names of values."""
    if not isinstance(result, dict):
        listed = list(result) if isinstance(result, (list, tuple)) else [result]
        named = model.get_metrics_result() if hasattr(model, "get_metrics_result") else {}
        result = named if len(named) == len(listed) else dict(_pairs(model.metrics_names, listed))
    numbers = {name: as_number(value) for name, value in result.items()}
    return {name: number for name, number in numbers.items() if number is not None}


def _pairs(names: Iterable[str], listed: List[Any]) -> Iterable[Tuple[str, Any]]:
    return zip(names, listed)  # noqa: B905 - Python 3.9 has no strict


def _patch_train_on_batch(owner: Any, training: Training) -> None:
    original = owner.train_on_batch
    session = training.session
    told: List[bool] = []

    @functools.wraps(original)
    def train_on_batch(model: Any, *args: Any, **kwargs: Any) -> Any:
        if not told and session.mine and training.active is None:
            told.append(True)
            training.last_model = model
            session.reporter.emit("fit", call=0, epochs=0, rungs=False, why=_BATCHES)
            session.warn("train-on-batch", _BATCHES + ": it is trained in one piece and not resumed")
        return original(model, *args, **kwargs)

    owner.train_on_batch = train_on_batch
