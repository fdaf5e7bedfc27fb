"""Has LightGBM's ``train`` and ``cv`` report each round, pause, and end where they are told to.

Two callbacks go before all others and one behind them. The pause is before the script's own callbacks: if
training is to end with this round, they are told so in time (``early_stopping`` picks its best round in what
it takes for the last one).
"""

from __future__ import annotations

import functools
import inspect
import os
from types import ModuleType
from typing import Any, Callable, Dict, List, Optional

from pushtune_probe import boosting_model_file
from pushtune_probe.boosting_training import Fit, Training, Values, arguments_of, round_values
from pushtune_probe.data_roles import TRAIN, VALIDATION
from pushtune_probe.session import Session, loaded

_FIRST, _LAST = -(10**9), 10**9


def install(session: Session, module: ModuleType) -> None:
    """Report the framework and patch what trains; ``module`` is ``lightgbm``."""
    version = str(module.__version__)
    session.framework("lightgbm", version)
    folder = os.path.join(os.path.dirname(os.path.abspath(str(module.__file__))), "")
    callback: Any = loaded("lightgbm.callback")
    if not all(hasattr(callback, name) for name in ("CallbackEnv", "EarlyStopException")):
        session.warn("probe", "rounds of LightGBM %s are not reported" % version)
        return
    training = Training(session, "lightgbm", version, folder)
    training.sets.watch(module.Dataset)
    callback.CallbackEnv = _environments(callback.CallbackEnv, training)
    for name in ("train", "cv"):
        _watch_function(training, module, name)
    boosting_model_file.install(training, module.Booster, "model.txt")


def _environments(original: Any, training: Training) -> Any:
    """Return what callbacks are told of a round; where training was ended, that this is the last one."""

    def told(given: Dict[str, Any]) -> Dict[str, Any]:
        fit = training.active
        if fit is None or fit.finish is None:
            return given
        return dict(given, end_iteration=given["begin_iteration"] + fit.finish)

    def new(kind: Any, **given: Any) -> Any:
        return original.__new__(original, **told(given))

    def init(made: Any, **given: Any) -> None:
        original.__init__(made, **told(given))

    # A named tuple before LightGBM 4.6, a data class since.
    body = {"__new__": new} if issubclass(original, tuple) else {"__init__": init}
    return type(original.__name__, (original,), {"__module__": original.__module__, **body})


class _Callback:
    """A callback with a place among the others. LightGBM puts them into a set: each is one of its own."""

    def __init__(self, order: int, before: bool, call: Callable[[Any], None]) -> None:
        self.order = order
        self.before_iteration = before
        self._call = call

    def __call__(self, environment: Any) -> None:
        self._call(environment)


