"""What is offered can be trained: drawn assignments of every estimator of the catalogue are really fitted."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from pushtune.model.analysis import Script, ScriptFile
from pushtune.model.space import Assignment, Domain, Value
from pushtune.rewrite import Rewriter
from pushtune.rewrite.catalogue import CallableEntry, load_catalogue

pytestmark = pytest.mark.slow

CATALOGUE = load_catalogue()
DRAWS = 12
COSTLY = ("n_estimators", "iterations", "passes", "features_made", "units", "restarts", "bins")
"""Roles that only make a fit longer: drawn from the cheap end."""

INNER = {
    "StackingClassifier": "[('a', GaussianNB()), ('b', DecisionTreeClassifier(max_depth=2))], cv=2",
    "StackingRegressor": "[('a', LinearRegression()), ('b', DecisionTreeRegressor(max_depth=2))], cv=2",
    "SelfTrainingClassifier": "GaussianNB()",
    "CalibratedClassifierCV": "GaussianNB(), cv=2",
    "RFE": "LinearRegression()",
    "SequentialFeatureSelector": "LinearRegression()",
    "SelectFromModel": "DecisionTreeRegressor()",
}
"""What an estimator of estimators is given first."""

WRITTEN = {
    "n_components": 2, "k": 2, "n_features_to_select": 2, "max_features": 3, "threshold": 0.001,
    "min_samples_split": 4, "max_leaf_nodes": 16, "ccp_alpha": 0.001, "max_samples": 0.7, "nu": 0.3,
    "batch_size": 16, "momentum": 0.9, "n_nonzero_coefs": 3, "min_frequency": 2, "max_categories": 5,
    "n_quantiles": 50, "gamma": 0.1, "eta0": 0.1, "epsilon": 0.5, "max_iter": 50, "min_df": 2, "max_df": 0.9,
    "n_iter": 5, "n_neighbors": 5, "n_knots": 4, "shrink_threshold": 0.2, "l1_ratio": 0.3,
    "n_restarts_optimizer": 1, "strategy": "mean", "kernel": "rbf", "splitter": "best", "criterion": None,
    "max_bins": 64, "normalize_y": True, "norm": "l2", "class_weight": "balanced", "bootstrap": True,
    "sublinear_tf": True, "use_idf": True, "binary": True, "shrinkage": 0.3, "alpha": 0.5,
}  # fmt: skip
"""What an author writes for arguments that are not offered where they are left out."""

BESIDE = {
    "LogisticRegression": "solver='saga', ",
    "SGDClassifier": "penalty='elasticnet', learning_rate='adaptive', ",
    "SGDRegressor": "penalty='elasticnet', learning_rate='adaptive', ",
    "Perceptron": "penalty='elasticnet', ",
    "LinearDiscriminantAnalysis": "solver='lsqr', ",
    "MLPClassifier": "solver='sgd', ",
    "MLPRegressor": "solver='sgd', ",
    "KernelPCA": "kernel='poly', ",
    "KernelRidge": "kernel='poly', ",
    "KNeighborsClassifier": "metric='minkowski', ",
    "GradientBoostingRegressor": "loss='huber', ",
    "LabelSpreading": "kernel='knn', ",
    "LabelPropagation": "kernel='knn', ",
    "QuantileTransformer": "random_state=0, ",
}
"""Arguments that others need, written by an author who uses those."""

NOT_FITTED = {
    "CategoricalNB": "needs counts of categories",
    "IterativeImputer": "needs an import that unlocks it, and has one number of passes",
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny fits only wait for one another on several threads."""
    with pytest.importorskip("threadpoolctl").threadpool_limits(1):
        yield


def entries() -> list[CallableEntry]:
    found = [e for e in CATALOGUE.callables.values() if e.framework == "sklearn" and e.arguments]
    return [entry for entry in found if entry.name.rpartition(".")[2] not in NOT_FITTED]


