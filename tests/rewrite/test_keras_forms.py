"""Keras in its many forms: schedules as functions, models in models, sums, loops by hand, old names."""

from __future__ import annotations

from pathlib import Path

import pytest
from rewriting import knob, knobs, rewriter, rewritten

HEAD = "import keras\nfrom keras import layers\nfrom keras.callbacks import *\n"
MODEL = "model = keras.Sequential([layers.Dense(20, activation='relu'), layers.Dense(3)])\n"


def fitted(callbacks: str) -> str:
    return (
        f"model.compile('sgd', 'mse')\nmodel.fit(x, y, epochs=30, batch_size=16, callbacks=[{callbacks}])\n"
    )


# ---------------------------------------------------------------- what must not be touched


@pytest.mark.parametrize(
    "function",
    [
        "def plan(epoch):\n    return rates[epoch]\n",
        "def plan(epoch):\n    print('epoch', 10)\n    return float(open('rate').read())\n",
        "def plan(epoch, lr):\n    if epoch == last:\n        return lr\n    return lr\n",
    ],
)
def test_a_schedule_without_numbers_of_its_own_has_no_knob(tmp_path: Path, function: str) -> None:
    found = knobs(rewriter(tmp_path, HEAD + function + MODEL + fitted("LearningRateScheduler(plan)")))
    assert [name for name in found if "scheduler" in name or name.startswith("plan")] == []
    assert 10 not in found.values()


def test_a_function_that_no_scheduler_is_given_has_no_knob(tmp_path: Path) -> None:
    text = HEAD + "def plan(epoch):\n    lr = 0.07\n    return lr if epoch < 10 else lr * 0.1\n" + MODEL
    assert 0.07 not in knobs(rewriter(tmp_path, text + fitted(""))).values()


ADVERSARIAL = HEAD + (
    "noise = keras.Input((32,))\n"
    "generator = keras.Model(noise, layers.Dense(784, activation='tanh')(layers.Dense(128)(noise)))\n"
    "image = keras.Input((784,))\n"
    "judge = keras.Model(image, layers.Dense(1, activation='sigmoid')(layers.Dense(64)(image)))\n"
    "judge.compile('adam', 'binary_crossentropy')\n"
    "both = keras.Model(noise, judge(generator(noise)))\nboth.compile('adam', 'binary_crossentropy')\n"
    "for step in range(100):\n    judge.train_on_batch(x, y)\n    both.train_on_batch(z, y)\n"
)


def test_what_a_generator_makes_has_the_size_of_the_data(tmp_path: Path) -> None:
    found = knobs(rewriter(tmp_path, ADVERSARIAL))
    assert 784 not in found.values()
    assert 32 not in found.values()
    assert {128, 64} <= set(found.values())


@pytest.mark.parametrize("use", ["decoder.predict(grid)", "decoder.fit(z, x)", "show(decoder)"])
def test_a_code_that_something_else_reads_stays(tmp_path: Path, use: str) -> None:
    assert "CODE" not in knobs(rewriter(tmp_path, f"{ENCODING}{use}\n"))


# ---------------------------------------------------------------- what is found


def test_rates_factors_and_milestones_of_a_schedule(tmp_path: Path) -> None:
    function = (
        "def plan(epoch):\n    lr = 1e-2\n    if epoch > 20:\n        lr *= 0.1\n"
        "    elif epoch > 10:\n        lr *= 0.5\n    return lr\n"
    )
    text = HEAD + function + MODEL + fitted("LearningRateScheduler(plan, verbose=1)")
    found = rewriter(tmp_path, text)
    values = knobs(found)
    assert [v for k, v in values.items() if "milestone" in k] == [20, 10]
    assert [v for k, v in values.items() if "factor" in k] == [0.1, 0.5]
    assert 0.01 in values.values()
    assert rewritten(found, {"learning_rate_scheduler.milestone_2": 5}) == text.replace("> 10", "> 5")


