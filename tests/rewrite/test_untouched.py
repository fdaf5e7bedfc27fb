"""What must not be touched: outputs, class counts, shapes, seeds, paths, dead values. Tested first."""

from pathlib import Path

import pytest
from rewriting import knobs, rewriter

HEAD = "import keras\nfrom keras import layers\n"
TAIL = "model.compile('adam', 'mse')\nmodel.fit(x, y, epochs=3, batch_size=32)\n"
TRAINING = {"fit.epochs": 3, "fit.batch_size": 32, "compile.learning_rate": 0.001}


def layers_of(folder: Path, body: str) -> dict[str, object]:
    """Return the knobs of a model built by ``body``, those of its training left out."""
    return {k: v for k, v in knobs(rewriter(folder, HEAD + body + TAIL)).items() if k not in TRAINING}


@pytest.mark.parametrize(
    "body",
    [
        "model = keras.Sequential([layers.Dense(10, activation='softmax')])\n",
        "model = keras.Sequential()\nmodel.add(layers.Dense(10))\nmodel.add(layers.Activation('softmax'))\n",
        "model = keras.Sequential([layers.Dense(1)])\n",
        "model = keras.Sequential([layers.Conv2D(3, 1, activation='sigmoid')])\n",
        "model = keras.Sequential([layers.TimeDistributed(layers.Dense(10))])\n",
        "N = 10\nmodel = keras.Sequential([layers.Dense(N, activation='softmax')])\n",
        "i = keras.Input((4,))\no = layers.Dense(10, activation='softmax')(i)\nmodel = keras.Model(i, o)\n",
        "i = keras.Input((4,))\na = layers.Dense(10)(i)\nb = layers.Dense(3)(i)\n"
        "model = keras.Model(i, [a, b])\n",
        "i = keras.Input((4,))\nmodel = keras.Model(inputs=i, outputs=layers.Dense(10)(i))\n",
        "def head(x):\n    return layers.Dense(10, activation='softmax')(x)\n"
        "i = keras.Input((4,))\nmodel = keras.Model(i, head(i))\n",
        "class Net(keras.Model):\n    def __init__(self):\n        super().__init__()\n"
        "        self.out = layers.Dense(10)\nmodel = Net()\n",
        "model = keras.Sequential([layers.Dense(10)])\nif deep:\n    model.add(layers.Dense(10))\n",
        "model = keras.Sequential([layers.Input((4,)), layers.Reshape((2, 2)), layers.Dense(10)])\n",
        "model = keras.Sequential([layers.Conv2D(8, 1), layers.Dense(10)][1:])\n",
        "parts = [layers.Dropout(0.5)]\nparts.append(layers.Dense(10))\nmodel = keras.Sequential(parts)\n",
        "parts = [layers.Dropout(0.5)]\nparts += [layers.Dense(10)]\nmodel = keras.Sequential(parts)\n",
        "parts = [layers.Dropout(0.5)]\nmodel = keras.Sequential(parts + [layers.Dense(10)])\n",
    ],
)
def test_an_output_layer_has_no_knob(tmp_path: Path, body: str) -> None:
    found = layers_of(tmp_path, body)
    assert [name for name in found if "units" in name or name.startswith("activation")] == []
    assert 10 not in found.values()


@pytest.mark.parametrize(
    "body",
    [
        "N = 10\ny = keras.utils.to_categorical(y, N)\n"
        "model = keras.Sequential([layers.Dense(N), layers.Dense(10)])\n",
        "N = 28\nx = x.reshape(-1, N)\nmodel = keras.Sequential([layers.Dense(N), layers.Dense(10)])\n",
        "N = 28\nmodel = keras.Sequential([keras.Input((N,)), layers.Dense(N), layers.Dense(10)])\n",
        "N = 28\nmodel = keras.Sequential([layers.Dense(N, input_shape=(N,)), layers.Dense(10)])\n",
        "N = 28\nkeras.utils.set_random_seed(N)\n"
        "model = keras.Sequential([layers.Dense(N), layers.Dense(10)])\n",
        "N = 28\nimport numpy as np\nnp.random.seed(N)\n"
        "model = keras.Sequential([layers.Dense(N), layers.Dense(9)])\n",
        "N = 10\nmodel = keras.Sequential([layers.Dense(N), layers.Dense(N, activation='softmax')])\n",
    ],
)
def test_a_constant_that_is_also_a_shape_a_seed_or_a_class_count_is_no_knob(
    tmp_path: Path, body: str
) -> None:
    assert layers_of(tmp_path, body) == {}


