"""Moves on layers: what the patched script looks like, and what is left alone."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from moving import Moving, moving

from pushtune.errors import InfeasibleError

Write = Callable[[str], Moving]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a script, and find its moves."""

    def _write(text: str) -> Moving:
        path = tmp_path / "train.py"
        path.write_bytes(textwrap.dedent(text).lstrip("\n").encode())
        return moving(path)

    return _write


ADDED = """
from keras.layers import Conv2D, Dense, Flatten, MaxPooling2D
from keras.models import Sequential

model = Sequential()
# the first block
model.add(Conv2D(8, 3, padding="same", input_shape=(32, 32, 3), name="first"))  # thin
model.add(MaxPooling2D(2))
model.add(Conv2D(16, 3, padding="same"))
model.add(MaxPooling2D(2))
model.add(Flatten())
model.add(Dense(64, activation="relu"))
model.add(Dense(10, activation="softmax"))
"""

LISTED = """
import tensorflow as tf
def build():
    return tf.keras.Sequential([
        tf.keras.Input(shape=(28, 28, 1)),
        tf.keras.layers.Conv2D(8, (3, 3)),  # sees edges
        tf.keras.layers.BatchNormalization(),
        tf.keras.layers.Activation("relu"),
        tf.keras.layers.MaxPooling2D(),
        tf.keras.layers.Flatten(), tf.keras.layers.Dense(32), tf.keras.layers.ReLU(),
        tf.keras.layers.Dense(10),
    ])
model = build()
"""

CHAINED = """
from keras import Input, Model, layers
inputs = Input((28, 28, 1))
x = layers.Conv2D(8, 3)(inputs)
x = layers.MaxPooling2D()(x)
x = layers.Conv2D(16, 3)(x)
x = layers.MaxPooling2D()(x)
x = layers.Flatten()(x)
x = layers.Dense(32, activation="relu", name="hidden")(x)
outputs = layers.Dense(10)(x)
model = Model(inputs, outputs)
"""


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def added_and_removed(before: str, after: str) -> tuple[list[str], list[str]]:
    """Return the lines that are only in ``after``, and those that are only in ``before``, in order."""
    old, new = lines(before), lines(after)
    rest = list(old)
    extra = []
    for line in new:
        if line in rest:
            rest.remove(line)
        else:
            extra.append(line)
    return extra, rest


def test_it_offers_what_an_expert_would(write: Write) -> None:
    assert write(ADDED).domains() == {
        "block_1.copies": (0, 3, 1),
        "block_2.copies": (0, 3, 1),
        "dense_1.copies": (0, 3, 1),
        "block_1.dropout_after": (0.0, 0.6, 0.0),
        "block_2.dropout_after": (0.0, 0.6, 0.0),
        "dense_1.dropout_after": (0.0, 0.6, 0.0),
    }


def test_a_block_is_repeated_behind_itself_without_name_and_input_shape(write: Write) -> None:
    found = write(ADDED).apply({"block_1.copies": 2})
    place = lines(found).index("model.add(MaxPooling2D(2))")
    assert lines(found)[place + 1 : place + 3] == [
        'model.add(Conv2D(8, 3, padding="same"))  # thin',
        "model.add(MaxPooling2D(2))",
    ]
    assert found.count("input_shape") == 1
    assert found.count('name="first"') == 1


def test_dropping_the_first_block_moves_the_input_shape(write: Write) -> None:
    found = write(ADDED).apply({"block_1.copies": 0})
    assert 'model.add(Conv2D(16, 3, padding="same", input_shape=(32, 32, 3)))' in found
    assert "# the first block" in found
    assert "Conv2D(8" not in found


def test_the_moved_input_shape_is_not_repeated(write: Write) -> None:
    found = write(ADDED).apply({"block_1.copies": 0, "block_2.copies": 3})
    assert found.count("input_shape") == 1
    assert found.count("Conv2D(16") == 3


def test_all_blocks_cannot_be_dropped(write: Write) -> None:
    with pytest.raises(InfeasibleError):
        write(ADDED).apply({"block_1.copies": 0, "block_2.copies": 0})


def test_dropout_behind_a_repeated_layer_is_repeated_with_it(write: Write) -> None:
    moves = write(ADDED)
    found = moves.apply({"dense_1.copies": 2, "dense_1.dropout_after": 0.25})
    extra, gone = added_and_removed(ADDED, found)
    assert extra == [
        "from keras.layers import Dropout",
        "model.add(Dropout(0.25))",
        'model.add(Dense(64, activation="relu"))',
        "model.add(Dropout(0.25))",
    ]
    assert gone == []


def test_a_dropout_behind_a_dropped_layer_is_nothing(write: Write) -> None:
    found = write(ADDED).apply({"dense_1.copies": 0, "dense_1.dropout_after": 0.5})
    assert added_and_removed(ADDED, found)[1] == ['model.add(Dense(64, activation="relu"))']
    assert "Dropout(" not in found


