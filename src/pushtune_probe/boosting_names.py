"""What boosting libraries call their metrics, in the words that everybody else uses."""

from typing import Dict

_NAMES: Dict[str, str] = {
    "mlogloss": "logloss",
    "binary_logloss": "logloss",
    "multi_logloss": "logloss",
    "cross_entropy": "logloss",
    "merror": "error",
    "binary_error": "error",
    "multi_error": "error",
    "l1": "mae",
    "l2": "mse",
    "mean_squared_error": "mse",
    "mean_absolute_error": "mae",
    "aucpr": "average_precision",
}

_SHARES_OF_ERRORS = frozenset(("error", "merror", "binary_error", "multi_error"))

_PREFIXES: Dict[str, str] = {"train": "train_", "validation": "val_", "test": "test_"}


def metric_name(name: str) -> str:
    """Return the common name of a metric of XGBoost or LightGBM; one nobody else knows keeps its own."""
    return _NAMES.get(name, name)


def with_split(name: str, split: str) -> str:
    """Return the name under which the metric of one data set stands among those of a round."""
    return _PREFIXES.get(split, "") + metric_name(name)


def is_share_of_errors(name: str, value: float) -> bool:
    """Whether a library's metric is the share of wrong predictions, so that the rest of them is accuracy."""
    return name in _SHARES_OF_ERRORS and 0.0 <= value <= 1.0
