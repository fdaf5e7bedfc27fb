"""What boosting measures on its evaluation sets, read from the source."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pushtune.analyse.kinds import recognise
from pushtune.analyse.metrics import guess_metric
from pushtune.analyse.reading import Reading
from pushtune.model.analysis import MetricGuess

Write = Callable[..., Reading]

HEAD = """\
import xgboost as xgb
import lightgbm as lgb
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from xgboost import XGBClassifier, XGBRFClassifier
from data import X, y, other
X_train, X_test, y_train, y_test = train_test_split(X, y)
dtrain, dtest = xgb.DMatrix(X_train, y_train), xgb.DMatrix(X_test, y_test)
"""


def guess(write: Write, text: str) -> MetricGuess | None:
    reading = write(HEAD + text + "\n")
    return guess_metric(reading, recognise(reading))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("xgb.train({'eta': 1}, dtrain, 9)", None),
        ("xgb.train({'eta': 1}, dtrain, evals=[(dtrain, 'train')])", ("rmse", "train", "min")),
        ("xgb.train({'eta': 1}, dtrain, 9, [(dtest, 'eval'), (dtrain, 'train')])", ("rmse", "test", "min")),
        ("xgb.train({}, dtrain, 9, evals=[(xgb.DMatrix(other), 'watch')])", ("rmse", "validation", "min")),
        ("p = {}\np['objective'] = 'multi:softprob'\nxgb.cv(p, dtrain, 9)", ("logloss", "validation", "min")),
        ("xgb.cv({'eval_metric': 'rmse'}, dtrain, metrics={'auc'})", ("auc", "validation", "max")),
        (
            "p = {'eval_metric': ['merror', 'mlogloss']}\nxgb.train(p, dtrain, evals=[(dtest, 'test')])",
            ("logloss", "test", "min"),
        ),
        (
            "xgb.train(list({'a': 1}.items()) + [('eval_metric', 'map@3')], dtrain, evals=[(dtest, 'test')])",
            ("map", "test", "max"),
        ),
        (
            "d = lgb.Dataset(X_train, y_train)\n"
            "lgb.train({'objective': 'regression_l1'}, d, valid_sets=lgb.Dataset(other, reference=d))",
            ("mae", "validation", "min"),
        ),
        (
            "def fit(aim, metric='rmse'):\n"
            "    lgb.train({'objective': aim, 'metric': metric}, d, 9, valid_sets=[v])\n"
            "fit('binary', metric='auc')",
            ("auc", "validation", "max"),
        ),
        (
            "def fit(aim):\n    lgb.train({'objective': aim}, d, 9, valid_sets=[v])\nfit('binary')",
            ("logloss", "validation", "min"),
        ),
        (
            "XGBClassifier().fit(X_train, y_train, eval_set=[(X_test, y_test)], eval_metric='error')",
            ("error", "test", "min"),
        ),
    ],
)
def test_metric_split_and_direction(write: Write, text: str, told: tuple[str, str, str] | None) -> None:
    found = guess(write, text)

    assert told == (None if found is None else (found.name, found.split, found.direction))


def test_what_the_script_measures_in_the_end_goes_first(write: Write) -> None:
    text = (
        "model = xgb.train({'objective': 'binary:logistic'}, dtrain, 9, evals=[(dtest, 'test')])\n"
        "print(accuracy_score(y_test, model.predict(dtest) > 0.5))\n"
    )

    found = guess(write, text)

    assert found is not None
    assert (found.name, found.source) == ("accuracy", "sklearn.accuracy_score")


def test_a_forest_of_xgboost_is_a_forest(write: Write) -> None:
    assert recognise(write(HEAD + "XGBRFClassifier().fit(X, y)\n")).kind == "tree-ensemble"
    assert recognise(write(HEAD + "XGBClassifier().fit(X, y)\n")).kind == "GBM"