def test_a_list_in_a_function_keeps_its_layout(write: Write) -> None:
    found = write(LISTED).apply({"block_1.copies": 2, "block_1.dropout_after": 0.2})
    assert found.splitlines()[4:14] == [
        "        tf.keras.layers.Conv2D(8, (3, 3)),  # sees edges",
        "        tf.keras.layers.BatchNormalization(),",
        '        tf.keras.layers.Activation("relu"),',
        "        tf.keras.layers.MaxPooling2D(),",
        "        tf.keras.layers.Dropout(0.2),",
        "        tf.keras.layers.Conv2D(8, (3, 3)),  # sees edges",
        "        tf.keras.layers.BatchNormalization(),",
        '        tf.keras.layers.Activation("relu"),',
        "        tf.keras.layers.MaxPooling2D(),",
        "        tf.keras.layers.Dropout(0.2),",
    ]


def test_elements_that_share_a_line(write: Write) -> None:
    found = write(LISTED).apply({"dense_1.copies": 2, "dense_1.dropout_after": 0.3})
    line = next(line for line in found.splitlines() if "Flatten" in line)
    layers = "tf.keras.layers."
    unit = f"{layers}Dense(32), {layers}ReLU(), {layers}Dropout(0.3),"
    assert line.strip() == f"{layers}Flatten(), {unit} {unit}"


def test_a_chain_is_repeated_with_its_own_variable(write: Write) -> None:
    found = write(CHAINED).apply({"block_1.copies": 2, "dense_1.copies": 2})
    assert lines(found)[2:6] == [
        "x = layers.Conv2D(8, 3)(inputs)",
        "x = layers.MaxPooling2D()(x)",
        "x = layers.Conv2D(8, 3)(x)",
        "x = layers.MaxPooling2D()(x)",
    ]
    assert 'x = layers.Dense(32, activation="relu")(x)' in found


def test_a_dropped_chain_hands_on_what_it_read(write: Write) -> None:
    found = write(CHAINED).apply({"block_1.copies": 0, "block_2.dropout_after": 0.1})
    assert added_and_removed(CHAINED, found) == (
        ["x = inputs", "x = layers.Dropout(0.1)(x)"],
        ["x = layers.Conv2D(8, 3)(inputs)", "x = layers.MaxPooling2D()(x)"],
    )


@pytest.mark.parametrize(
    ("size", "most"),
    [((28, 28, 1), 3), ((12, 12, 1), 2), ((6, 6, 1), 1)],
)
def test_copies_that_would_shrink_the_map_to_nothing_are_not_offered(
    write: Write, size: tuple[int, ...], most: int
) -> None:
    source = f"""
        import keras
        from keras import layers
        SIZE = {size}
        model = keras.Sequential([
            keras.Input(shape=SIZE),
            layers.Conv2D(8, 3),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10),
        ])
    """
    domains = write(source).domains()
    assert domains.get("block_1.copies", (1, 1, 1))[1] == most


def test_where_the_input_is_unknown_one_more_copy_is_offered_and_said(write: Write) -> None:
    moves = write(ADDED.replace("(32, 32, 3)", "x_train.shape[1:]"))
    assert moves.domains()["block_1.copies"] == (0, 2, 1)
    assert "not in the source" in moves.what()["block_1.copies"]


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ("for n in (8, 16):\n    model.add(Conv2D(n, 3))\n", {"block_1.copies"}),
        ("model.layers[3].trainable = False\n", {"block_1.copies", "dense_1.copies"}),
    ],
)
def test_what_is_not_safe_is_not_offered(write: Write, change: str, kept: set[str]) -> None:
    head, tail = ADDED.split("model.add(Flatten())")
    if change.startswith("for"):
        head = head.split("# the first block")[0]
        moves = write(head + change + "model.add(Flatten())" + tail)
    else:
        moves = write(head + "model.add(Flatten())" + tail + change)
    assert not kept & set(moves.domains())


def test_a_layer_that_is_looked_up_by_name_is_not_dropped(write: Write) -> None:
    moves = write(ADDED + 'print(model.get_layer("first"))\n')
    assert moves.domains()["block_1.copies"] == (1, 3, 1)
    assert moves.domains()["block_2.copies"] == (0, 3, 1)


@pytest.mark.parametrize(
    "body",
    [
        # the output layer, alone
        "model = keras.Sequential([layers.Flatten(), layers.Dense(10)])",
        # a decoder that must give back the size it was given
        "model = keras.Sequential([layers.Conv2D(8, 3, padding='same'), layers.MaxPooling2D(),"
        " layers.UpSampling2D(), layers.Conv2D(1, 3, padding='same')])",
        # a width that a Reshape depends on
        "model = keras.Sequential([layers.Dense(49), layers.Reshape((7, 7, 1)), layers.Flatten(),"
        " layers.Dense(1)])",
        # a model that is never built
        "def unused():\n    return keras.Sequential([layers.Dense(9), layers.Dense(1)])",
    ],
)
def test_these_have_no_moves(write: Write, body: str) -> None:
    assert write(f"import keras\nfrom keras import layers\n{body}\n").domains() == {}


