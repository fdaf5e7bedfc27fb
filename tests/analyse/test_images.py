"""The sizes of images that a network says it takes, as far as the source tells them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pushtune.analyse.images import image_shapes
from pushtune.analyse.reading import Reading

Write = Callable[..., Reading]
HEAD = "import keras\nfrom keras import Input, layers\nSIDE = 28\n"


@pytest.mark.parametrize(
    ("source", "shapes"),
    [
        ("inputs = Input(shape=(8, 8, 1))", [(8, 8, 1)]),
        ("inputs = keras.Input((SIDE, SIDE, 1))", [(28, 28, 1)]),
        ("layers.Conv2D(8, 3, input_shape=(32, 32, 3))", [(32, 32, 3)]),
        ("layers.InputLayer(batch_shape=(None, 8, 8, 1))", [(8, 8, 1)]),
        ("layers.InputLayer(batch_shape=(16, 8, 8, 1))", [(8, 8, 1)]),
        ("Input((64, 64, 3))\nInput((16, 16, 1))\nInput((64, 64, 3))", [(64, 64, 3), (16, 16, 1)]),
    ],
)
def test_declared_images_are_read(write: Write, source: str, shapes: list[tuple[int, ...]]) -> None:
    assert list(image_shapes(write(HEAD + source))) == shapes


def test_what_is_no_image_is_left_out(write: Write) -> None:
    assert image_shapes(
        write(HEAD + "Input((20,))\nlayers.Dense(3, input_shape=(4,))\nInput((8, 8, 1))")
    ) == ((8, 8, 1),)


def test_nothing_is_said_where_one_input_cannot_be_told(write: Write) -> None:
    assert image_shapes(write(HEAD + "Input((8, 8, 1))\nInput(shape=data.shape[1:])")) == ()
