"""What an expert would name in ordinary scripts, and how a value is written back."""

from pathlib import Path

import pytest
from rewriting import knob, knobs, rewriter, rewritten
from samples import FOREST, FUNCTIONAL, LISTED, SEQUENTIAL


def test_a_sequential_cnn(tmp_path: Path) -> None:
    assert knobs(rewriter(tmp_path, SEQUENTIAL)) == {
        "batch_size": 128, "epochs": 12,
        "conv2d_1.filters": 32, "conv2d_1.kernel_size": 3, "conv2d_1.activation": "relu",
        "conv2d_2.filters": 64, "conv2d_2.kernel_size": 3, "conv2d_2.activation": "relu",
        "dropout_1.rate": 0.25, "dense_1.units": 128, "dense_1.activation": "relu", "dropout_2.rate": 0.5,
        "compile.learning_rate": 0.001,
    }  # fmt: skip


def test_a_functional_cnn_with_options_and_defaults(tmp_path: Path) -> None:
    found = rewriter(tmp_path, FUNCTIONAL)
    styles = {item.name: item.style for item in found.discovery.knobs}
    assert styles["args.units"] == styles["args.lr"] == styles["args.epochs"] == "argparse"
    assert styles["build.filters"] == "default"
    assert styles["KERNEL"] == "constant"
    assert knobs(found)["dropout_1.rate"] == 0.4
    assert knob(found, "KERNEL").tied_to == ("conv2d_1.kernel_size", "conv2d_2.kernel_size")
    assert "args.seed" not in styles
    assert "CLASSES" not in styles


def test_a_recurrent_network_with_a_table_of_widths(tmp_path: Path) -> None:
    found = knobs(rewriter(tmp_path, LISTED))
    assert found["widths.lstm"] == 64
    assert found["widths.dense"] == 32
    assert found["embedding_1.output_dim"] == 128
    assert 20000 not in found.values()


def test_estimators_and_what_they_leave_at_their_defaults(tmp_path: Path) -> None:
    found = knobs(rewriter(tmp_path, FOREST))
    assert found["params.n_estimators"] == 500
    assert found["random_forest_classifier.max_depth"] is None
    assert found["random_forest_classifier_3.max_depth"] == 3
    assert found["svc.C"] == 10.0
    assert "params.random_state" not in found


@pytest.mark.parametrize(
    ("call", "value", "expected"),
    [
        ("R()", 7, "R(max_depth=7)"),
        ("R( )", 7, "R(max_depth=7 )"),
        ("R(50)", 7, "R(50, max_depth=7)"),
        ("R(50,)", 7, "R(50, max_depth=7)"),
        ("R(50,\n  )", 7, "R(50,\n    max_depth=7,\n  )"),
        ("R(\n    50,  # trees\n)", 7, "R(\n    50,  # trees\n    max_depth=7,\n)"),
        ("R(\n    50  # trees\n)", 7, "R(\n    50, max_depth=7  # trees\n)"),
        ("R(\n    # nothing yet\n)", 7, "R(max_depth=7\n    # nothing yet\n)"),
        ("R(50, \\\n  n_jobs=(2))", 7, "R(50, \\\n  n_jobs=(2), max_depth=7)"),
        ("R(**{'n_jobs': 2})", 7, "R(**{'n_jobs': 2}, max_depth=7)"),
    ],
)
def test_a_missing_argument_is_added_in_the_style_of_the_call(
    tmp_path: Path, call: str, value: int, expected: str
) -> None:
    head = "from sklearn.ensemble import RandomForestClassifier as R\nforest = "
    found = rewriter(tmp_path, f"{head}{call}\nforest.fit(X, y)\n")
    text = rewritten(found, {"random_forest_classifier.max_depth": value})
    assert text == f"{head}{expected}\nforest.fit(X, y)\n"


@pytest.mark.parametrize(
    ("literal", "value", "written"),
    [
        ("'relu'", "tanh", "'tanh'"),
        ('"relu"', "tanh", '"tanh"'),
        ('"relu"if x else"relu"', "tanh", '"tanh"if x else"relu"'),
    ],
)
def test_strings_keep_the_authors_quotes(tmp_path: Path, literal: str, value: str, written: str) -> None:
    text = (
        f"import keras\n"
        f"m = keras.Sequential([keras.layers.Dense(8, activation={literal}), keras.layers.Dense(2)])\n"
        "m.compile('adam', 'mse')\nm.fit(x, y)\n"
    )
    found = rewriter(tmp_path, text)
    assert rewritten(found, {"dense_1.activation": value}) == text.replace(literal, written)


def test_a_number_beside_a_keyword_stays_apart_from_it(tmp_path: Path) -> None:
    text = "from sklearn.svm import SVC\nc=lambda:SVC(gamma=.1)if x else.5\nprint(c().fit(X, y))\n"
    found = rewriter(tmp_path, text)
    assert rewritten(found, {"svc.gamma": 0.3}) == text.replace("=.1", "=0.3")