@pytest.mark.parametrize(
    ("scheduler", "values"),
    [
        ("LearningRateScheduler(lambda epoch: 0.05 * 0.9 ** epoch)", {0.05, 0.9}),
        ("LearningRateScheduler(lambda epoch, lr: lr * 0.95)", {0.95}),
        ("LearningRateScheduler(schedule=step_decay)", {0.1, 0.5, 10.0}),
    ],
)
def test_schedules_in_other_forms(tmp_path: Path, scheduler: str, values: set[float]) -> None:
    function = (
        "import math\ndef step_decay(epoch):\n    initial_lrate = 0.1\n    drop = 0.5\n    epochs_drop = 10\n"
        "    return initial_lrate * math.pow(drop, math.floor((1 + epoch) / epochs_drop))\n"
    )
    found = knobs(rewriter(tmp_path, HEAD + function + MODEL + fitted(scheduler)))
    assert values <= {value for value in found.values() if not isinstance(value, str)}


ENCODING = HEAD + (
    "CODE = 12\ni = keras.Input((64,))\nencoder = keras.Model(i, layers.Dense(CODE)(layers.Dense(40)(i)))\n"
    "c = keras.Input(shape=(CODE,))\n"
    "decoder = keras.Model(c, layers.Dense(64, activation='sigmoid')(layers.Dense(40)(c)))\n"
    "whole = keras.Model(i, decoder(encoder(i)))\nwhole.compile('adam', 'mse')\nwhole.fit(x, x, epochs=3)\n"
)


def test_the_code_between_encoder_and_decoder_is_a_width(tmp_path: Path) -> None:
    found = rewriter(tmp_path, ENCODING)
    assert knobs(found)["CODE"] == 12
    assert 64 not in knobs(found).values()
    assert rewritten(found, {"CODE": 7}) == ENCODING.replace("CODE = 12", "CODE = 7")


RESIDUAL = HEAD + (
    "def block(x, filters=16):\n    return layers.Conv2D(filters, 3, padding='same')(x)\n"
    "i = keras.Input((8, 8, 1))\nx = block(i)\nwidth = 16\n"
    "x = layers.add([x, block(x, width)])\nx = layers.Flatten()(x)\n"
    "x = layers.Dense(50, activation='relu')(x)\no = layers.Dense(10)(x)\n"
    "model = keras.Model(i, o)\nmodel.compile('adam', 'mse')\nmodel.fit(x, y, epochs=2)\n"
)


def test_equal_widths_of_a_model_with_sums_are_one_knob(tmp_path: Path) -> None:
    found = rewriter(tmp_path, RESIDUAL)
    wide = [item for item in found.discovery.knobs if item.value == 16 and item.role == "filters"]
    assert len(wide) == 1
    assert rewritten(found, {wide[0].name: 24}) == RESIDUAL.replace("=16", "=24").replace("= 16", "= 24")
    assert knobs(found)["dense_1.units"] == 50


def test_a_loop_written_by_hand(tmp_path: Path) -> None:
    text = (
        Path(__file__).parents[2].joinpath("examples", "keras_loop", "train.py").read_text(encoding="utf-8")
    )
    found = rewriter(tmp_path, text)
    assert knobs(found) == {
        "EPOCHS": 15, "BATCH_SIZE": 32, "LEARNING_RATE": 0.001, "conv2d_1.filters": 16,
        "conv2d_1.kernel_size": 3, "conv2d_1.activation": "relu", "dense_1.units": 48,
        "dense_1.activation": "relu", "dropout_1.rate": 0.3,
    }  # fmt: skip


