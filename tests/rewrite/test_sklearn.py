"""scikit-learn scripts in many forms: what is no knob first, then what is, and under which condition."""

from __future__ import annotations

from pathlib import Path

import pytest
from rewriting import knob, knobs, rewriter, rewritten

from pushtune.model.space import Assignment, Condition, Value, canonical

HEAD = """\
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import *
from sklearn.linear_model import *
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import *
from sklearn.svm import SVC
"""


def found_in(folder: Path, body: str) -> dict[str, Value]:
    return knobs(rewriter(folder, HEAD + body))


@pytest.mark.parametrize(
    "body",
    [
        "StandardScaler(with_mean=False).fit_transform(X)",
        "MinMaxScaler(feature_range=(0, 5)).fit(X)",
        "SimpleImputer(strategy='constant', fill_value=0).fit(X)",
        "SimpleImputer(strategy='most_frequent').fit(X)",
        "OneHotEncoder(handle_unknown='ignore', sparse_output=False).fit(X)",
        "LinearRegression().fit(X, y)",
        "VotingClassifier([('a', a)], voting='soft', weights=[2, 1]).fit(X, y)",
        "from sklearn.cluster import KMeans\nKMeans(n_clusters=3, n_init=10).fit(X)",
        "RidgeCV(alphas=[0.1, 1.0, 10.0]).fit(X, y)",
    ],
)
def test_what_belongs_to_the_data_or_to_the_task_is_no_knob(tmp_path: Path, body: str) -> None:
    assert found_in(tmp_path, body + "\n") == {}


@pytest.mark.parametrize(
    ("call", "absent"),
    [
        ("SVC(kernel='precomputed', gamma=0.5)", "svc.gamma"),
        ("SVC(kernel='precomputed')", "svc.kernel"),
        ("SVC(kernel='precomputed')", "svc.gamma"),
        ("SVC(kernel=my_kernel)", "svc.gamma"),
        ("RandomForestClassifier(bootstrap=True, oob_score=True)", "random_forest_classifier.bootstrap"),
        ("RandomForestClassifier(bootstrap=True, max_samples=0.5)", "random_forest_classifier.bootstrap"),
        ("ExtraTreesClassifier(max_samples=0.5)", "extra_trees_classifier.max_samples"),
        ("LogisticRegression(penalty='l2')", "logistic_regression.penalty"),
        ("LogisticRegression(penalty='elasticnet', solver='saga')", "logistic_regression.penalty"),
        ("LogisticRegression(solver='newton-cg')", "logistic_regression.solver"),
        ("SGDClassifier(eta0=0.1)", "sgd_classifier.eta0"),
        ("KNeighborsClassifier(metric='cosine')", "k_neighbors_classifier.p"),
        ("KNeighborsClassifier(metric='cosine')", "k_neighbors_classifier.metric"),
        ("LinearDiscriminantAnalysis()", "linear_discriminant_analysis.shrinkage"),
        ("MLPClassifier(solver='lbfgs', learning_rate='adaptive')", "mlp_classifier.learning_rate_init"),
    ],
)
def test_an_argument_without_a_meaning_is_not_offered(tmp_path: Path, call: str, absent: str) -> None:
    assert absent not in found_in(tmp_path, f"{call}.fit(X, y)\n")


@pytest.mark.parametrize(
    ("call", "name", "condition"),
    [
        ("SVC()", "svc.gamma", Condition("svc.kernel", ("poly", "rbf", "sigmoid"))),
        ("SVC(kernel='linear', gamma=0.1)", "svc.gamma", Condition("svc.kernel", ("poly", "rbf", "sigmoid"))),
        ("SVC(kernel='poly', degree=3)", "svc.degree", Condition("svc.kernel", ("poly",))),
        (
            "SGDClassifier(penalty='elasticnet', l1_ratio=0.2)",
            "sgd_classifier.l1_ratio",
            Condition("sgd_classifier.penalty", ("elasticnet",)),
        ),
        (
            "MLPClassifier(solver='sgd', momentum=0.9)",
            "mlp_classifier.momentum",
            Condition("mlp_classifier.solver", ("sgd",)),
        ),
        ("KNeighborsClassifier(3)", "k_neighbors_classifier.p", None),
        ("LinearDiscriminantAnalysis('lsqr')", "linear_discriminant_analysis.shrinkage", None),
    ],
)
def test_an_argument_matters_only_beside_the_one_that_gives_it_a_meaning(
    tmp_path: Path, call: str, name: str, condition: Condition | None
) -> None:
    space = rewriter(tmp_path, f"{HEAD}{call}.fit(X, y)\n").discovery.space
    assert space.parameter(name).condition == condition


