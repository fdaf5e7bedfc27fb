"""Boosting scripts in the styles in which people write parameters, each as text."""

from __future__ import annotations

DICT = """\
import xgboost as xgb
from data import load

dtrain, dtest = load()
param = {'max_depth': 2, "eta": 1, 'objective': 'binary:logistic', 'nthread': 4, 'seed': 7, 'num_class': 2}
num_round = 20
bst = xgb.train(param, dtrain, num_boost_round=num_round, evals=[(dtest, 'eval'), (dtrain, 'train')])
print(bst.eval(dtest))
"""

STORED = """\
import xgboost as xgb
from data import dtrain

param = {}
param['objective'] = 'binary:logitraw'
param['eta'] = 0.1  # slow
param['max_depth'] = 6
param['eval_metric'] = 'auc'
plst = list(param.items()) + [('eval_metric', 'ams@0.15')]
bst = xgb.train(plst, dtrain, 120, [(dtrain, 'train')])
bst.save_model('higgs.model')
"""

TRAILING = """\
import lightgbm as lgb
from data import X, y, X_test, y_test

params = {
    "boosting_type": "gbdt",
    "objective": "regression",
    "num_leaves": 31,
    "learning_rate": 0.05,
    "feature_fraction": 0.9,
    "bagging_fraction": 0.8,
    "bagging_freq": 5,
    "num_threads": 2,
    "verbose": 0,   # quiet
}
train_set = lgb.Dataset(X, y)
model = lgb.train(params, train_set, valid_sets=[lgb.Dataset(X_test, y_test, reference=train_set)],
                  callbacks=[lgb.early_stopping(5)])
print(model.predict(X_test))
"""

FUNCTION = """\
import lightgbm
from data import X, y

BASE = dict(learning_rate=0.1, num_leaves=63)

def settings(depth=7):
    params = BASE.copy()
    params.update({"max_depth": depth, "min_child_samples": 10}, reg_lambda=1.5)
    params.setdefault("learning_rate", 0.9)
    return params

clf = lightgbm.LGBMClassifier(n_estimators=300, random_state=3, n_jobs=2, **settings())
clf.fit(X, y)
"""

PAIRS = """\
from xgboost import train as fit, DMatrix
from data import X, y

model = fit([("eta", .3), ("max_depth", 4)], DMatrix(X, y), 50)
print(model)
"""

EMPTY = """\
import xgboost as xgb
from data import d
params = {}
extra = dict()
xgb.cv(params, d, 10)
xgb.train(extra, d)
"""

PIPELINE = """\
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier, XGBRFRegressor
from data import X, y

model = XGBClassifier(max_depth=4, eta=0.2, n_jobs=4, objective="binary:logistic")
steps = make_pipeline(StandardScaler(), model)
steps.fit(X, y)
print(steps.score(X, y), XGBRFRegressor(n_estimators=50).fit(X, y).score(X, y))
"""

SAMPLES = {
    "dict": DICT,
    "stored": STORED,
    "trailing": TRAILING,
    "function": FUNCTION,
    "pairs": PAIRS,
    "empty": EMPTY,
    "pipeline": PIPELINE,
}
