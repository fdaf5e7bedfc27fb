"""How large the images are that a Keras network says it takes."""

from __future__ import annotations

from pushtune.analyse.reading import Reading
from pushtune.rewrite.moves.shapes import ShapeReader, declared_shape
from pushtune.source.tracing import Tracer

_AXES = 3


def image_shapes(reading: Reading) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of images that are declared as inputs, batch left off, in the order of their lines.

    Nothing is returned where one of the declared inputs cannot be told from the source: it may be an image.
    """
    reader = ShapeReader(Tracer(reading.names))
    images: list[tuple[int, ...]] = []
    for call in reading.named("keras.Input", "keras.layers"):
        given = declared_shape(call.node, call.name)
        if given is None:
            continue
        shape = reader.shape(call.module, *given)
        if shape is None:
            return ()
        if len(shape) == _AXES:
            images.append(shape)
    return tuple(dict.fromkeys(images))