@pytest.mark.parametrize(
    "body",
    [
        "model = keras.Sequential([layers.Embedding(5000, 16), layers.Dense(1)])\n",
        "V = 5000\nmodel = keras.Sequential([layers.Embedding(V, 16), layers.Dense(1)])\n",
    ],
)
def test_a_vocabulary_is_no_knob(tmp_path: Path, body: str) -> None:
    assert layers_of(tmp_path, body) == {"embedding_1.output_dim": 16}


@pytest.mark.parametrize(
    "body",
    [
        "DEAD = 64\n",
        "def unused():\n    return layers.Dense(64)\n",
        "if False:\n    extra = layers.Dense(64)(x)\n",
        "extra = layers.Dense(64)\n",
        "other = keras.Sequential()\nother.add(layers.Dense(64))\nother.add(layers.Dense(10))\n"
        "other.summary()\n",
        "def a():\n    return layers.Dense(64)\ndef b():\n    return a()\n",
        "# layers.Dense(64)\n'''layers.Dense(64)'''\n",
    ],
)
def test_what_nothing_uses_is_no_knob(tmp_path: Path, body: str) -> None:
    assert layers_of(tmp_path, body + "model = keras.Sequential([layers.Dense(10)])\n") == {}


def test_a_model_that_nothing_trains_has_no_knob(tmp_path: Path) -> None:
    text = HEAD + "model = keras.Sequential([layers.Dense(64), layers.Dense(10)])\nprint(model.summary())\n"
    assert knobs(rewriter(tmp_path, text)) == {}


def test_dense_of_another_library_is_no_knob(tmp_path: Path) -> None:
    text = "from mine import Dense, fit\nx = Dense(64)\nfit(x, epochs=3)\n"
    assert knobs(rewriter(tmp_path, text)) == {}


@pytest.mark.parametrize(
    "call",
    [
        "train_test_split(X, y, test_size=0.2, random_state=42)",
        "KFold(n_splits=5, shuffle=True, random_state=1)",
        "StandardScaler(with_mean=False)",
        "make_classification(n_samples=100, n_features=20)",
        "cross_val_score(model, X, y, cv=5, n_jobs=4)",
    ],
)
def test_splits_seeds_and_jobs_are_no_knobs(tmp_path: Path, call: str) -> None:
    imports = (
        "from sklearn.model_selection import *\nfrom sklearn.datasets import *\n"
        "from sklearn.preprocessing import *\n"
    )
    assert knobs(rewriter(tmp_path, f"{imports}print({call})\n")) == {}


def test_a_forests_seed_and_jobs_are_left_alone(tmp_path: Path) -> None:
    text = (
        "from sklearn.ensemble import RandomForestClassifier as R\n"
        "R(200, random_state=5, n_jobs=3).fit(X, y)\n"
    )
    found = knobs(rewriter(tmp_path, text))
    assert found["random_forest_classifier.n_estimators"] == 200
    assert not {5, 3} & {value for value in found.values() if isinstance(value, int)}


def test_what_the_script_searches_itself_is_left_to_it(tmp_path: Path) -> None:
    text = (
        "from sklearn.svm import SVC\nfrom sklearn.model_selection import GridSearchCV\n"
        "s = GridSearchCV(SVC(C=2.0, gamma=0.5), {'svc__C': [1, 10]}).fit(X, y)\n"
    )
    assert set(knobs(rewriter(tmp_path, text))) == {"svc.gamma", "svc.kernel"}


def test_evaluation_batches_are_no_knobs(tmp_path: Path) -> None:
    text = HEAD + (
        "train = data.flow_from_directory('a', batch_size=16)\n"
        "test = data.flow_from_directory('b', batch_size=50)\n"
        "model = keras.Sequential([layers.Dense(10)])\nmodel.compile('adam', 'mse')\n"
        "model.fit(train, epochs=2, validation_data=test)\nmodel.evaluate(test, batch_size=50)\n"
    )
    found = knobs(rewriter(tmp_path, text))
    assert found["flow_from_directory.batch_size"] == 16
    assert 50 not in found.values()


