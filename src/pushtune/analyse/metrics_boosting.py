"""What XGBoost and LightGBM measure while they train: on which set, by which metric."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pushtune.analyse.reading import Called, Reading, values_of
from pushtune.analyse.splits import split_of, split_of_name
from pushtune.model.analysis import Direction, MetricGuess, Split
from pushtune.rewrite.parameter_tables import Entry, ParameterTables
from pushtune.source import Module
from pushtune.source.tracing import Tracer, literal_value

SOURCES = ("xgboost.train", "xgboost.cv", "xgboost.fit", "lightgbm.train", "lightgbm.cv", "lightgbm.fit")
"""Where these metrics come from. They are measured on the way: a final metric of the script goes first."""

_METRIC_KEYS = ("eval_metric", "metric", "metrics", "metric_types")
_OBJECTIVE_KEYS = ("objective", "objective_type", "app", "application", "loss")
_MORE_IS_BETTER = {
    "auc": "auc", "aucpr": "average_precision", "average_precision": "average_precision", "ndcg": "ndcg",
    "map": "map", "mean_average_precision": "map", "ams": "ams", "pre": "precision", "auc_mu": "auc",
    "r2": "r2", "accuracy": "accuracy", "f1": "f1",
}  # fmt: skip
_LESS_IS_BETTER = {
    "logloss": "logloss", "mlogloss": "logloss", "binary_logloss": "logloss", "multi_logloss": "logloss",
    "binary": "logloss", "multiclass": "logloss", "softmax": "logloss", "cross_entropy": "logloss",
    "error": "error", "merror": "error", "binary_error": "error", "multi_error": "error",
    "rmse": "rmse", "root_mean_squared_error": "rmse", "l2_root": "rmse", "rmsle": "rmsle",
    "mae": "mae", "l1": "mae", "mean_absolute_error": "mae", "regression_l1": "mae",
    "mse": "mse", "l2": "mse", "mean_squared_error": "mse", "regression": "mse", "regression_l2": "mse",
    "mape": "mape", "mphe": "mphe",
}  # fmt: skip
_LOSSES = (
    "loss", "err", "dev", "nloglik", "poisson", "quantile", "huber", "fair", "tweedie", "gamma", "kullback",
)  # fmt: skip
"""Words in the names of further metrics of which less is better."""

_BY_OBJECTIVE = (
    ("binary:hinge", "error"), ("binary", "logloss"), ("multi", "logloss"), ("softmax", "logloss"),
    ("reg:absoluteerror", "mae"), ("reg:squaredlogerror", "rmsle"), ("reg:", "rmse"),
    ("rank:map", "map"), ("rank", "ndcg"), ("lambdarank", "ndcg"), ("regression_l1", "mae"), ("mae", "mae"),
    ("rmse", "rmse"), ("regression", "mse"), ("mape", "mape"), ("cross_entropy", "logloss"),
)  # fmt: skip
"""The metric that is measured where none is named, by the beginning of the objective's name."""


def boosting_metrics(reading: Reading) -> Iterator[MetricGuess]:
    """Yield one guess for each training call that measures something after each round."""
    tracer = Tracer(reading.names)
    tables = ParameterTables(reading.names, tracer)
    for call in reading.calls:
        library, _, function = call.name.partition(".")
        if library in ("xgboost", "lightgbm") and function in ("train", "cv"):
            guess = _native(reading, tables, tracer, call)
        elif call.method == "fit" and not call.name:
            guess = _estimator(reading, call)
        else:
            continue
        if guess is not None:
            yield guess


def _native(reading: Reading, tables: ParameterTables, tracer: Tracer, call: Called) -> MetricGuess | None:
    library, _, function = call.name.partition(".")
    split: Split | None = "validation"
    if function == "train":
        sets = call.argument(3, "evals", "valid_sets", "watchlist")
        split = _held_out(reading, call, sets, call.argument(1, "dtrain", "train_set"))
    if split is None:
        return None
    params = call.argument(0, "params")
    entries: dict[str, Entry] = {}
    for table in tables.read(call.module, params, call.node) if params is not None else ():
        entries.update(table.entries)
    named = _words(call.module, call.argument(-1, "metrics")) if function == "cv" else []
    for key in _METRIC_KEYS:
        if not named and key in entries:
            named = _traced(tracer, entries[key])
    aims = [entries[key] for key in _OBJECTIVE_KEYS if key in entries]
    objective = "".join(_traced(tracer, aims[0])[:1]) if aims else ""
    default = _default(objective, "rmse" if library == "xgboost" else "mse")
    return _guess(named, default, f"{library}.{function}", split, call)