def test_what_has_no_meaning_is_no_part_of_an_assignment(tmp_path: Path) -> None:
    space = rewriter(tmp_path, HEAD + "SVC().fit(X, y)\n").discovery.space
    linear = Assignment.of({"svc.kernel": "linear", "svc.gamma": 0.1, "svc.C": 3.0})
    assert canonical(space, linear) == Assignment.of({"svc.kernel": "linear", "svc.C": 3.0})


def test_a_condition_holds_through_a_table_of_parameters(tmp_path: Path) -> None:
    body = "params = {'kernel': 'rbf', 'gamma': 0.1, 'C': 3}\nSVC(**params).fit(X, y)\n"
    space = rewriter(tmp_path, HEAD + body).discovery.space
    assert space.parameter("params.gamma").condition == Condition("params.kernel", ("poly", "rbf", "sigmoid"))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("make_pipeline(StandardScaler(), PCA(20), SVC(C=2)).fit(X, y)",
         {"pca.n_components": 20, "svc.C": 2.0, "svc.gamma": "scale"}),
        ("Pipeline([('s', StandardScaler()), ('clf', LogisticRegression(C=0.5))]).fit(X, y)",
         {"logistic_regression.C": 0.5}),
        ("p = ColumnTransformer([('n', SimpleImputer(strategy='median'), [0])])\nmake_pipeline(p).fit(X)",
         {"simple_imputer.strategy": "median"}),
        ("FeatureUnion([('w', TfidfVectorizer(min_df=3)), ('p', PolynomialFeatures(2))]).fit(X)",
         {"tfidf_vectorizer.min_df": 3, "tfidf_vectorizer.ngram_range": 1, "polynomial_features.degree": 2}),
        ("TransformedTargetRegressor(regressor=Ridge(alpha=2.0), func=f).fit(X, y)", {"ridge.alpha": 2.0}),
        ("OneVsRestClassifier(SVC(C=4)).fit(X, y)", {"svc.C": 4.0}),
        ("BaggingClassifier(KNeighborsClassifier(7), n_estimators=20, max_samples=0.6).fit(X, y)",
         {"bagging_classifier.n_estimators": 20, "bagging_classifier.max_samples": 0.6,
          "bagging_classifier.max_features": 1.0, "k_neighbors_classifier.n_neighbors": 7}),
        ("print(cross_val_score(RandomForestRegressor(max_depth=4), X, y, cv=5).mean())",
         {"random_forest_regressor.max_depth": 4, "random_forest_regressor.max_features": 1.0}),
        ("for name, m in [('a', Ridge(alpha=3)), ('b', Lasso(alpha=0.2))]:\n    m.fit(X, y)",
         {"ridge.alpha": 3.0, "lasso.alpha": 0.2}),
        ("models = {'svm': SVC(C=2), 'knn': KNeighborsClassifier()}\nfor m in models.values(): m.fit(X, y)",
         {"svc.C": 2.0, "k_neighbors_classifier.n_neighbors": 5}),
        ("GradientBoostingRegressor(min_samples_leaf=0.01).fit(X, y)",
         {"gradient_boosting_regressor.min_samples_leaf": 0.01}),
    ],
)  # fmt: skip
def test_estimators_are_found_wherever_they_stand(
    tmp_path: Path, body: str, expected: dict[str, Value]
) -> None:
    assert expected.items() <= found_in(tmp_path, body + "\n").items()