def test_a_square_kernel_is_one_value_in_two_places(tmp_path: Path) -> None:
    found = rewriter(tmp_path, SEQUENTIAL)
    assert len(knob(found, "conv2d_2.kernel_size").spans) == 2
    assert rewritten(found, {"conv2d_2.kernel_size": 5}) == SEQUENTIAL.replace("64, (3, 3)", "64, (5, 5)")


def test_a_constant_changes_in_one_place_for_all_that_use_it(tmp_path: Path) -> None:
    text = rewritten(rewriter(tmp_path, FUNCTIONAL), {"KERNEL": 5})
    assert text == FUNCTIONAL.replace("KERNEL = 3", "KERNEL = 5")


def test_a_constant_of_another_file_is_changed_there(tmp_path: Path) -> None:
    (tmp_path / "config.py").write_text("TREES = 50\n")
    text = "from config import TREES\nfrom sklearn.ensemble import RandomForestClassifier\n"
    found = rewriter(tmp_path, text + "RandomForestClassifier(TREES).fit(X, y)\n")
    from pushtune.model.space import Assignment

    candidate = found.apply(Assignment.of({"TREES": 80}))
    assert candidate.files[1].data == b"TREES = 80\n"
    assert candidate.diff.startswith("--- a/config.py\n+++ b/config.py\n")


def test_widths_of_a_perceptron_and_n_grams_are_elements_of_a_tuple(tmp_path: Path) -> None:
    text = (
        "from sklearn.neural_network import MLPClassifier\n"
        "from sklearn.feature_extraction.text import TfidfVectorizer\n"
        "MLPClassifier(hidden_layer_sizes=(64, 32)).fit(X, y)\nTfidfVectorizer().fit(X)\n"
    )
    found = rewriter(tmp_path, text)
    values = {"mlp_classifier.hidden_layer_sizes_2": 48, "tfidf_vectorizer.ngram_range": 2}
    expected = text.replace("(64, 32)", "(64, 48)").replace("Vectorizer()", "Vectorizer(ngram_range=(1, 2))")
    assert rewritten(found, values) == expected


def test_names_stay_where_a_value_changes(tmp_path: Path) -> None:
    found = rewriter(tmp_path, SEQUENTIAL)
    again = rewriter(tmp_path, rewritten(found, {"compile.learning_rate": 0.01, "dense_1.units": 50}))
    assert knobs(again) == {**knobs(found), "compile.learning_rate": 0.01, "dense_1.units": 50}


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "# nothing\n", '"""Only words."""', "from keras.layers import *\nexec('Dense(3)')\n",
        "import keras\nmatch x:\n    case keras.layers.Dense(64): pass\n",
        "import keras\n@keras.saving.register_keras_serializable()\nclass A(keras.layers.Layer): pass\n",
        "import keras\nprint(f\"{keras.layers.Dense(64)!r} {'a' 'b'}\")\n",
        "import keras\n(m := keras.Sequential([keras.layers.Dense(64)])).compile('adam')\n",
        "import keras\nmodel = keras.Model()\nmodel.compile()\nmodel.fit()\n",
        "import keras\nkeras.Sequential().add()\nkeras.layers.Dense()\nkeras.layers.Dense(*a, **b)\n",
    ],
)  # fmt: skip
def test_odd_sources_are_no_crash(tmp_path: Path, text: str) -> None:
    rewriter(tmp_path, text)


def test_a_model_that_is_overwritten_before_anything_reads_it_has_no_knobs(tmp_path: Path) -> None:
    text = """\
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVC
model = Pipeline([("scale", MinMaxScaler()), ("model", SVC(C=3.0))])
model = make_pipeline(MinMaxScaler(), RandomForestClassifier(n_estimators=50))
model.fit(X, y)
"""
    found = knobs(rewriter(tmp_path, text))
    assert found["random_forest_classifier.n_estimators"] == 50
    assert not any(name.startswith("svc") for name in found)


CHOSEN = """\
import argparse
import torch
from torch import nn
parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--model", default="narrow", choices=["narrow", "wide"])
parser.add_argument("--quick", action="store_true")
args = parser.parse_args()
if args.quick:
    args.epochs = 1

def make(args):
    if args.model == "narrow":
        return nn.Sequential(nn.Linear(4, 30), nn.ReLU(), nn.Linear(30, 2))
    return nn.Sequential(nn.Linear(4, 100), nn.ReLU(), nn.Linear(100, 2))

model = make(args)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(args.epochs):
    loss = nn.functional.cross_entropy(model(torch.randn(8, 4)), torch.randint(0, 2, (8,)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print("val loss", loss.item())
"""


def test_an_option_that_is_not_given_leaves_only_its_own_way_to_tune(tmp_path: Path) -> None:
    found = knobs(rewriter(tmp_path, CHOSEN))
    assert found["args.epochs"] == 5
    assert 30 in found.values()
    assert 100 not in found.values()


def test_an_option_that_is_given_leaves_only_its_own_way_to_tune(tmp_path: Path) -> None:
    found = knobs(rewriter(tmp_path, CHOSEN, "--model", "wide", "--quick"))
    assert 100 in found.values()
    assert 30 not in found.values()
