"""How large the images are that a Keras network says it takes."""

from __future__ import annotations

from pushtune.analyse.reading import Called, Reading
from pushtune.rewrite.moves.shapes import ShapeReader
from pushtune.source.tracing import Tracer

_INPUTS = ("keras.Input", "keras.layers.Input", "keras.layers.InputLayer")
_AXES = 3


def image_shapes(reading: Reading) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of images that are declared as inputs, batch left off, in the order of their lines.

    Nothing is returned where one of the declared inputs cannot be told from the source: it may be an image.
    """
    reader = ShapeReader(Tracer(reading.names))
    shapes: list[tuple[int, ...]] = []
    for call in reading.named("keras.Input", "keras.layers"):
        shape = _declared(reader, call)
        if shape == ():
            return ()
        if shape is not None and len(shape) == _AXES:
            shapes.append(shape)
    return tuple(dict.fromkeys(shapes))


def _declared(reader: ShapeReader, call: Called) -> tuple[int, ...] | None:
    """Return what the call declares: a shape, empty where it cannot be told; None where it declares none."""
    first = 0 if call.name in _INPUTS else -1
    node = call.argument(first, "input_shape", *(("shape",) if call.name in _INPUTS else ()))
    if node is not None:
        return reader.integers(call.module, node) or ()
    node = call.argument(-1, "batch_input_shape", "batch_shape")
    if node is not None:
        return reader.behind_batch(call.module, node) or ()
    return None
