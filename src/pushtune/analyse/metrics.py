"""Which metric a script seems to report, where, on which data: read off its calls, its prints, its files."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

from pushtune.analyse.kinds import Kind
from pushtune.analyse.metric_words import canonical_metric, canonical_names
from pushtune.analyse.metrics_boosting import SOURCES as BOOSTING_SOURCES
from pushtune.analyse.metrics_boosting import boosting_metrics
from pushtune.analyse.metrics_trainers import FITS, hf_metrics, lightning_metrics
from pushtune.analyse.reading import Called, Reading, values_of
from pushtune.analyse.shown_metrics import shown_metrics
from pushtune.analyse.splits import split_of
from pushtune.analyse.tables import table
from pushtune.model.analysis import Direction, MetricGuess, Split

_CROSS_VALIDATION = ("sklearn.model_selection.cross_val_score", "sklearn.model_selection.cross_validate")
_SPLIT_ORDER: dict[Split, int] = {"test": 0, "validation": 1, "unknown": 2, "train": 3}
"""Held-out data first: what a script measures last is what it is judged by."""


def guess_metric(reading: Reading, kind: Kind) -> MetricGuess | None:
    """Return the metric that the script is most likely judged by, or None if nothing looks like one."""
    found = [guess for source in _SOURCES.get(kind.framework, ()) for guess in source(reading)]
    best = _best(found) if found else None
    if best is not None and best.split != "train":
        return best
    shown = [*shown_metrics(reading), *_files(reading)]
    held_out = [guess for guess in shown if best is None or guess.split in ("test", "validation")]
    return _best(held_out) if held_out else best


def compiled_metrics(reading: Reading) -> list[str]:
    """Return the names in ``compile(metrics=[…])``, the first compile call that has any."""
    for call in reading.methods("compile"):
        names = [_metric_word(item) for item in _listed(call, call.argument(2, "metrics"))]
        if any(names):
            return [name for name in names if name]
    return []


def _best(guesses: list[MetricGuess]) -> MetricGuess:
    """Return the metric on the best data, of the name that comes first, where it is measured last.

    A script that measures several models one after the other ends with the one it is about.
    """
    first = {guess.name: guess.line for guess in reversed(guesses)}
    return min(guesses, key=lambda guess: (*_rank(guess), first[guess.name], -guess.line))


def _rank(guess: MetricGuess) -> tuple[int, int, bool]:
    order = [*table("metrics")["max"], *table("metrics")["min"]]
    if guess.name == "accuracy":
        place = 0
    elif guess.source in ("print", "log"):
        place = 1 + order.index(guess.name) + len(order) * (guess.name in ("loss", "score"))
    else:
        place = 1 if guess.name not in ("loss", "score") else 2
    return _SPLIT_ORDER[guess.split], place, guess.source in ("keras.fit", "log", *FITS, *BOOSTING_SOURCES)


def _keras(reading: Reading) -> Iterator[MetricGuess]:
    name, direction = _keras_name(reading)
    for call in reading.methods("evaluate", "evaluate_generator"):
        split = split_of(reading, call.module, call.argument(0, "x"))
        if _same_as_fit(reading, call):
            split = "train"
        elif split == "unknown":
            # Data of its own, whatever it is called, is what the script tests on.
            split = "test"
        yield MetricGuess(name, "keras.evaluate", split, direction, call.line)
    for call in reading.methods("fit", "fit_generator"):
        held_out = validation_split(reading, call)
        yield MetricGuess(name, "keras.fit", held_out or "train", direction, call.line)


def _keras_name(reading: Reading) -> tuple[str, Direction]:
    found = [canonical_metric(name) for name in compiled_metrics(reading)]
    return min(found, key=lambda item: item[0] != "accuracy") if found else ("loss", "min")


def validation_split(reading: Reading, fit: Called) -> Split | None:
    """Return what a Keras ``fit`` validates on: validation, test, or None if it validates on nothing.

    Data that is also given to ``evaluate`` is the test set, whatever it is called.
    """
    data = fit.argument(-1, "validation_data")
    if data is None or (isinstance(data, ast.Constant) and data.value is None):
        return "validation" if fit.argument(-1, "validation_split") is not None else None
    first = data.elts[0] if isinstance(data, ast.Tuple) and data.elts else data
    for call in reading.methods("evaluate", "evaluate_generator"):
        evaluated = call.argument(0, "x")
        if evaluated is not None and ast.dump(evaluated) in (ast.dump(first), ast.dump(data)):
            return "test"
    return "test" if split_of(reading, fit.module, first) == "test" else "validation"


def _same_as_fit(reading: Reading, evaluate: Called) -> bool:
    data = evaluate.argument(0, "x")
    fits = [call.argument(0, "x") for call in reading.methods("fit", "fit_generator")]
    return data is not None and any(x is not None and ast.dump(x) == ast.dump(data) for x in fits)


def _listed(call: Called, expression: ast.expr | None) -> list[ast.expr]:
    for value in (expression, *values_of(call.module, expression)):
        if isinstance(value, (ast.List, ast.Tuple)):
            return value.elts
        if isinstance(value, ast.Constant):
            return [value]
    return []


def _metric_word(item: ast.expr) -> str:
    if isinstance(item, ast.Constant) and isinstance(item.value, str):
        return item.value
    if isinstance(item, ast.Call):
        named = next((k.value for k in item.keywords if k.arg == "name"), None)
        return _metric_word(named if isinstance(named, ast.Constant) else item.func)
    return item.attr if isinstance(item, ast.Attribute) else item.id if isinstance(item, ast.Name) else ""


def _sklearn(reading: Reading) -> Iterator[MetricGuess]:
    fitted = {ast.dump(y) for c in reading.methods("fit") if (y := c.argument(1, "y")) is not None}
    for call in reading.calls:
        if call.name.startswith("sklearn.metrics."):
            yield from _scored(reading, call, fitted)
        elif call.name in (
            "sklearn.model_selection.cross_val_score",
            "sklearn.model_selection.cross_validate",
        ):
            name, direction = _scoring(reading, call)
            yield MetricGuess(name, f"sklearn.{call.last}", "validation", direction, call.line)
        elif call.method == "score" and not call.name:
            yield _own_score(reading, call, fitted)


def _scored(reading: Reading, call: Called, fitted: set[str]) -> Iterator[MetricGuess]:
    function = call.name.rpartition(".")[2]
    known = "accuracy" if function == "classification_report" else function
    if known not in canonical_names():
        return
    name, direction = canonical_metric(known)
    if name == "mse" and (_is_false(call.argument(-1, "squared")) or _is_rooted(call)):
        name = "rmse"
    split = _split_fitted(reading, call, call.argument(0, "y_true"), fitted)
    yield MetricGuess(name, f"sklearn.{function}", split, direction, call.line)


def _is_rooted(call: Called) -> bool:
    """Whether the square root is taken of what the call gives: ``mean_squared_error(…) ** 0.5``."""
    around = call.module.parents.get(call.node)
    if isinstance(around, ast.BinOp):
        power = around.right if isinstance(around.op, ast.Pow) and around.left is call.node else None
        return power is not None and ast.unparse(power) in ("0.5", ".5", "1 / 2")
    return isinstance(around, ast.Call) and ast.unparse(around.func).rpartition(".")[2] == "sqrt"


def _is_false(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is False


def _own_score(reading: Reading, call: Called, fitted: set[str]) -> MetricGuess:
    name = _default_score(reading.maker(call.module, call.receiver))
    split = _split_fitted(reading, call, call.argument(1, "y") or call.argument(0, "X"), fitted)
    return MetricGuess(name, "sklearn.score", split, "max", call.line)


def _split_fitted(reading: Reading, call: Called, data: ast.expr | None, fitted: set[str]) -> Split:
    """Return the split; labels that ``fit`` saw under the same name are training data."""
    split = split_of(reading, call.module, data)
    return "train" if split == "unknown" and data is not None and ast.dump(data) in fitted else split


def _scoring(reading: Reading, call: Called) -> tuple[str, Direction]:
    scoring = call.argument(-1, "scoring")
    if isinstance(scoring, ast.Constant) and isinstance(scoring.value, str):
        return canonical_metric(scoring.value)
    return _default_score(reading.maker(call.module, call.argument(0, "estimator"))), "max"


def _default_score(estimator: str) -> str:
    """Return what the estimator's own ``score`` means."""
    rows = table("metrics")["regressors"]
    last = estimator.rpartition(".")[2]
    return "r2" if last.endswith(tuple(rows["endings"])) and last not in rows["not"] else "accuracy"


def _files(reading: Reading) -> Iterator[MetricGuess]:
    for call in reading.named("builtins.open"):
        path, mode = call.argument(0, "file"), call.argument(1, "mode")
        if not (isinstance(path, ast.Constant) and isinstance(path.value, str)):
            continue
        if not (isinstance(mode, ast.Constant) and "r" not in str(mode.value)):
            continue
        for pattern, name in table("metrics")["printed"].items():
            if re.search(pattern, path.value, re.IGNORECASE):
                file = path.value.rpartition("/")[2]
                yield MetricGuess(name, f"file:{file}", "unknown", canonical_metric(name)[1], call.line)
                break


_SOURCES: dict[str, tuple[Callable[[Reading], Iterator[MetricGuess]], ...]] = {
    "keras": (_keras, _sklearn),
    "sklearn": (_sklearn,),
    "xgboost": (_sklearn, boosting_metrics),
    "lightgbm": (_sklearn, boosting_metrics),
    "lightning": (lightning_metrics,),
    "hf": (hf_metrics,),
}
"""Where each framework's metrics come from; prints and files are looked at where these say nothing better."""