def test_what_is_set_later_is_the_value_that_counts(tmp_path: Path) -> None:
    text = HEAD + (
        "pipe = Pipeline([('scale', StandardScaler()), ('clf', SVC(C=2.0))])\n"
        "pipe.set_params(clf__C=5.0, clf__gamma=0.1)\npipe.fit(X, y)\n"
    )
    found = rewriter(tmp_path, text)
    assert knobs(found) == {"svc.C": 5.0, "svc.gamma": 0.1, "svc.kernel": "rbf"}
    assert (
        knob(found, "svc.C").line
        == text.splitlines().index("pipe.set_params(clf__C=5.0, clf__gamma=0.1)") + 1
    )
    assert rewritten(found, {"svc.C": 7.5, "svc.gamma": "scale"}) == text.replace(
        "clf__C=5.0, clf__gamma=0.1", "clf__C=7.5, clf__gamma='scale'"
    )


def test_what_is_set_as_an_attribute_is_the_value_that_counts(tmp_path: Path) -> None:
    text = HEAD + "model = SVC(kernel='rbf', C=2.0)\nmodel.C = 6000\nmodel.gamma = 0.1\nmodel.fit(X, y)\n"
    found = rewriter(tmp_path, text)
    assert knobs(found) == {"svc.C": 6000.0, "svc.gamma": 0.1, "svc.kernel": "rbf"}
    assert rewritten(found, {"svc.C": 7.5}) == text.replace("6000", "7.5")


def test_an_attribute_of_a_copy_is_not_the_originals(tmp_path: Path) -> None:
    body = (
        "from sklearn.base import clone\nmodel = SVC(C=2.0).fit(X, y)\nother = clone(model)\nother.C = 9.0\n"
    )
    assert found_in(tmp_path, body)["svc.C"] == 2.0


@pytest.mark.parametrize(
    "setting",
    [
        "for c in [1, 10]:\n    model.C = c",
        "if len(X) > 9:\n    model.C = 3.0",
        "model.C = 3.0\nmodel.C = 4.0",
    ],
)
def test_an_attribute_that_may_be_one_value_or_another_is_left_alone(tmp_path: Path, setting: str) -> None:
    body = f"model = SVC(C=2.0)\n{setting}\nmodel.fit(X, y)\n"
    assert set(found_in(tmp_path, body)) == {"svc.kernel", "svc.gamma"}


def test_what_a_loop_sets_is_the_scripts_own_search(tmp_path: Path) -> None:
    body = "model = SVC(C=2.0)\nfor c in [1, 10]:\n    model.set_params(C=c)\n    model.fit(X, y)\n"
    assert set(found_in(tmp_path, body)) == {"svc.kernel", "svc.gamma"}


@pytest.mark.parametrize(
    ("old", "value", "new"), [("'balanced'", None, "None"), ("None", "balanced", "'balanced'")]
)
def test_a_text_gives_way_to_a_bare_value_and_back(tmp_path: Path, old: str, value: Value, new: str) -> None:
    text = f"{HEAD}SVC(class_weight={old}).fit(X, y)\n"
    assert rewritten(rewriter(tmp_path, text), {"svc.class_weight": value}) == text.replace(old, new)


SWEPT = """from sklearn.linear_model import LogisticRegression
costs = [0.3, 3, 30]
models = [LogisticRegression(C=cost) for cost in costs]
"""


def test_models_that_a_loop_trains_one_after_the_other_are_the_scripts_own_search(tmp_path: Path) -> None:
    trained = "for model in models:\n    model.fit(x, y)\n    print(model.score(a, b))\n"
    assert not {0.3, 3, 30} & set(knobs(rewriter(tmp_path, SWEPT + trained)).values())


def test_models_that_are_trained_as_one_are_no_search(tmp_path: Path) -> None:
    voting = "from sklearn.ensemble import VotingClassifier\n"
    together = "v = VotingClassifier([('m', model) for model in models]).fit(x, y)\nprint(v.score(a, b))\n"
    assert {0.3, 3, 30} <= set(knobs(rewriter(tmp_path, SWEPT + voting + together)).values())