def test_a_name_that_is_taken_is_not_used(write: Write) -> None:
    source = ADDED.replace("model = Sequential()", "Dropout = 0.3\nmodel = Sequential()")
    assert not [name for name in write(source).domains() if name.endswith("dropout_after")]


def test_a_dropout_that_is_there_is_not_doubled(write: Write) -> None:
    source = ADDED.replace("model.add(Dense(10", "model.add(keras.layers.Dropout(0.5))\nmodel.add(Dense(10")
    names = write("import keras\n" + source.lstrip()).domains()
    assert "dense_1.dropout_after" not in names
    assert "dense_1.copies" in names


def test_a_kernel_that_no_longer_fits_makes_copies_infeasible(write: Write) -> None:
    """The number of copies is offered for the author's kernels; together with a larger one it is refused."""
    moves = write(
        ADDED.replace("(32, 32, 3)", "(12, 12, 3)").replace(', padding="same"', "") + "model.fit(x, y)\n"
    )
    assert moves.domains()["block_2.copies"] == (0, 1, 1)
    with pytest.raises(InfeasibleError, match="shrink to nothing in Conv2D"):
        moves.apply({"conv2d_1.kernel_size": 7, "conv2d_2.kernel_size": 5})


def test_a_model_that_grows_more_than_twentyfold_is_refused(write: Write) -> None:
    source = """
        import keras
        from keras import layers
        model = keras.Sequential([
            keras.Input((32, 32, 3)),
            layers.Conv2D(16, 3), layers.MaxPooling2D(),
            layers.Conv2D(16, 3), layers.MaxPooling2D(4),
            layers.Flatten(),
            layers.Dense(64),
            layers.Dense(10),
        ])
        model.compile("adam", "mse")
        model.fit(x, y)
    """
    moves = write(source)
    with pytest.raises(InfeasibleError, match="over 20 times the author's 12,698"):
        moves.apply({"block_2.copies": 0, "conv2d_1.filters": 64, "dense_1.units": 512})
    assert moves.apply({"block_2.copies": 0, "dense_1.units": 64})


def test_copies_carry_the_values_of_the_original(write: Write) -> None:
    moves = write(ADDED + "model.compile('adam')\nmodel.fit(x, y)\n")
    values = {"block_2.copies": 2, "conv2d_2.filters": 24, "conv2d_2.kernel_size": 5, "dense_1.units": 96}
    found = moves.apply(values)
    assert found.count('model.add(Conv2D(24, 5, padding="same"))') == 2
    assert found.count("Dense(96") == 1


def test_models_in_functions_have_names_of_their_own(write: Write) -> None:
    one = "def {name}():\n    model = keras.Sequential()\n"
    body = "".join(f"    model.add(layers.{layer})\n" for layer in ("Dense(8)", "Dense(4)", "Dense(1)"))
    build = "".join(one.format(name=name) + body + "    return model\n" for name in "abc")
    names = write(f"import keras\nfrom keras import layers\n{build}a(), b(), c()\n").domains()
    assert [name for name in names if name.endswith("dense_1.copies")] == [
        "dense_1.copies",
        "model.dense_1.copies",
        "model_3.dense_1.copies",
    ]


def test_layers_that_two_models_share_are_moved_once(write: Write) -> None:
    source = """
        from keras import Input, Model, layers
        inputs = Input((64,))
        x = layers.Dense(32)(inputs)
        code = layers.Dense(8)(x)
        y = layers.Dense(32)(code)
        outputs = layers.Dense(64)(y)
        encoder = Model(inputs, code)
        both = Model(inputs, outputs)
    """
    moves = write(source)
    assert [name for name in moves.domains() if name.endswith("copies")] == [
        "dense_1.copies",
        "both.dense_3.copies",
    ]
    assert "x = inputs" in moves.apply({"dense_1.copies": 0})


def test_batchnorm_goes_behind_every_convolution_of_a_block(write: Write) -> None:
    moves = write(ADDED)
    found = moves.apply({"block_1.batchnorm": True, "block_1.copies": 2})
    assert lines(found)[0] == "from keras.layers import BatchNormalization"
    assert found.count("model.add(BatchNormalization())") == 2
    place = lines(found).index("model.add(BatchNormalization())")
    assert lines(found)[place - 1].startswith("model.add(Conv2D(8")


def test_a_block_that_is_normalised_already_is_not_normalised_twice(write: Write) -> None:
    assert "block_1.batchnorm" not in write(LISTED).what()
    assert "block_1.batchnorm" in write(CHAINED).what()
