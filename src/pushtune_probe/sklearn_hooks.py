"""Reports what a script measures with scikit-learn, and keeps the model that it measured or fitted last."""

import functools
import math
from types import ModuleType
from typing import Any, Callable, Dict, Optional

from pushtune_probe import model_file, sklearn_names
from pushtune_probe.callsite import Place
from pushtune_probe.data_roles import TRAIN, VALIDATION
from pushtune_probe.session import Session, loaded

Function = Callable[..., Any]
_PREDICTING = ("predict", "predict_proba", "decision_function", "staged_predict", "staged_predict_proba")


def install(session: Session, module: ModuleType) -> None:
    """Report the framework, and see to it that the fitted model is kept."""
    session.framework("sklearn", str(module.__version__))
    session.silence("joblib")
    session.at_end(lambda: model_file.save(session))


def install_metrics(session: Session, module: ModuleType) -> None:
    """Have the metric functions report; ``module`` is ``sklearn.metrics``."""
    for function_name in sklearn_names.FUNCTIONS:
        _replace(session, module, function_name, _measured)
    _replace(session, module, "classification_report", _measured_report)


def install_selection(session: Session, module: ModuleType) -> None:
    """Have cross-validation report and splits be remembered; ``module`` is ``sklearn.model_selection``."""
    _replace(session, module, "cross_val_score", _cross_validated)
    _replace(session, module, "cross_validate", _cross_validated)
    _replace(session, module, "train_test_split", _split)


def install_estimators(session: Session, module: ModuleType) -> None:
    """Watch ``fit`` and ``score`` of all estimators defined from now on; ``module`` is ``sklearn.base``."""
    for name in ("ClassifierMixin", "RegressorMixin", "BaseEstimator"):
        _watch_class(session, getattr(module, name))
    base = module.BaseEstimator

    def watch_subclass(cls: type, /, **options: Any) -> None:
        super(base, cls).__init_subclass__(**options)
        # A class of the script itself travels to worker processes by value, and would take us along.
        if cls.__module__ != "__main__":
            _watch_class(session, cls)

    base.__init_subclass__ = classmethod(watch_subclass)


def _watch_class(session: Session, cls: type) -> None:
    watched = (("fit", _fit), ("partial_fit", _fit), ("score", _score))
    for name, wrap in (*watched, *((name, _predict) for name in _PREDICTING)):
        method = vars(cls).get(name)
        if callable(method):
            setattr(cls, name, wrap(session, method))
        elif callable(getattr(method, "fn", None)):
            # Methods that exist only on some conditions (a pipeline's score) keep their function inside.
            method.fn = wrap(session, method.fn)  # type: ignore[union-attr]


def _replace(
    session: Session, module: ModuleType, name: str, wrap: Callable[[Session, Function], Function]
) -> None:
    """Wrap a function where it is exported and where it is defined: pickle compares the two."""
    original = getattr(module, name, None)
    if original is None:
        return
    wrapped = wrap(session, original)
    setattr(module, name, wrapped)
    home = loaded(original.__module__)
    if home is not None and getattr(home, name, None) is original:
        setattr(home, name, wrapped)


def _reporting(
    session: Session, original: Function, report: Callable[[Place, Any, Any, Dict[str, Any]], None]
) -> Function:
    """Wrap ``original``: of the outermost calls, ``report(place, result, args, kwargs)`` is told."""

    @functools.wraps(original)
    def watched(*args: Any, **kwargs: Any) -> Any:
        place = session.callsite.outermost()
        if place is None:
            return original(*args, **kwargs)
        with session.callsite:
            result = original(*args, **kwargs)
            session.guarded(lambda: report(place, result, args, kwargs))
        return result

    return watched


def _measured(session: Session, original: Function) -> Function:
    name = sklearn_names.FUNCTIONS[original.__name__]

    def report(place: Place, result: Any, args: Any, kwargs: Dict[str, Any]) -> None:
        shown = "rmse" if name == "mse" and kwargs.get("squared") is False else name
        facts = _split_of(session, args, kwargs)
        _emit(session, place, shown, result, original.__name__, facts)
        _keep_measured(session, session.predicting_model, facts)

    return _reporting(session, original, report)


def _measured_report(session: Session, original: Function) -> Function:
    def report(place: Place, result: Any, args: Any, kwargs: Dict[str, Any]) -> None:
        if "accuracy" not in result:
            return
        metrics: Any = loaded("sklearn.metrics")
        given = dict(zip(("y_true", "y_pred"), args))  # noqa: B905 - Python 3.9 has no strict=
        given.update((key, kwargs[key]) for key in ("y_true", "y_pred", "sample_weight") if key in kwargs)
        # The report itself rounds to two digits.
        value = metrics.accuracy_score(**given)
        facts = _split_of(session, args, kwargs)
        _emit(session, place, "accuracy", value, original.__name__, facts)
        _keep_measured(session, session.predicting_model, facts)

    return _reporting(session, original, report)