def test_a_train_step_of_ones_own(tmp_path: Path) -> None:
    text = HEAD + (
        "class Own(keras.Model):\n    def __init__(self):\n        super().__init__()\n"
        "        self.hidden = layers.Dense(24, activation='relu')\n        self.out = layers.Dense(3)\n"
        "    def call(self, x):\n        return self.out(self.hidden(x))\n"
        "    def train_step(self, data):\n        self.optimizer.apply_gradients(zip(g, v))\n"
        "model = Own()\nmodel.compile(keras.optimizers.Adam(0.01), 'mse')\n"
        "model.fit(x, y, epochs=4, batch_size=8)\n"
    )
    found = knobs(rewriter(tmp_path, text))
    assert found["dense_1.units"] == 24
    assert found["compile.learning_rate"] == 0.01
    assert (found["fit.epochs"], found["fit.batch_size"]) == (4, 8)
    assert 3 not in found.values()


def test_batches_that_only_measure_are_no_knob_of_a_loop(tmp_path: Path) -> None:
    text = HEAD + (
        "model = keras.Sequential([layers.Dense(20), layers.Dense(3)])\nopt = keras.optimizers.SGD(0.1)\n"
        "train = make(x).shuffle(5000).batch(32)\ntest = make(z).batch(77)\n"
        "def step(a):\n    opt.apply_gradients(zip(g, model.trainable_variables))\n"
        "for epoch in range(3):\n    for a in train:\n        step(a)\n"
        "    for b in test:\n        measure(b)\n"
    )
    found = knobs(rewriter(tmp_path, text))
    assert found["batch.batch_size"] == 32
    assert {77, 5000}.isdisjoint(value for value in found.values() if isinstance(value, int))


@pytest.mark.parametrize(
    ("layer", "name", "value"),
    [
        ("layers.Dense(output_dim=30)", "dense_1.units", 30),
        ("layers.Dropout(p=0.4)", "dropout_1.rate", 0.4),
        ("layers.Convolution2D(nb_filter=12, nb_row=3, nb_col=3)", "conv2d_1.filters", 12),
        ("layers.LSTM(output_dim=30, dropout_W=0.2)", "lstm_1.dropout", 0.2),
    ],
)
def test_names_of_the_first_keras(tmp_path: Path, layer: str, name: str, value: float) -> None:
    text = HEAD + f"model = keras.Sequential([{layer}, layers.Dense(3)])\n"
    found = rewriter(
        tmp_path, text + "model.compile('adam', 'mse')\nmodel.fit(x, y, nb_epoch=7, batch_size=5)\n"
    )
    assert knobs(found)[name] == value
    assert 7 in knobs(found).values()


def test_a_patience_and_a_decay(tmp_path: Path) -> None:
    text = (
        HEAD
        + MODEL
        + (
            "rate = keras.optimizers.schedules.ExponentialDecay(0.01, decay_steps=500, decay_rate=0.96)\n"
            "model.compile(keras.optimizers.Adam(rate), 'mse')\n"
            "model.fit(x, y, epochs=3, callbacks=[EarlyStopping(monitor='val_loss', patience=4)])\n"
        )
    )
    found = rewriter(tmp_path, text)
    assert knobs(found)["early_stopping.patience"] == 4
    assert knobs(found)["exponential_decay.decay_rate"] == 0.96
    assert knob(found, "exponential_decay.decay_steps").value == 500


DEEP = HEAD + (
    "DEPTH = 4\nmodel = keras.Sequential()\nfor _ in range(DEPTH):\n    model.add(layers.Dense(20))\n"
    "model.add(layers.Dense(3))\nmodel.compile('adam', 'mse')\nmodel.fit(x, y, epochs=3)\n"
)


def test_how_often_a_loop_adds_layers(tmp_path: Path) -> None:
    found = rewriter(tmp_path, DEEP)
    assert knobs(found)["DEPTH"] == 4
    assert (knob(found, "DEPTH").domain.low, knob(found, "DEPTH").domain.high) == (1, 12)
    assert rewritten(found, {"DEPTH": 2}) == DEEP.replace("DEPTH = 4", "DEPTH = 2")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("range(DEPTH)", "range(4)"),
        ("range(DEPTH)", "range(2, DEPTH)"),
        ("for _ in range(DEPTH):", "pool = keras.layers.Normalization()\nfor _ in names[:DEPTH]:"),
    ],
)
def test_a_loop_without_a_named_number_of_rounds_stays(tmp_path: Path, old: str, new: str) -> None:
    assert 4 not in knobs(rewriter(tmp_path, DEEP.replace(old, new))).values()