def _estimator(reading: Reading, call: Called) -> MetricGuess | None:
    """Return what ``fit(eval_set=…)`` of a scikit-learn estimator of either library measures."""
    made = reading.maker(call.module, call.receiver)
    library, _, kind = made.partition(".")
    sets = call.argument(-1, "eval_set")
    if library not in ("xgboost", "lightgbm") or sets is None:
        return None
    split = _held_out(reading, call, sets, call.argument(0, "X"))
    if split is None:
        return None
    ranks = "ndcg" if kind.endswith("Ranker") else ""
    measures = "logloss" if kind.endswith("Classifier") else "rmse" if library == "xgboost" else "mse"
    named = _words(call.module, call.argument(-1, "eval_metric"))
    if not named:
        named = [word for maker in _makers(reading, call) for word in _words(call.module, maker)]
    return _guess(named, ranks or measures, f"{library}.fit", split, call)


def _makers(reading: Reading, call: Called) -> Iterator[ast.expr]:
    """Yield the ``eval_metric`` of the constructor's call."""
    for value in values_of(call.module, call.receiver):
        for keyword in value.keywords if isinstance(value, ast.Call) else ():
            if keyword.arg == "eval_metric":
                yield keyword.value


def _guess(named: list[str], default: str, source: str, split: Split, call: Called) -> MetricGuess:
    # Of several, XGBoost stops early by the last one, LightGBM by all: the last it is for both.
    name, direction = _canonical(named[-1] if named else default)
    return MetricGuess(name, source, split, direction, call.line)


def _canonical(written: str) -> tuple[str, Direction]:
    word = written.lower().partition("@")[0]
    if word in _LESS_IS_BETTER:
        return _LESS_IS_BETTER[word], "min"
    losing = any(part in word for part in _LOSSES)
    return _MORE_IS_BETTER.get(word, word), "min" if losing else "max"


def _default(objective: str, otherwise: str) -> str:
    return next((name for start, name in _BY_OBJECTIVE if objective.startswith(start)), otherwise)


def _words(module: Module, node: ast.expr | None) -> list[str]:
    """Return the names of metrics in a string, a list or a set; ``"auc,binary_logloss"`` are two."""
    for value in (node, *values_of(module, node)):
        parts = value.elts if isinstance(value, (ast.List, ast.Tuple, ast.Set)) else [value]
        literals = [literal_value(part) for part in parts if part is not None]
        words = [found[0] for found in literals if found is not None and isinstance(found[0], str)]
        if words:
            return [name.strip() for word in words for name in word.split(",")]
    return []


def _traced(tracer: Tracer, entry: Entry) -> list[str]:
    """Return the names in an entry of a table, which a function may have been given by its caller."""
    words = _words(entry.module, entry.node)
    origins = tracer.trace(entry.module, entry.node) if not words else ()
    return words or [origin.value for origin in origins if isinstance(origin.value, str)][:1]


def _held_out(
    reading: Reading, call: Called, sets: ast.expr | None, trained_on: ast.expr | None
) -> Split | None:
    """Return the best split among the evaluation sets; None where there are none."""
    found: list[Split] = []
    for item in _listed(call.module, sets):
        data = item.elts[0] if isinstance(item, ast.Tuple) and item.elts else item
        same = trained_on is not None and ast.dump(data) == ast.dump(trained_on)
        found.append("train" if same else _split(reading, call.module, item, data))
    order: tuple[Split, ...] = ("test", "validation", "train")
    return next((split for split in order if split in found), None)


def _split(reading: Reading, module: Module, item: ast.expr, data: ast.expr) -> Split:
    split = split_of_name(data.id) if isinstance(data, ast.Name) else "unknown"
    if split == "unknown":
        split = split_of(reading, module, _made_of(module, data))
    label = literal_value(item.elts[1]) if isinstance(item, ast.Tuple) and len(item.elts) == 2 else None
    if split == "unknown" and label is not None and isinstance(label[0], str):
        split = split_of_name(label[0])
    return "validation" if split == "unknown" else split


def _made_of(module: Module, data: ast.expr) -> ast.expr:
    """Return the rows of a set; what it refers to (``reference=``, ``train_set.create_valid``) are others."""
    for value in (data, *values_of(module, data)):
        if isinstance(value, ast.Call):
            rows = [keyword.value for keyword in value.keywords if keyword.arg == "data"] + value.args
            return rows[0] if rows and not isinstance(rows[0], ast.Starred) else data
    return data


def _listed(module: Module, expression: ast.expr | None) -> list[ast.expr]:
    if expression is None:
        return []
    for value in (expression, *values_of(module, expression)):
        if isinstance(value, (ast.List, ast.Tuple)):
            return value.elts
    return [expression]