def test_an_opaque_splat_gains_no_keyword(tmp_path: Path) -> None:
    text = "from sklearn.svm import SVC\nfrom settings import options\nSVC(**options).fit(X, y)\n"
    assert knobs(rewriter(tmp_path, text)) == {}


@pytest.mark.parametrize(
    "embedding",
    [
        "layers.Embedding(1000, WIDTH, weights=[matrix])",
        "layers.Embedding(1000, WIDTH, embeddings_initializer=keras.initializers.Constant(matrix))",
        "layers.Embedding(1000, output_dim=WIDTH, embeddings_initializer=given)",
        "layers.Embedding(1000, WIDTH)",
    ],
)
def test_a_layer_that_is_given_its_weights_stays_as_large_as_they_are(tmp_path: Path, embedding: str) -> None:
    later = "" if "=" in embedding else "model.layers[0].set_weights([matrix])\n"
    body = (
        "import numpy as np\nWIDTH = 50\nmatrix = np.zeros((1000, WIDTH))\n"
        "given = keras.initializers.Constant(matrix)\n"
        f"model = keras.Sequential([{embedding}, layers.LSTM(WIDTH), layers.Dense(1)])\n"
    )
    assert 50 not in layers_of(tmp_path, body + later).values()


@pytest.mark.parametrize("start", ["'he_normal'", "keras.initializers.Constant(0.1)", "None"])
def test_a_layer_that_starts_from_scratch_keeps_its_width_as_a_knob(tmp_path: Path, start: str) -> None:
    embedding = f"layers.Embedding(1000, 50, embeddings_initializer={start}, weights=None)"
    found = layers_of(tmp_path, f"model = keras.Sequential([{embedding}, layers.LSTM(8), layers.Dense(1)])\n")
    assert 50 in found.values()


BY_HAND = """import tensorflow as tf
model = keras.Sequential([layers.Dense(32), layers.Dense(1)])
model.build(input_shape=(BATCH, 20))
optimizer = keras.optimizers.Adam(0.01)
data = tf.data.Dataset.from_tensor_slices(x).batch(BATCH)
for epoch in range(9):
    for x in data:
        optimizer.apply_gradients(step(model, x))
print(tf.reshape(model(x[:BATCH // 2]), [-1, SIDE, SIDE]))
"""


def test_a_batch_size_is_no_part_of_the_shape_of_the_data(tmp_path: Path) -> None:
    found = knobs(rewriter(tmp_path, f"{HEAD}BATCH = 100\nSIDE = 28\n{BY_HAND}"))
    assert found["BATCH"] == 100
    assert not {28, 20, 1} & set(found.values())
    tied = knobs(rewriter(tmp_path, f"{HEAD}BATCH = 100\nSIDE = BATCH\n{BY_HAND}"))
    assert 100 not in tied.values()


def test_a_transposed_convolution_keeps_its_kernel_where_the_output_size_hangs_on_it(tmp_path: Path) -> None:
    def kernels(padding: str) -> list[object]:
        body = (
            f"model = keras.Sequential([layers.Conv2DTranspose(16, 5, 2{padding}), "
            "layers.Conv2DTranspose(1, 7, padding='same')])\n"
        )
        return [value for name, value in layers_of(tmp_path, body).items() if name.endswith("kernel_size")]

    assert kernels("") == kernels(", 'valid'") == [7]
    assert kernels(", 'same'") == kernels(", padding='same'") == [5, 7]


@pytest.mark.parametrize(
    ("written", "offered"), [("relu", True), ("softsign", True), ("default", False), ("linear", False)]
)
def test_an_activation_that_keras_does_not_know_is_none(tmp_path: Path, written: str, offered: bool) -> None:
    body = f"model = keras.Sequential([layers.Dense(8, activation={written!r}), layers.Dense(1)])\n"
    assert (written in layers_of(tmp_path, body).values()) == offered


def test_a_layer_that_gives_one_number_goes_on_giving_one(tmp_path: Path) -> None:
    body = (
        "seen = keras.Input((9, 4))\nscore = layers.Dense(1, activation='tanh')(seen)\n"
        "share = layers.Activation('softmax')(layers.Flatten()(score))\n"
        "bias = layers.Embedding(50, 1)(seen)\n"
        "model = keras.Model(seen, layers.Dense(3)(layers.Multiply()([seen, share, bias])))\n"
    )
    assert 1 not in layers_of(tmp_path, body).values()
