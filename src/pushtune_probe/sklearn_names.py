"""What scikit-learn's metric functions and scorers are called by everybody else."""

from typing import Dict, Tuple

FUNCTIONS: Dict[str, str] = {
    "accuracy_score": "accuracy",
    "balanced_accuracy_score": "balanced_accuracy",
    "f1_score": "f1",
    "roc_auc_score": "auc",
    "precision_score": "precision",
    "recall_score": "recall",
    "log_loss": "log_loss",
    "r2_score": "r2",
    "mean_absolute_error": "mae",
    "mean_squared_error": "mse",
    "root_mean_squared_error": "rmse",
    "mean_absolute_percentage_error": "mape",
    "median_absolute_error": "median_absolute_error",
    "mean_squared_log_error": "msle",
    "max_error": "max_error",
    "explained_variance_score": "explained_variance",
    "fbeta_score": "fbeta",
    "jaccard_score": "jaccard",
    "top_k_accuracy_score": "top_k_accuracy",
    "zero_one_loss": "error",
    "hamming_loss": "hamming_loss",
    "brier_score_loss": "brier",
    "matthews_corrcoef": "mcc",
    "cohen_kappa_score": "kappa",
    "average_precision_score": "average_precision",
    "silhouette_score": "silhouette",
    "adjusted_rand_score": "adjusted_rand",
}
"""Functions of ``sklearn.metrics`` that report, with the name that they report under."""

_SCORINGS = {
    "roc_auc": "auc",
    "neg_mean_absolute_error": "mae",
    "neg_mean_squared_error": "mse",
    "neg_root_mean_squared_error": "rmse",
    "neg_log_loss": "log_loss",
}
_AVERAGES = ("_macro", "_micro", "_weighted", "_samples", "_ovr", "_ovo")


def of_function(name: str) -> str:
    """Return the name of the metric that the function called ``name`` measures."""
    return FUNCTIONS.get(name, name)


def of_scoring(scoring: str) -> Tuple[str, int]:
    """Return the metric that a ``scoring`` string names, and the sign that undoes its negation."""
    sign = -1 if scoring.startswith("neg_") else 1
    for ending in _AVERAGES:
        if scoring.endswith(ending):
            scoring = scoring[: -len(ending)]
            scoring = _SCORINGS.get(scoring, scoring)
            break
    name = _SCORINGS.get(scoring, scoring)
    return (name[len("neg_") :] if name.startswith("neg_") else name), sign
