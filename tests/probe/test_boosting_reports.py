"""What is reported of boosting: each round with its splits, one training at a time, and the model kept."""

from __future__ import annotations

from pathlib import Path

from tests.probe.boosting_scripts import SCRIPTS
from tests.probe.running import Attempt, Ran

from pushtune.testing.real_parts import need_module


def run(folder: Path, source: str, **plan: object) -> Ran:
    need_module("sklearn")
    need_module("xgboost")
    need_module("lightgbm")
    return Attempt(folder, source, **plan).run()


def splits(ran: Ran) -> dict[str, str]:
    return {name: entry["split"] for name, entry in ran.all("epoch")[-1]["metrics"].items()}


def test_not_reported_is_what_other_libraries_train(tmp_path: Path) -> None:
    source = """
        from lightgbm import LGBMClassifier
        from sklearn.datasets import load_breast_cancer
        from sklearn.model_selection import GridSearchCV, cross_val_score
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        from xgboost import XGBClassifier

        X, y = load_breast_cancer(return_X_y=True)
        GridSearchCV(XGBClassifier(n_estimators=2, n_jobs=1), {"max_depth": [2, 3]}, cv=2).fit(X, y)
        cross_val_score(LGBMClassifier(n_estimators=2, n_jobs=1, verbose=-1), X, y, cv=2)
        make_pipeline(StandardScaler(), XGBClassifier(n_estimators=2, n_jobs=1)).fit(X, y)
    """

    ran = run(tmp_path, source)

    assert ran.code == 0, ran.output
    assert ran.all("fit") == []
    assert ran.all("epoch") == []


def test_no_rungs_where_nothing_is_measured_or_training_is_repeated(tmp_path: Path) -> None:
    source = """
        import xgboost as xgb
        from sklearn.datasets import load_diabetes

        X, y = load_diabetes(return_X_y=True)
        data = xgb.DMatrix(X, y)
        xgb.train({"nthread": 1}, data, 3)
        xgb.train({"nthread": 1}, data, 3, evals=[(data, "train")], verbose_eval=False)
    """

    ran = run(tmp_path, source, pause_at=1)

    assert ran.code == 0, ran.output
    assert [(event["call"], event["rungs"], event["why"]) for event in ran.all("fit")] == [
        (1, False, "no evaluation set is given: nothing is measured after a round"),
        (2, False, "the script trains more than once"),
    ]
    assert [event["epoch"] for event in ran.all("epoch")] == [1, 2, 3, 4, 5, 6]
    assert splits(ran) == {"train_rmse": "train"}


def test_splits_are_proven_by_what_a_set_was_made_of(tmp_path: Path) -> None:
    ran = run(tmp_path / "x", SCRIPTS["xgboost"])

    assert splits(ran) == {
        "train_logloss": "train",
        "train_error": "train",
        "train_accuracy": "train",
        "test_logloss": "test",
        "test_error": "test",
        "test_accuracy": "test",
    }
    last = {name: entry["value"] for name, entry in ran.all("epoch")[-1]["metrics"].items()}
    assert last["test_accuracy"] == 1 - last["test_error"]
    accuracy = next(event for event in ran.all("metric") if event["source"] == "sklearn.accuracy_score")
    assert (accuracy["split"], accuracy["seen_by_fit"]) == ("test", True)
    told = [event for event in ran.all("metric") if event["source"] == "xgboost.train"]
    assert {event["name"] for event in told} == set(splits(ran))
    assert all(event["seen_by_fit"] == (event["split"] == "test") for event in told)

    estimator = run(tmp_path / "l", SCRIPTS["lightgbm-estimator"])
    assert splits(estimator) == {"test_mae": "test", "test_mse": "test"}


def test_cross_validation_measures_on_what_a_fold_leaves_out(tmp_path: Path) -> None:
    assert splits(run(tmp_path / "x", SCRIPTS["xgboost-cv"])) == {
        "train_auc": "train",
        "val_auc": "validation",
    }
    assert splits(run(tmp_path / "l", SCRIPTS["lightgbm-cv"])) == {"val_auc": "validation"}


def test_a_set_of_unknown_origin_is_told_by_its_name(tmp_path: Path) -> None:
    source = """
        import lightgbm as lgb
        import numpy as np

        rng = np.random.RandomState(0)
        made = lgb.Dataset(rng.rand(200, 3), label=rng.rand(200))
        sets = [lgb.Dataset(rng.rand(50, 3), label=rng.rand(50), reference=made) for _ in range(2)]
        lgb.train({"verbose": -1, "num_threads": 1, "metric": "l1"}, made, 2,
                  valid_sets=[*sets, made], valid_names=["watch", "my_test", "all"])
    """

    assert splits(run(tmp_path, source)) == {
        "val_mae": "validation",
        "test_mae": "test",
        "train_mae": "train",
    }


def test_the_booster_is_kept_where_the_script_saves_none(tmp_path: Path) -> None:
    for name, file in (("xgboost", "artifacts/model.ubj"), ("lightgbm", "artifacts/model.txt")):
        kept = run(tmp_path / name, SCRIPTS[name]).one("artifact")
        assert (kept["path"], kept["origin"]) == (file, "probe")
        assert (tmp_path / name / file).stat().st_size == kept["bytes"]

    fitted = run(tmp_path / "estimator", SCRIPTS["xgboost-estimator"]).one("artifact")
    assert fitted["path"] == "artifacts/model.joblib"


def test_a_saved_booster_is_the_scripts_own(tmp_path: Path) -> None:
    source = SCRIPTS["lightgbm"] + '    booster.save_model("best.txt")\n'

    kept = run(tmp_path, source).one("artifact")

    assert (kept["path"], kept["origin"]) == ("workspace/best.txt", "script")