def _cross_validated(session: Session, original: Function) -> Function:
    def report(place: Place, result: Any, args: Any, kwargs: Dict[str, Any]) -> None:
        estimator = args[0] if args else kwargs["estimator"]
        scores = result if isinstance(result, dict) else {"test_score": result}
        for key, values in scores.items():
            if not key.startswith("test_"):
                continue
            scoring = kwargs.get("scoring") if key == "test_score" else key[len("test_") :]
            name, sign = _scoring_name(estimator, scoring)
            _emit(session, place, name, sign * values.mean(), original.__name__, VALIDATION)

    return _reporting(session, original, report)


def _split(session: Session, original: Function) -> Function:
    def report(place: Place, result: Any, args: Any, kwargs: Dict[str, Any]) -> None:
        session.data.split(args, result)

    return _reporting(session, original, report)


def _fit(session: Session, original: Function) -> Function:
    @functools.wraps(original)
    def fit(self: Any, *args: Any, **kwargs: Any) -> Any:
        place = session.callsite.outermost()
        if place is None:
            return original(self, *args, **kwargs)
        session.guarded(lambda: _remember_data(session, args, kwargs))
        with session.callsite:
            result = original(self, *args, **kwargs)
            session.guarded(lambda: _remember_model(session, place, self))
        return result

    return fit


def _predict(session: Session, original: Function) -> Function:
    @functools.wraps(original)
    def predict(self: Any, *args: Any, **kwargs: Any) -> Any:
        if session.callsite.outermost() is not None:
            session.predicting_model = self
        return original(self, *args, **kwargs)

    return predict


def _keep_measured(session: Session, model: Any, facts: Dict[str, Any]) -> None:
    """Keep the model that was measured: scripts fit others after it, to compare with or to draw."""
    if model is None or facts["split"] == TRAIN or _is_dummy(model):
        return
    # Where it is None, another framework trained since.
    if session.fitted_model is not None:
        session.fitted_model = model


def _is_dummy(model: Any) -> bool:
    """Whether it only gives the least that a model must beat."""
    return type(model).__module__.startswith("sklearn.dummy")


def _remember_data(session: Session, args: Any, kwargs: Dict[str, Any]) -> None:
    inputs, labels = _inputs_and_labels(args, kwargs)
    if labels is None:
        return  # scalers and the like: what they see is not what a model is measured on
    session.data.fitted(inputs, labels)
    for pair in kwargs.get("eval_set") or ():
        session.data.watched(*pair)


def _remember_model(session: Session, place: Place, model: Any) -> None:
    if hasattr(model, "predict") and not _is_dummy(model):
        session.fitted_model = model
    best = vars(model).get("best_score_")
    if best is not None and hasattr(model, "best_params_"):
        name, sign = _scoring_name(model.estimator, _refit_scoring(model))
        _emit(session, place, name, sign * best, type(model).__name__, VALIDATION)


def _refit_scoring(model: Any) -> Any:
    return model.refit if isinstance(model.refit, str) else model.scoring


def _score(session: Session, original: Function) -> Function:
    def report(place: Place, result: Any, args: Any, kwargs: Dict[str, Any]) -> None:
        model, given = args[0], args[1:]
        searched = hasattr(model, "best_params_")
        name, sign = _scoring_name(model, _refit_scoring(model) if searched else None)
        split = _split_of(session, _inputs_and_labels(given, kwargs), {})
        _emit(session, place, name, sign * result, type(model).__name__ + ".score", split)
        _keep_measured(session, model, split)

    return _reporting(session, original, report)


def _inputs_and_labels(args: Any, kwargs: Dict[str, Any]) -> "tuple[Any, Any]":
    given = [*args[:2], None, None]
    return kwargs.get("X", given[0]), kwargs.get("y", given[1])


def _split_of(session: Session, args: Any, kwargs: Dict[str, Any]) -> Dict[str, Any]:
    """Return the proven split of the data that a call was given, and whether a fit watched it."""
    data = [*args[:2], *(kwargs[key] for key in ("y_true", "y_pred") if key in kwargs)]
    split = session.data.split_of(*data)
    return {"split": split, "seen_by_fit": split != TRAIN and session.data.seen_by_fit(*data)}


def _scoring_name(estimator: Any, scoring: Any) -> "tuple[str, int]":
    if isinstance(scoring, str) and scoring != "score":
        return sklearn_names.of_scoring(scoring)
    if scoring is not None and scoring != "score":
        function = getattr(scoring, "_score_func", scoring)
        sign = int(getattr(scoring, "_sign", 1))
        return sklearn_names.of_function(getattr(function, "__name__", "score")), sign
    base: Any = loaded("sklearn.base")
    if base.is_classifier(estimator):
        return "accuracy", 1
    return ("r2" if base.is_regressor(estimator) else "score"), 1


def _emit(session: Session, place: Place, name: str, result: Any, what: str, split: Any) -> None:
    """Report ``result`` if it is one number; a number a class is not."""
    value = _number(result)
    if value is None:
        return
    facts = split if isinstance(split, dict) else {"split": split}
    text = session.source_line(*place)
    session.metric(name, value, "sklearn." + what, line=place[1], text=text, **facts)


def _number(result: Any) -> Optional[float]:
    if getattr(result, "shape", ()) != ():
        return None
    try:
        value = float(result)
    except (TypeError, ValueError):
        return None
    return value if not math.isinf(value) else None
