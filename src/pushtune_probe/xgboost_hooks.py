"""Has XGBoost's ``train`` and ``cv`` report each round, pause, and end where they are told to.

Rounds are watched in the container of callbacks, after all of the script's own: nothing is added to what the
script passes, and nothing of a round that XGBoost ends training with is missed.
"""

from __future__ import annotations

import functools
import inspect
import os
from types import ModuleType
from typing import Any, Callable, Dict, Optional

from pushtune_probe import boosting_model_file
from pushtune_probe.boosting_training import Fit, Training, Values, arguments_of, round_values
from pushtune_probe.data_roles import TRAIN, VALIDATION
from pushtune_probe.session import Session, loaded

_NEEDED = ("before_iteration", "after_iteration")


def install(session: Session, module: ModuleType) -> None:
    """Report the framework and patch what trains; ``module`` is ``xgboost``."""
    version = str(module.__version__)
    session.framework("xgboost", version)
    folder = os.path.join(os.path.dirname(os.path.abspath(str(module.__file__))), "")
    container = getattr(loaded("xgboost.callback"), "CallbackContainer", None)
    if container is None or not all(hasattr(container, name) for name in _NEEDED):
        session.warn("probe", "rounds of XGBoost %s are not reported: only from 1.3 on" % version)
        return
    training = Training(session, "xgboost", version, folder)
    for name in ("DMatrix", "QuantileDMatrix"):
        kind = getattr(module, name, None)
        if kind is not None and "__init__" in vars(kind):
            training.sets.watch(kind)
    _watch_rounds(container, training)
    for name in ("train", "cv"):
        _watch_function(training, module, name)
    boosting_model_file.install(training, module.Booster, "model.ubj")


def _watch_function(training: Training, module: Any, name: str) -> None:
    original = getattr(module, name)
    parameters = list(inspect.signature(original).parameters)

    @functools.wraps(original)
    def watched(*args: Any, **kwargs: Any) -> Any:
        if not training.free() or not training.on_behalf_of_script():
            return original(*args, **kwargs)
        fit = _begin(training, name, arguments_of(parameters, args, kwargs))
        try:
            result = original(*args, **kwargs)
        finally:
            training.active = None
        training.session.guarded(lambda: _ended(training, fit, name, result))
        return result

    for home in (module, loaded("xgboost.training"), loaded("xgboost.sklearn")):
        if getattr(home, name, None) is original:
            setattr(home, name, watched)


def _begin(training: Training, name: str, given: Dict[str, Any]) -> Fit:
    evals = list(given.get("evals") or ()) if name == "train" else []
    dtrain = given.get("dtrain")
    session = training.session
    session.guarded(lambda: training.sets.trained_on(dtrain))
    splits: Dict[str, str] = {"train": TRAIN, "test": VALIDATION}
    if name == "train":
        splits = {}
        for data, label in evals:
            session.guarded(
                lambda data=data, label=label: splits.update(  # type: ignore[misc]
                    {label: training.sets.split_of(data, dtrain, label)}
                )
            )
            if data is not dtrain:
                session.guarded(lambda data=data: training.sets.watched(data))  # type: ignore[misc]
    rounds = int(given.get("num_boost_round", 10))
    fit = training.begin("xgboost." + name, rounds, measured=bool(evals) or name == "cv")
    fit.splits = splits
    return fit


def _ended(training: Training, fit: Fit, name: str, result: Any) -> None:
    best: Optional[int] = None
    if name == "train":
        # Made in the script's own name, or on behalf of its scikit-learn estimator, which is kept instead.
        training.last_booster = result
        training.session.fitted_model = None
        text = result.attr("best_iteration")
        best = int(text) + 1 if text is not None else None
    fit.ended(best)


def _watch_rounds(container: Any, training: Training) -> None:
    before, after = container.before_iteration, container.after_iteration

    @functools.wraps(before)
    def before_iteration(callbacks: Any, *args: Any, **kwargs: Any) -> bool:
        fit = training.active
        if fit is not None:
            fit.owner = fit.owner or callbacks
            if fit.owner is callbacks:
                fit.round_begins()
        return bool(before(callbacks, *args, **kwargs))

    @functools.wraps(after)
    def after_iteration(callbacks: Any, model: Any, *args: Any, **kwargs: Any) -> bool:
        stop = bool(after(callbacks, model, *args, **kwargs))
        fit = training.active
        if fit is None or fit.owner is not callbacks:
            return stop
        end = fit.round_ended(_values(callbacks.history, fit.splits), _model_bytes(model))
        if end and not stop and callbacks.is_cv:
            _end_cross_validation(model, fit.finish or 0)
        return end or stop

    container.before_iteration = before_iteration
    container.after_iteration = after_iteration


def _end_cross_validation(model: Any, rounds: int) -> None:
    """Have ``cv`` keep every round: one that is broken off is cut at its best iteration."""
    for fold in model.cvfolds:
        fold.bst.set_attr(best_iteration=str(rounds - 1))


def _values(history: Any, splits: Dict[str, str]) -> Values:
    latest: Dict[str, Dict[str, float]] = {}
    for data, metrics in history.items():
        for metric, values in metrics.items():
            value = values[-1]
            latest.setdefault(data, {})[metric] = value[0] if isinstance(value, tuple) else value
    return round_values(latest, splits, last=True)


def _model_bytes(model: Any) -> Callable[[], bytes]:
    def made() -> bytes:
        folds = getattr(model, "cvfolds", None)
        boosters = [fold.bst for fold in folds] if folds is not None else [model]
        return b"".join(bytes(booster.save_raw("ubj")) for booster in boosters)

    return made
