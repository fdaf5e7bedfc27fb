"""Searches that scripts do themselves are left alone; models beside them are tuned within their lists."""

from __future__ import annotations

from pathlib import Path

import pytest
from rewriting import knobs, rewriter

from pushtune.model.space import Domain

HEAD = """\
import numpy as np
from scipy.stats import loguniform, randint, uniform
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, ParameterGrid, RandomizedSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.feature_selection import SelectPercentile
from sklearn.svm import SVC
"""


@pytest.mark.parametrize(
    "body",
    [
        "GridSearchCV(SVC(), {'C': [1, 10], 'gamma': [0.1, 1]}).fit(X, y)",
        "GridSearchCV(estimator=SVC(C=2), param_grid=dict(C=[1, 10], gamma=[1])).fit(X, y)",
        "grid = [{'C': [1, 10]}, {'gamma': [0.1], 'C': [1]}]\nGridSearchCV(SVC(gamma=0.3), grid).fit(X, y)",
        "pipe = make_pipeline(StandardScaler(), SVC(C=2))\n"
        "s = RandomizedSearchCV(pipe, {'svc__C': loguniform(0.1, 9), 'svc__gamma': [1]})\ns.fit(X, y)",
        "m = SVC(C=4)\npipe = Pipeline([('s', StandardScaler()), ('clf', m)])\n"
        "GridSearchCV(pipe, {'clf__C': [1], 'clf__gamma': [2]}).fit(X, y)",
    ],
)
def test_what_is_searched_is_left_to_the_script(tmp_path: Path, body: str) -> None:
    found = knobs(rewriter(tmp_path, HEAD + body + "\n"))
    assert set(found) == {"svc.kernel"}


def test_candidates_of_a_loop_over_a_grid_are_left_to_the_script(tmp_path: Path) -> None:
    body = "for params in ParameterGrid({'C': [1, 10]}):\n    SVC(**params).fit(X, y)\n"
    assert knobs(rewriter(tmp_path, HEAD + body)) == {}


def test_another_step_with_an_argument_of_the_same_name_is_tuned(tmp_path: Path) -> None:
    body = (
        "pipe = Pipeline([('first', LogisticRegression(C=3)), ('last', SVC(C=2))])\n"
        "GridSearchCV(pipe, {'last__C': [1, 10]}).fit(X, y)\n"
    )
    found = knobs(rewriter(tmp_path, HEAD + body))
    assert "logistic_regression.C" in found
    assert "svc.C" not in found


def test_a_model_beside_the_search_is_tuned_within_its_lists(tmp_path: Path) -> None:
    body = (
        "baseline = SVC(C=5, gamma=0.2)\nbaseline.fit(X, y)\n"
        "GridSearchCV(SVC(), {'C': [0.1, 1, 10], 'gamma': loguniform(1e-4, 1e-1)}).fit(X, y)\n"
    )
    space = rewriter(tmp_path, HEAD + body).discovery.space
    assert space.parameter("svc.C").domain == Domain("categorical", choices=(0.1, 1, 5, 10))
    assert space.parameter("svc.gamma").domain == Domain("float", 1e-4, 0.2, True)
    assert {"svc_2.C", "svc_2.gamma"}.isdisjoint(p.name for p in space.parameters)


def test_a_step_that_is_also_trained_alone_is_tuned_within_the_lists(tmp_path: Path) -> None:
    body = (
        "select = SelectPercentile(percentile=50)\n"
        "alone = make_pipeline(select, LogisticRegression())\nalone.fit(X, y)\n"
        "pipe = Pipeline([('select', select), ('clf', LogisticRegression())])\n"
        "grid = {'select__percentile': [10, 30, 70], 'clf__C': [0.1, 10.0]}\n"
        "RandomizedSearchCV(pipe, grid).fit(X, y)\n"
    )
    found = rewriter(tmp_path, HEAD + body)
    space = found.discovery.space
    assert space.parameter("select_percentile.percentile").domain.choices == (10, 30, 50, 70)
    assert space.parameter("logistic_regression.C").domain.choices == (0.1, 1.0, 10.0)
    assert "logistic_regression_2.C" not in knobs(found)


@pytest.mark.parametrize(
    ("values", "domain"),
    [
        ("[50, 100, 200]", Domain("categorical", choices=(50, 80, 100, 200))),
        ("randint(20, 500)", Domain("int", 20, 499)),
        ("range(10, 60)", Domain("int", 10, 80)),
        ("np.arange(100, 300)", Domain("int", 80, 299)),
        ("list(mystery)", Domain("int", 20, 640, True)),
    ],
)
def test_how_lists_and_distributions_become_domains(tmp_path: Path, values: str, domain: Domain) -> None:
    body = (
        "RandomForestClassifier(n_estimators=80).fit(X, y)\n"
        f"GridSearchCV(RandomForestClassifier(), {{'n_estimators': {values}}}).fit(X, y)\n"
    )
    space = rewriter(tmp_path, HEAD + body).discovery.space
    assert space.parameter("random_forest_classifier.n_estimators").domain == domain


@pytest.mark.parametrize(
    ("values", "domain"),
    [
        ("np.logspace(-3, 2, 6)", Domain("float", 1e-3, 100.0, True)),
        ("uniform(0.5, 4)", Domain("float", 0.5, 4.5)),
        ("np.linspace(0.1, 0.9, 5)", Domain("float", 0.1, 1.0)),
    ],
)
def test_ranges_of_fractions(tmp_path: Path, values: str, domain: Domain) -> None:
    body = (
        f"LogisticRegression().fit(X, y)\nGridSearchCV(LogisticRegression(), {{'C': {values}}}).fit(X, y)\n"
    )
    space = rewriter(tmp_path, HEAD + body).discovery.space
    assert space.parameter("logistic_regression.C").domain == domain
