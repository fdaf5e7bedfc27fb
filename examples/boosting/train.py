"""Read handwritten digits with gradient-boosted trees."""

import xgboost as xgb
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split

X, y = load_digits(return_X_y=True)
X_rest, X_test, y_rest, y_test = train_test_split(X, y, test_size=0.25, random_state=0)
X_train, X_valid, y_train, y_valid = train_test_split(X_rest, y_rest, test_size=0.25, random_state=0)

dtrain = xgb.DMatrix(X_train, label=y_train)
dvalid = xgb.DMatrix(X_valid, label=y_valid)
dtest = xgb.DMatrix(X_test)

params = {
    "objective": "multi:softprob",
    "num_class": 10,
    "eval_metric": ["merror", "mlogloss"],
    "max_depth": 6,
    "eta": 0.3,
    "seed": 0,
}
booster = xgb.train(
    params,
    dtrain,
    num_boost_round=40,
    evals=[(dtrain, "train"), (dvalid, "valid")],
    verbose_eval=10,
)

probabilities = booster.predict(dtest)
print("Log loss:", log_loss(y_test, probabilities))
print("Accuracy:", accuracy_score(y_test, probabilities.argmax(axis=1)))
