"""scikit-learn: what the script itself measures is reported, on the data that is proven, and no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.probe.running import Attempt, Ran

from pushtune.testing.real_parts import need_module

SCRIPT = """
    import helper
    from sklearn.base import BaseEstimator, TransformerMixin
    from sklearn.datasets import load_wine, load_diabetes
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
    from sklearn.metrics import accuracy_score, classification_report, f1_score, make_scorer
    from sklearn.metrics import mean_squared_error, r2_score, roc_auc_score
    from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate, train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    import pickle

    class Same(BaseEstimator, TransformerMixin):
        def fit(self, X, y=None): return self
        def transform(self, X): return X

    def by_hand(y_true, y_pred): return accuracy_score(y_true, y_pred)

    X, y = load_wine(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    X_fit, X_val, y_fit, y_val = train_test_split(X_train, y_train, random_state=0)
    forest = RandomForestClassifier(8, random_state=0, oob_score=True, n_jobs=2).fit(X_fit, y_fit)
    forest.score(X_fit, y_fit)                                               # train
    forest.score(X_val, y_val)                                               # validation
    accuracy_score(list(y_fit), forest.predict(X_fit.copy()))                # equal
    accuracy = accuracy_score(y_test, forest.predict(X_test))                # test
    print("Accuracy: %.2f%%" % (100 * accuracy))
    print(classification_report(y_test, forest.predict(X_test)))             # report
    helper.measure(forest, X_test, y_test)
    roc_auc_score(y_test, forest.predict_proba(X_test), multi_class="ovr")   # auc
    f1_score(y_test, forest.predict(X_test), average=None)
    accuracy_score(y_test[:10], forest.predict(X_test[:10]))                 # part

    scaler = StandardScaler().fit(X_train)
    line = LogisticRegression(max_iter=500).fit(scaler.transform(X_train), y_train)
    line.score(scaler.transform(X_test), y_test)                             # scaled
    early = SGDClassifier(early_stopping=True, random_state=0).fit(X_train, y_train)

    pipe = make_pipeline(Same(), StandardScaler(), LogisticRegression(max_iter=500))
    grid = GridSearchCV(pipe, {"logisticregression__C": [1, 2]}, cv=2, scoring=make_scorer(by_hand))
    grid.fit(X_train, y_train)                                               # grid
    grid.score(X_test, y_test)                                               # searched
    pipe.fit(X_train, y_train).score(X_test, y_test)                         # pipe
    cross_val_score(pipe, X, y, cv=2, scoring="f1_macro")                    # cross
    cross_validate(pipe, X, y, cv=2, scoring=["accuracy", "neg_log_loss"])   # several
    line.fit(scaler.transform(X), y).score(scaler.transform(X_test), y_test) # all

    A, b = load_diabetes(return_X_y=True)
    A_train, A_test, b_train, b_test = train_test_split(A, b, random_state=0)
    price = LinearRegression().fit(A_train, b_train)
    mean_squared_error(b_test, price.predict(A_test))                        # mse
    price.score(A_test, b_test)                                              # r2
    assert pickle.loads(pickle.dumps(accuracy_score)) is accuracy_score
"""

HELPER = """
    from sklearn.metrics import balanced_accuracy_score
    def measure(model, X, y):
        return balanced_accuracy_score(y_true=y, y_pred=model.predict(X))
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    need_module("sklearn")
    attempt = Attempt(tmp_path_factory.mktemp("sklearn"), SCRIPT)
    attempt.file("helper.py", HELPER)
    return attempt.run("-", options=("-W", "ignore"))


def marked(ran: Ran, mark: str) -> list[dict[str, Any]]:
    """The metrics reported at the script's line with the comment ``mark``."""
    return [body for body in ran.all("metric") if body["text"].endswith("# " + mark)]


@pytest.mark.parametrize(
    ("mark", "name", "split", "source"),
    [
        ("train", "accuracy", "train", "sklearn.RandomForestClassifier.score"),
        ("validation", "accuracy", "validation", "sklearn.RandomForestClassifier.score"),
        ("equal", "accuracy", "train", "sklearn.accuracy_score"),
        ("test", "accuracy", "test", "sklearn.accuracy_score"),
        ("report", "accuracy", "test", "sklearn.classification_report"),
        ("auc", "auc", "test", "sklearn.roc_auc_score"),
        ("part", "accuracy", "unknown", "sklearn.accuracy_score"),
        ("scaled", "accuracy", "test", "sklearn.LogisticRegression.score"),
        # The scorer is the script's own function.
        ("grid", "by_hand", "validation", "sklearn.GridSearchCV"),
        ("searched", "by_hand", "test", "sklearn.GridSearchCV.score"),
        ("pipe", "accuracy", "test", "sklearn.Pipeline.score"),
        ("cross", "f1", "validation", "sklearn.cross_val_score"),
        # Fitted on everything: there is no test set any more.
        ("all", "accuracy", "unknown", "sklearn.LogisticRegression.score"),
        ("mse", "mse", "test", "sklearn.mean_squared_error"),
        ("r2", "r2", "test", "sklearn.LinearRegression.score"),
    ],
)
def test_a_measurement_is_reported_once(ran: Ran, mark: str, name: str, split: str, source: str) -> None:
    if mark in ("grid", "searched"):
        name = "by_hand"  # the scorer is the script's own function
    assert [(body["name"], body["split"], body["source"]) for body in marked(ran, mark)] == [
        (name, split, source)
    ]


def test_the_script_ran_to_its_end(ran: Ran) -> None:
    assert ran.code == 0, ran.output
    assert ran.all("warning") == []
    assert ran.one("framework")["name"] == "sklearn"


def test_several_scores_of_one_cross_validation_are_several_metrics(ran: Ran) -> None:
    found = {body["name"]: body["value"] for body in marked(ran, "several")}

    assert set(found) == {"accuracy", "log_loss"}
    assert found["log_loss"] > 0


def test_a_helper_of_the_script_counts_as_the_script(ran: Ran) -> None:
    balanced = [body for body in ran.all("metric") if body["name"] == "balanced_accuracy"]

    assert [(body["split"], body["line"]) for body in balanced] == [("test", 4)]


def test_nothing_else_is_reported_and_no_printed_copy_is(ran: Ran) -> None:
    own = [body for body in ran.all("metric") if "#" in body["text"] or body["name"] == "balanced_accuracy"]
    # Averages that stand in the printed report alone: no call gave them.
    averages = [body for body in ran.all("metric") if body["text"].startswith(("macro avg", "weighted avg"))]

    assert [body for body in ran.all("metric") if body not in averages] == own
    assert len(own) == 15 + 2 + 1


def test_the_model_fitted_last_is_kept(ran: Ran, tmp_path_factory: pytest.TempPathFactory) -> None:
    artifact = ran.one("artifact")

    assert (artifact["path"], artifact["origin"]) == ("artifacts/model.joblib", "probe")
    assert artifact["bytes"] > 100


COMPARED = """
    from sklearn.datasets import load_wine
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import AdaBoostClassifier
    from sklearn.metrics import accuracy_score
    from sklearn.model_selection import train_test_split
    from sklearn.tree import DecisionTreeClassifier

    X_train, X_test, y_train, y_test = train_test_split(*load_wine(return_X_y=True), random_state=0)
    boosted = AdaBoostClassifier(n_estimators=3).fit(X_train, y_train)
    tree = DecisionTreeClassifier().fit(X_train, y_train)
    dummy = DummyClassifier().fit(X_train, y_train)
    %s
"""
MEASURED_LAST = {
    "print(tree.predict(X_test[:3]), dummy.predict(X_test[:3]))": "DecisionTreeClassifier",
    "[accuracy_score(y_test, given) for given in boosted.staged_predict(X_test)]": "AdaBoostClassifier",
    "boosted.score(X_test, y_test), tree.predict(X_test), dummy.score(X_test, y_test)": "AdaBoostClassifier",
    "accuracy_score(y_test, boosted.predict(X_test)), tree.score(X_train, y_train)": "AdaBoostClassifier",
    "boosted.score(X_test, y_test), tree.fit(X_test, y_test)": "DecisionTreeClassifier",
}


@pytest.mark.parametrize("line", MEASURED_LAST)
def test_the_model_that_was_measured_last_is_kept_and_no_dummy(tmp_path: Path, line: str) -> None:
    joblib = pytest.importorskip("joblib")
    attempt = Attempt(tmp_path, COMPARED % line)
    ran = attempt.run()

    model = joblib.load(attempt.folder / ran.one("artifact")["path"])
    assert type(model).__name__ == MEASURED_LAST[line]


BROKEN = """
    from sklearn.base import BaseEstimator
    from sklearn.linear_model import LinearRegression
    class Odd(LinearRegression):
        pass
    model = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    model.remark = lambda: None
    if __import__("os").path.exists("save"):
        open("mine.pkl", "wb").write(b"saved")
"""


def test_a_model_that_cannot_be_saved_is_a_warning_and_one_that_was_is_left_alone(tmp_path: Path) -> None:
    need_module("sklearn")
    attempt = Attempt(tmp_path / "a", BROKEN)
    refused = attempt.run()
    saving = Attempt(tmp_path / "b", BROKEN)
    saving.file("save", "")
    saved = saving.run()

    assert refused.one("warning")["code"] == "model-not-saved"
    assert refused.events[-1]["event"] == "finished"
    assert not list((attempt.folder / "artifacts").iterdir())
    assert saved.one("artifact")["path"] == "workspace/mine.pkl"
    assert saved.all("warning") == []


REGRESSION = """
    from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
    from sklearn.datasets import load_diabetes, load_wine
    from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.metrics import (classification_report, explained_variance_score, mean_absolute_error,
        median_absolute_error, root_mean_squared_error, zero_one_loss)
    from sklearn.model_selection import RandomizedSearchCV, cross_val_score, cross_validate, train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y = load_diabetes(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    prepare = ColumnTransformer([("all", StandardScaler(), list(range(10)))])
    model = TransformedTargetRegressor(make_pipeline(prepare, Ridge()))
    model.fit(X_train, y_train)
    predicted = model.predict(X_test)
    mean_absolute_error(y_test, predicted)                                   # mae
    root_mean_squared_error(y_true=y_test, y_pred=predicted)                 # rmse
    median_absolute_error(y_test, predicted)                                 # median
    explained_variance_score(y_test, predicted)                              # explained
    model.score(X_test, y_test)                                              # r2
    mean_absolute_error(y_train, model.predict(X_train))                     # train
    cross_val_score(model, X_train, y_train, cv=3)                           # cross
    cross_validate(model, X_train, y_train, cv=3, scoring="neg_mean_absolute_error")  # folds
    search = RandomizedSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, n_iter=2, cv=2, random_state=0)
    search.fit(X_train, y_train)                                             # search

    A, b = load_wine(return_X_y=True)
    A_train, A_test, b_train, b_test = train_test_split(A, b, random_state=0)
    forest = RandomForestClassifier(8, random_state=0).fit(A_train, b_train)
    report = classification_report(b_test, forest.predict(A_test), output_dict=True)  # report
    zero_one_loss(b_test, forest.predict(A_test))                            # error
"""


@pytest.fixture(scope="module")
def regression(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    need_module("sklearn")
    return Attempt(tmp_path_factory.mktemp("regression"), REGRESSION).run(options=("-W", "ignore"))


@pytest.mark.parametrize(
    ("mark", "name", "split"),
    [
        ("mae", "mae", "test"),
        ("rmse", "rmse", "test"),
        ("median", "median_absolute_error", "test"),
        ("explained", "explained_variance", "test"),
        ("r2", "r2", "test"),
        ("train", "mae", "train"),
        ("cross", "r2", "validation"),
        ("folds", "mae", "validation"),
        ("search", "r2", "validation"),
        ("report", "accuracy", "test"),
        ("error", "error", "test"),
    ],
)
def test_regressors_and_reports_are_measured(regression: Ran, mark: str, name: str, split: str) -> None:
    assert regression.code == 0, regression.output
    assert [(body["name"], body["split"]) for body in marked(regression, mark)] == [(name, split)]
    assert next(iter(marked(regression, mark)))["value"] >= 0