def script(entry: CallableEntry, *, spelled: bool) -> str:
    """Return a script that makes the estimator: bare, or with every other argument spelled out."""
    name = entry.name.rpartition(".")[2]
    given = INNER.get(name, "")
    if spelled:
        beside = BESIDE.get(name, "")
        known = {part.partition("=")[0].strip() for part in beside.split(",")}
        pairs = [f"{k}={v!r}" for k, v in spelled_out(entry) if k not in known]
        given = ", ".join([*([given] if given else []), beside + ", ".join(pairs)])
    return (
        f"from {entry.name.rpartition('.')[0]} import {name}\n"
        "from sklearn.linear_model import LinearRegression\n"
        "from sklearn.naive_bayes import GaussianNB\n"
        "from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor\n"
        f"model = {name}({given})\nmodel.fit(X, y)\n"
    )


def spelled_out(entry: CallableEntry) -> Iterator[tuple[str, Value]]:
    last = entry.name.rpartition(".")[2]
    for argument in entry.arguments:
        if not argument.implicit and argument.role != "fixed":
            value = WRITTEN.get(argument.name)
            if argument.role == "regression_criterion":
                value = "squared_error"
            if argument.role == "subsample":
                value = 0.7
            if argument.role == "switch":
                value = argument.default if argument.default is not None else True
            if argument.name == "bootstrap" or (last.startswith("PLS") and argument.name == "n_components"):
                continue
            if argument.name == "max_samples":
                yield "bootstrap", True
            if value is not None:
                yield argument.name, value


def drawn(chance: random.Random, role: str, domain: Domain) -> Value:
    if domain.type == "categorical":
        return chance.choice(domain.choices)
    assert domain.low is not None
    assert domain.high is not None
    high = min(domain.high, 30) if role in COSTLY else domain.high
    if domain.type == "int":
        return chance.randint(int(domain.low), max(int(domain.low), int(high)))
    return chance.choice([domain.low, chance.uniform(domain.low, high), high])


def data_for(entry: CallableEntry) -> tuple[Any, Any]:
    """Return inputs and targets that suit the estimator."""
    datasets = pytest.importorskip("sklearn.datasets")
    name = entry.name.rpartition(".")[2]
    chance = random.Random(0)
    if ".text." in entry.name and name != "TfidfTransformer":
        words = [f"word{number}" for number in range(60)]
        return [" ".join(chance.choices(words, k=6)) for _ in range(120)], [0, 1] * 60
    regressor = name.endswith(("Regressor", "Regression", "SVR")) and name != "LogisticRegression"
    if regressor or name in (
        "Ridge",
        "Lasso",
        "LassoLars",
        "ElasticNet",
        "ElasticNetCV",
        "Lars",
        "KernelRidge",
    ):
        inputs, targets = datasets.load_diabetes(return_X_y=True)
        return inputs[:80], targets[:80]
    inputs, targets = datasets.load_iris(return_X_y=True)
    step = 4 if entry.group == "transformer" else 2
    inputs, targets = inputs[::step], targets[::step]
    if name in ("PLSCanonical", "CCA", "MultiTaskLasso", "MultiTaskElasticNet", "MultiTaskElasticNetCV"):
        return inputs, inputs[:, :3] * 2 + targets[:, None]
    return inputs, targets


@pytest.mark.parametrize("spelled", [False, True], ids=["left out", "spelled out"])
@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name.rpartition(".")[2])
def test_whatever_is_drawn_can_be_fitted(entry: CallableEntry, spelled: bool) -> None:
    inputs, targets = data_for(entry)
    text = script(entry, spelled=spelled)
    found = Rewriter(Script("/nowhere", "train.py", (ScriptFile("train.py", text.encode()),)))
    space = found.discovery.space
    if not spelled and not space.parameters:
        pytest.skip("nothing is offered that is left out")
    chance = random.Random(entry.name)
    for _ in range(DRAWS if space.parameters else 1):
        values = {p.name: drawn(chance, p.role, p.domain) for p in space.parameters}
        source = found.apply(Assignment.of(values)).files[0].data.decode()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                exec(compile(source, "train.py", "exec"), {"X": inputs, "y": targets})
            except Exception as error:
                pytest.fail(f"{source.splitlines()[4]}: {error}")
