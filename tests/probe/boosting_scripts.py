"""Ordinary boosting scripts, each printing a digest of all that a training leaves behind.

``ROUNDS`` in the environment is what the source would say: a shorter run to compare with.
"""

XGBOOST = """
    import hashlib, os
    import numpy as np
    import xgboost as xgb
    from sklearn.datasets import load_breast_cancer
    from sklearn.metrics import accuracy_score
    from sklearn.model_selection import train_test_split

    X, y = load_breast_cancer(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    dtrain, dtest = xgb.DMatrix(X_train, label=y_train), xgb.DMatrix(X_test, label=y_test)

    params = {"objective": "binary:logistic", "eta": 0.2, "subsample": 0.7, "colsample_bytree": 0.6,
              "eval_metric": ["logloss", "error"], "seed": 3, "nthread": 1}
    history = {}
    booster = xgb.train(params, dtrain, int(os.environ.get("ROUNDS", "30")),
                        evals=[(dtrain, "train"), (dtest, "eval")], evals_result=history,
                        early_stopping_rounds=int(os.environ.get("PATIENCE", "20")), verbose_eval=False)
    predicted = booster.predict(dtest)
    print("accuracy:", accuracy_score(y_test, predicted > 0.5))
    left = repr((history, booster.attributes(), booster.num_boosted_rounds()))
    print("HASH", hashlib.sha1(left.encode() + bytes(booster.save_raw("ubj"))).hexdigest())
"""

XGBOOST_ESTIMATOR = """
    import hashlib, os
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from xgboost import XGBClassifier

    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X[:600], y[:600], random_state=0)
    model = XGBClassifier(n_estimators=int(os.environ.get("ROUNDS", "12")), max_depth=3, subsample=0.8,
                          random_state=1, n_jobs=1, early_stopping_rounds=6)
    model.fit(X_train, y_train, eval_set=[(X_test, y_test)], verbose=False)
    print("accuracy:", model.score(X_test, y_test))
    left = repr((model.evals_result(), model.best_iteration, model.predict_proba(X_test).tolist()))
    print("HASH", hashlib.sha1(left.encode() + bytes(model.get_booster().save_raw("ubj"))).hexdigest())
"""

XGBOOST_CV = """
    import hashlib, os
    import xgboost as xgb
    from sklearn.datasets import load_breast_cancer

    X, y = load_breast_cancer(return_X_y=True)
    params = {"objective": "binary:logistic", "max_depth": 3, "subsample": 0.7, "nthread": 1}
    patience = int(os.environ.get("PATIENCE", "0")) or None
    table = xgb.cv(params, xgb.DMatrix(X, y), num_boost_round=int(os.environ.get("ROUNDS", "12")), nfold=3,
                   metrics=["auc"], seed=0, early_stopping_rounds=patience, as_pandas=False)
    print("HASH", hashlib.sha1(repr(table).encode()).hexdigest())
"""

LIGHTGBM = """
    import hashlib, os
    import lightgbm as lgb
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split

    X, y = load_breast_cancer(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    train_set = lgb.Dataset(X_train, label=y_train)
    valid_set = lgb.Dataset(X_test, label=y_test, reference=train_set)
    params = {"objective": "binary", "metric": ["binary_logloss", "auc"], "learning_rate": 0.1,
              "bagging_fraction": 0.7, "bagging_freq": 2, "feature_fraction": 0.8, "num_threads": 1,
              "verbose": -1, "seed": 4}
    history = {}
    callbacks = [lgb.record_evaluation(history), lgb.log_evaluation(5)]
    if os.environ.get("PATIENCE", "20") != "0":
        callbacks.append(lgb.early_stopping(int(os.environ.get("PATIENCE", "20"))))
    booster = lgb.train(params, train_set, num_boost_round=int(os.environ.get("ROUNDS", "30")),
                        valid_sets=[train_set, valid_set], valid_names=["fit", "check"], callbacks=callbacks)
    left = repr((history, booster.best_iteration, dict(booster.best_score), booster.num_trees(),
                 booster.predict(X_test).tolist()))
    text = booster.model_to_string().replace("[num_iterations: %s]" % os.environ.get("ROUNDS", "30"), "")
    print("HASH", hashlib.sha1((left + text).encode()).hexdigest())
"""

LIGHTGBM_ESTIMATOR = """
    import hashlib, os
    import lightgbm
    from sklearn.datasets import load_diabetes
    from sklearn.model_selection import train_test_split

    X, y = load_diabetes(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    model = lightgbm.LGBMRegressor(n_estimators=int(os.environ.get("ROUNDS", "12")), subsample=0.8,
                                   subsample_freq=1, random_state=1, n_jobs=1, verbose=-1)
    model.fit(X_train, y_train, eval_set=[(X_test, y_test)], eval_metric="l1")
    print("r2:", model.score(X_test, y_test))
    left = repr((model.evals_result_, model.best_iteration_, model.predict(X_test).tolist()))
    print("HASH", hashlib.sha1(left.encode()).hexdigest())
"""

LIGHTGBM_CV = """
    import hashlib, os
    import lightgbm as lgb
    from sklearn.datasets import load_breast_cancer

    X, y = load_breast_cancer(return_X_y=True)
    params = {"objective": "binary", "metric": "auc", "bagging_fraction": 0.7, "bagging_freq": 1,
              "num_threads": 1, "verbose": -1}
    if os.environ.get("PATIENCE", "0") != "0":
        params["early_stopping_round"] = int(os.environ["PATIENCE"])
    found = lgb.cv(params, lgb.Dataset(X, label=y), int(os.environ.get("ROUNDS", "12")), nfold=3,
                   return_cvbooster=True)
    folds = found.pop("cvbooster")
    left = repr((found, folds.best_iteration, [one.best_iteration for one in folds.boosters]))
    print("HASH", hashlib.sha1(left.encode()).hexdigest())
"""

SCRIPTS = {
    "xgboost": XGBOOST,
    "xgboost-estimator": XGBOOST_ESTIMATOR,
    "xgboost-cv": XGBOOST_CV,
    "lightgbm": LIGHTGBM,
    "lightgbm-estimator": LIGHTGBM_ESTIMATOR,
    "lightgbm-cv": LIGHTGBM_CV,
}
