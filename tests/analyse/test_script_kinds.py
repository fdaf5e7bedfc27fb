"""What a script is, and the lines that show it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pushtune.analyse.kinds import recognise
from pushtune.analyse.reading import Reading

Write = Callable[..., Reading]

KERAS = "from keras import Sequential, layers\nmodel = Sequential()\n"


def keras(*layers: str) -> str:
    return KERAS + "".join(f"model.add(layers.{layer})\n" for layer in layers)


@pytest.mark.parametrize(
    ("source", "framework", "kind"),
    [
        (keras("Conv2D(8, 3)", "Flatten()", "Dense(10)"), "keras", "CNN"),
        (keras("Embedding(100, 8)", "Bidirectional(layers.LSTM(8))", "Dense(1)"), "keras", "RNN"),
        (keras("Dense(64)", "Dense(10)"), "keras", "MLP"),
        (keras("Dense(1)"), "keras", "linear"),
        (keras("MultiHeadAttention(2, 8)", "Conv1D(8, 3)", "Dense(1)"), "keras", "transformer"),
        (keras("Conv2D(8, 3)") + "model.fit(x, x, epochs=3)\n", "keras", "autoencoder"),
        ("from tensorflow import keras\nbase = keras.applications.VGG16(weights=None)\n", "keras", "CNN"),
        ("import tensorflow as tf\ntf.keras.layers.Conv1D(8, 3)\n", "keras", "CNN"),
        ("from sklearn.ensemble import RandomForestClassifier as F\nF()\n", "sklearn", "tree-ensemble"),
        ("from sklearn import ensemble\nensemble.GradientBoostingRegressor()\n", "sklearn", "GBM"),
        ("from sklearn import tree\ntree.DecisionTreeClassifier()\n", "sklearn", "tree"),
        ("from sklearn.svm import SVC\nSVC()\n", "sklearn", "SVM"),
        ("from sklearn.linear_model import LogisticRegression\nLogisticRegression()\n", "sklearn", "linear"),
        ("from sklearn.neighbors import KNeighborsClassifier\nKNeighborsClassifier()\n", "sklearn", "kNN"),
        ("from sklearn.naive_bayes import GaussianNB\nGaussianNB()\n", "sklearn", "naive-bayes"),
        ("from sklearn.cluster import KMeans\nKMeans(3)\n", "sklearn", "clustering"),
        ("from sklearn.neural_network import MLPClassifier\nMLPClassifier()\n", "sklearn", "MLP"),
        ("import torch.nn as nn\nnn.Conv2d(1, 8, 3)\n", "torch", "CNN"),
        ("import xgboost as xgb\nxgb.XGBClassifier()\n", "xgboost", "GBM"),
        ("import lightgbm as lgb\nlgb.train({}, d)\n", "lightgbm", "GBM"),
        ("import tensorflow as tf\nx = tf.placeholder(tf.float32)\n", "tensorflow1", "MLP"),
        ("import tensorflow as tf\ntf.train.AdamOptimizer(0.1)\n", "tensorflow1", "unknown"),
        ("import tensorflow as tf\ntf.estimator.BoostedTreesClassifier()\n", "tensorflow1", "GBM"),
        ("import tensorflow as tf\ntf.estimator.LinearRegressor(c)\n", "tensorflow1", "linear"),
        (
            "from tensorflow.contrib.tensor_forest.python import tensor_forest as f\nf.Graphs(p)\n",
            "tensorflow1",
            "tree-ensemble",
        ),
        (
            "from keras import layers\nlayers.Dense(2)\nimport tensorflow as tf\ntf.train.AdamOptimizer()\n",
            "keras",
            "linear",
        ),
        ("from transformers import Trainer\nTrainer()\n", "hf", "transformer"),
        (
            "import tensorflow as tf\nold = tf.train.AdamOptimizer()\nopt = tf.keras.optimizers.Adam()\n"
            "with tf.GradientTape() as tape:\n    step(tape)\n",
            "keras",
            "unknown",
        ),
        ("import theano\ny, _ = theano.scan(step, x)\nf = theano.function([x], y)\n", "theano", "RNN"),
        ("import jax\nfrom sklearn.utils import shuffle\njax.grad(f)\n", "jax", "unknown"),
        ("import lightning as L\nL.Trainer()\n", "lightning", "unknown"),
        ("print('hello')\n", "unknown", "unknown"),
    ],
)
def test_it_names_framework_and_kind(write: Write, source: str, framework: str, kind: str) -> None:
    found = recognise(write(source))
    assert (found.framework, found.kind) == (framework, kind)


def test_a_verdict_comes_with_the_line_that_shows_it(write: Write) -> None:
    evidence = recognise(write(keras("Conv2D(8, 3)", "Flatten()", "Dense(10)"))).evidence
    assert [(item.file, item.line, item.text, item.why) for item in evidence] == [
        ("train.py", 3, "model.add(layers.Conv2D(8, 3))", "a convolution layer"),
    ]


def test_convolutions_before_a_recurrent_layer_are_both_shown(write: Write) -> None:
    found = recognise(write(keras("Conv1D(8, 3)", "Conv1D(8, 3)", "LSTM(8)", "Dense(1)")))
    assert (found.kind, found.also) == ("CNN", ("RNN",))
    assert {item.line for item in found.evidence} == {3, 4, 5}


def test_a_pipeline_is_called_after_its_last_step(write: Write) -> None:
    source = """
        from sklearn.pipeline import make_pipeline
        from sklearn.decomposition import PCA
        from sklearn.neural_network import BernoulliRBM
        from sklearn.svm import SVC
        model = make_pipeline(PCA(), BernoulliRBM(), SVC())
    """
    found = recognise(write(source))
    assert (found.kind, found.evidence[0].line) == ("SVM", 6)


def test_the_model_inside_an_ensemble_is_not_the_kind(write: Write) -> None:
    source = """
        from sklearn.ensemble import AdaBoostClassifier
        from sklearn.tree import DecisionTreeClassifier
        stump = DecisionTreeClassifier(max_depth=1)
        model = AdaBoostClassifier(stump)
    """
    found = recognise(write(source))
    assert (found.kind, found.also) == ("tree-ensemble", ())


def test_a_layer_that_is_built_in_a_local_module_counts(write: Write) -> None:
    found = recognise(
        write(
            "from net import build\nbuild()\n",
            net__py="import keras\ndef build():\n    return keras.layers.Conv2D(4, 3)\n",
        )
    )
    assert (found.kind, found.evidence[0].file, found.evidence[0].line) == ("CNN", "net.py", 3)


NUMPY = "import numpy as np\nW = np.zeros(3)\nfor epoch in range(9):\n"


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        (("w -= lr * gradient", "b -= lr * gradient.sum()"), "linear"),
        (("self.w = self.w - self.learning_rate * dw",), "linear"),
        (("W1 -= lr * d1", "W2 -= lr * d2"), "MLP"),
        (("p['W1'] -= alpha * g['W1']", "p['W2'] -= alpha * g['W2']", "p['b1'] -= alpha * g['b1']"), "MLP"),
        (("weights = [w - (eta / len(batch)) * g for w, g in zip(weights, grads)]",), "MLP"),
        (("weights[layer] += eta * delta",), "MLP"),
        (("count -= 1", "total += lr", "best = best - 0.1 * best"), "unknown"),
    ],
)
def test_gradient_descent_by_hand_is_told_by_its_steps(
    write: Write, steps: tuple[str, ...], kind: str
) -> None:
    found = recognise(write(NUMPY + "".join(f"    {step}\n" for step in steps)))
    assert (found.framework, found.kind) == ("unknown" if kind == "unknown" else "numpy", kind)
    assert not found.tunable


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("class VAE(keras.Model): ...\nmodel = VAE()\n", "VAE"),
        ("def sampling(a): ...\nz = layers.Lambda(sampling)([m, v])\nvae.fit(x, x)\n", "VAE"),
        ("class Net:\n    def call(self, x):\n        return self.reparameterize(x)\nNet()\n", "VAE"),
        ("def build_autoencoder(): ...\nmodel = build_autoencoder()\n", "autoencoder"),
        ("generator = make_generator()\ndiscriminator = make_discriminator()\n", "GAN"),
        ("self.critic = self.build(1)\nself.generator = self.build(2)\n", "GAN"),
        ("train_generator = keras.preprocessing.image.ImageDataGenerator()\ncritic = read()\n", "MLP"),
    ],
)
def test_what_keras_code_calls_its_networks_tells_what_they_are(write: Write, source: str, kind: str) -> None:
    layers = "import keras\nfrom keras import layers\nlayers.Dense(8)\nlayers.Dense(2)\n"
    assert recognise(write(layers + source)).kind == kind


def test_a_descent_that_only_an_unused_helper_has_is_none(write: Write) -> None:
    helper = "import numpy as np\ndef descend(w, lr, g):\n    w -= lr * g\n    return w\ndef read(): ...\n"
    assert recognise(write("from helper import read\nread()\n", helper__py=helper)).framework == "unknown"
    used = "from helper import descend\nfor i in range(9):\n    w = descend(w, 1, 2)\n"
    assert recognise(write(used, helper__py=helper)).framework == "numpy"


def test_a_network_that_is_chosen_by_its_name(write: Write) -> None:
    chosen = "import torch, torchvision.models as models\nname = 'resnet18'\nmodel = {}()\n"
    for made in ("models.__dict__[name]", "getattr(models, name)"):
        assert recognise(write(chosen.format(made))).kind == "CNN"


def test_what_is_never_trained_does_not_count(write: Write) -> None:
    text = """
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.svm import SVC
        model = SVC()
        model = SVC(C=3)
        model = RandomForestClassifier()
        model.fit(X, y)
        """
    found = recognise(write(text))
    assert (found.kind, found.also) == ("tree-ensemble", ())