def test_rounds_that_shrink_the_image_get_no_more(tmp_path: Path) -> None:
    text = DEEP.replace("layers.Dense(20)", "layers.Conv2D(20, 3)").replace(
        "20, 3))\n", "20, 3))\n    model.add(layers.MaxPooling2D())\n"
    )
    assert knob(rewriter(tmp_path, text), "DEPTH").domain.high == 4


def test_a_loop_that_trains_several_models_counts_no_layers(tmp_path: Path) -> None:
    text = HEAD + (
        "RUNS = 4\nfor run in range(RUNS):\n"
        "    model = keras.Sequential([layers.Dense(20), layers.Dense(3)])\n"
        "    model.compile('adam', 'mse')\n    model.fit(x, y, epochs=3)\n"
    )
    assert "RUNS" not in knobs(rewriter(tmp_path, text))


WRAPPED = """
from keras import Sequential, layers
from scikeras.wrappers import KerasClassifier
from sklearn.model_selection import cross_val_score, GridSearchCV

def build(width=60):
    model = Sequential([layers.Dense(width), layers.Dense(30), layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model

wrapped = KerasClassifier(model=build, epochs=100, batch_size=5)
"""


def test_a_model_that_a_wrapper_builds_and_trains_has_knobs(tmp_path: Path) -> None:
    found = knobs(rewriter(tmp_path, WRAPPED + "print(cross_val_score(wrapped, x, y, cv=3).mean())\n"))
    assert {60, 30, 5} <= set(found.values())
    assert not {1, 3, 100} & set(found.values())


def test_what_the_scripts_own_search_varies_in_a_wrapped_model_stays(tmp_path: Path) -> None:
    found = knobs(rewriter(tmp_path, WRAPPED + "GridSearchCV(wrapped, {'model__width': [8, 9]}).fit(x, y)\n"))
    assert not {60, 8, 9} & set(found.values())


RESNET = """import keras
from keras import layers
n = 3
version = 1
if version == 1:
    depth = n * 6 + 2
elif version == 2:
    depth = n * 9 + 2
def resnet(shape, depth):
    blocks = int((depth - 2) / 6)
    x = inputs = keras.Input(shape=shape)
    for stack in range(3):
        for block in range(blocks):
            strides = 1
            if stack > 0 and {first}:
                strides = 2
            y = layers.Conv2D(16, 3, strides=strides, padding="same")(x)
            x = layers.Activation("relu")(y)
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(layers.Flatten()(x)))
model = resnet((32, 32, 3), depth=depth)
model.compile("adam", "categorical_crossentropy")
model.fit(x, y, epochs=2)
"""


def test_a_depth_that_is_computed_from_a_constant(tmp_path: Path) -> None:
    found = rewriter(tmp_path, RESNET.format(first="block == 0"))
    domain = knob(found, "n").domain
    assert (domain.low, domain.high) == (1, 9), "only one block of each stack halves the picture"
    assert "\nn = 5\n" in rewritten(found, {"n": 5})
    shrinking = knob(rewriter(tmp_path, RESNET.format(first="block >= 0")), "n").domain
    assert (shrinking.low, shrinking.high) == (1, 3), "each block does: there may be fewer, never more"


def test_the_depth_of_an_encoding_is_its_number_of_classes(tmp_path: Path) -> None:
    text = "import tensorflow as tf, keras\nDEPTH = 10\ny = tf.one_hot(labels, depth=DEPTH)\n"
    text += "m = keras.Sequential([keras.layers.Dense(DEPTH), keras.layers.Dense(DEPTH)])\n"
    text += "m.compile('adam', 'mse')\nm.fit(x, y)\n"
    assert "DEPTH" not in knobs(rewriter(tmp_path, text))
