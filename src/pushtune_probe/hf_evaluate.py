"""Reports what the script measures with ``evaluate`` and ``predict``, in and outside of a training."""

from __future__ import annotations

import functools
import sys
from typing import Any, Callable, Dict

from pushtune_probe.data_roles import TEST, TRAIN, VALIDATION
from pushtune_probe.trainer_training import Training, as_number, is_metric


def install(trainer_class: Any, training: Training) -> None:
    """Patch both methods of ``trainer_class``."""
    _patch(trainer_class, "evaluate", training, lambda result: result)
    _patch(trainer_class, "predict", training, lambda result: getattr(result, "metrics", None))


def _patch(trainer_class: Any, method: str, training: Training, read: Callable[[Any], Any]) -> None:
    original = getattr(trainer_class, method)
    session = training.session

    @functools.wraps(original)
    def measure(trainer: Any, *args: Any, **kwargs: Any) -> Any:
        fit = training.active
        if fit is not None and trainer is fit.trainer and method == "evaluate":
            result = original(trainer, *args, **kwargs)
            fit.evaluated.update(read(result) or {})
            session.data.watched(trainer.eval_dataset)
            return result
        if not session.mine or fit is not None or training.measuring:
            return original(trainer, *args, **kwargs)
        place = session.callsite.nearest(sys._getframe(1))
        training.measuring = True
        try:
            with session.callsite:
                result = original(trainer, *args, **kwargs)
        finally:
            training.measuring = False
        data = args[0] if args else kwargs.get("eval_dataset", kwargs.get("test_dataset"))
        data = trainer.eval_dataset if data is None else data
        session.guarded(lambda: _report(training, method, read(result) or {}, data, place))
        return result

    setattr(trainer_class, method, measure)


def _report(training: Training, method: str, values: Dict[str, Any], data: Any, place: Any) -> None:
    session = training.session
    seen = session.data.seen_by_fit(data)
    split = TRAIN if session.data.role(data) == TRAIN else VALIDATION if seen else TEST
    for name, value in values.items():
        number = as_number(value)
        if number is not None and is_metric(name):
            session.metric(
                name,
                number,
                "hf." + method,
                split=split,
                step=training.epoch or None,
                line=place[1] if place else 0,
                text=session.source_line(*place) if place else "",
                seen_by_fit=seen,
            )
