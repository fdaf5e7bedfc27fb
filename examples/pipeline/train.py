"""Predict how diabetes goes on from measured and coded columns, with a scikit-learn pipeline."""

from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.impute import SimpleImputer
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

X, y = load_diabetes(return_X_y=True, scaled=False)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=7)

sex = [1]
measured = [0, 2, 3, 4, 5, 6, 7, 8, 9]
prepare = ColumnTransformer(
    [
        ("measured", make_pipeline(SimpleImputer(strategy="mean"), StandardScaler()), measured),
        ("sex", OneHotEncoder(handle_unknown="ignore"), sex),
    ]
)
model = Pipeline(
    [
        ("prepare", prepare),
        ("select", SelectKBest(f_regression, k=4)),
        ("regress", GradientBoostingRegressor(n_estimators=300, max_depth=5, random_state=0)),
    ]
)

scores = cross_val_score(model, X_train, y_train, cv=5, scoring="r2")
print(f"Cross-validated R2: {scores.mean():.3f} +- {scores.std():.3f}")

model.fit(X_train, y_train)
predicted = model.predict(X_test)
print(f"Test MAE: {mean_absolute_error(y_test, predicted):.2f}")
print(f"Test R2: {r2_score(y_test, predicted):.3f}")
