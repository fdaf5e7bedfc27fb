"""Tell malignant from benign tumours with a random forest."""

from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0)

forest = RandomForestClassifier()
forest.fit(X_train, y_train)

predicted = forest.predict(X_test)
print("Accuracy:", accuracy_score(y_test, predicted))