class _Rounds:
    """The callbacks of one training call."""

    def __init__(self, training: Training, name: str, given: Dict[str, Any]) -> None:
        self._training = training
        self._name = name
        self._given = given
        self._splits: Dict[str, str] = {}
        self.fit: Optional[Fit] = None
        self.ended_here = False
        self.best: List[Any] = []

    def callbacks(self) -> List[_Callback]:
        return [
            _Callback(_FIRST, True, self._before),
            _Callback(_FIRST, False, self._after),
            _Callback(_LAST, False, self._end),
        ]

    def _before(self, environment: Any) -> None:
        if self.fit is None:
            rounds = environment.end_iteration - environment.begin_iteration
            measured = self._name == "cv" or bool(_listed(self._given.get("valid_sets")))
            self._training.session.guarded(self._tell_roles)
            self.fit = self._training.begin("lightgbm." + self._name, rounds, measured)
        self.fit.round_begins()

    def _after(self, environment: Any) -> None:
        assert self.fit is not None
        model = environment.model
        self.fit.round_ended(self._values(environment.evaluation_result_list or ()), _model_bytes(model))

    def _end(self, environment: Any) -> None:
        """End the training, after all other callbacks. Nothing of ours stays on the model."""
        assert self.fit is not None
        if self.fit.finish is None:
            return
        callback: Any = loaded("lightgbm.callback")
        self.ended_here = True
        model = environment.model
        self.best = [getattr(one, "best_iteration", None) for one in _boosters(model)]
        # `cv` keeps as many rounds as this says, one more than the number; `train` takes 0 for "none".
        best = environment.iteration if self._name == "cv" else -1
        raise callback.EarlyStopException(best, environment.evaluation_result_list)

    def put_back(self, result: Any) -> None:
        """Forget the best iteration that ending ``cv`` has set."""
        folds = result.get("cvbooster") if self._name == "cv" else None
        if self.ended_here and folds is not None:
            for one, best in zip(_boosters(folds), self.best):  # noqa: B905 - Python 3.9 has no strict
                one.best_iteration = best

    def _tell_roles(self) -> None:
        sets, trained_on = self._training.sets, self._given.get("train_set")
        sets.trained_on(trained_on)
        if self._name == "cv":
            self._splits = {"train": TRAIN, "valid": VALIDATION}
            return
        names = self._given.get("valid_names")
        names = [names] if isinstance(names, str) else list(names or ())
        for number, data in enumerate(_listed(self._given.get("valid_sets"))):
            default = "training" if data is trained_on else "valid_%d" % number
            name = names[number] if number < len(names) else default
            self._splits[name] = sets.split_of(data, trained_on, name)
            if data is not trained_on:
                sets.watched(data)

    def _values(self, results: Any) -> Values:
        latest: Dict[str, Dict[str, float]] = {}
        for item in results:
            data, metric, value = item[:3] if isinstance(item, tuple) else _fields(item)
            if data == "cv_agg":  # before LightGBM 4: "valid auc" is one word
                data, _, metric = metric.partition(" ")
            latest.setdefault(data, {})[metric] = value
        return round_values(latest, self._splits, last=False)


def _fields(item: Any) -> Any:
    return item.dataset_name, item.metric_name, item.metric_value


def _watch_function(training: Training, module: Any, name: str) -> None:
    original = getattr(module, name)
    parameters = list(inspect.signature(original).parameters)

    @functools.wraps(original)
    def watched(*args: Any, **kwargs: Any) -> Any:
        if not training.free() or not training.on_behalf_of_script():
            return original(*args, **kwargs)
        given = arguments_of(parameters, args, kwargs)
        rounds = _Rounds(training, name, given)
        try:
            result = original(
                **dict(given, callbacks=[*_ordered(given.get("callbacks")), *rounds.callbacks()])
            )
        finally:
            training.active = None
        training.session.guarded(lambda: _ended(training, rounds, name, result))
        return result

    for home in (module, loaded("lightgbm.engine"), loaded("lightgbm.sklearn")):
        if getattr(home, name, None) is original:
            setattr(home, name, watched)


def _ordered(callbacks: Any) -> List[Any]:
    """Give the script's callbacks the places that LightGBM would give them without ours."""
    listed = list(callbacks or ())
    for number, one in enumerate(listed):
        if hasattr(one, "__dict__"):
            one.__dict__.setdefault("order", number - len(listed))
    return listed


def _ended(training: Training, rounds: _Rounds, name: str, result: Any) -> None:
    rounds.put_back(result)
    best = None
    if name == "train":
        training.last_booster = result
        training.session.fitted_model = None
        best = result.best_iteration if result.best_iteration > 0 else None
    if rounds.fit is not None:
        rounds.fit.ended(best)


def _listed(data: Any) -> List[Any]:
    return list(data) if isinstance(data, (list, tuple)) else [data] if data is not None else []


def _boosters(model: Any) -> List[Any]:
    return [model, *getattr(model, "boosters", ())]


def _model_bytes(model: Any) -> Callable[[], bytes]:
    def made() -> bytes:
        boosters = getattr(model, "boosters", None)
        return "".join(one.model_to_string() for one in (boosters or [model])).encode()

    return made
