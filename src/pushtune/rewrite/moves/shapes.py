"""The size of the feature map behind each layer, computed from the source.

The formulas are those of Keras's `compute_conv_output_shape`.

Sizes are tuples of the map's sides (28, 28), without batch and channels. None is a size that cannot be
told from the source; from there on nothing is said until a layer names a size again.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping

from pushtune.rewrite.layers import Layer, Model
from pushtune.rewrite.moves.units import CONVOLUTIONS, DROPOUTS, POOLS
from pushtune.source import Module
from pushtune.source.tracing import Tracer

Sides = tuple[int, ...] | None

_INPUTS = ("keras.Input", "keras.layers.Input", "keras.layers.InputLayer")
_POSITIONS = {"filters": 0, "kernel_size": 1, "strides": 2, "padding": 3}
_POOL_POSITIONS = {"pool_size": 0, "strides": 1, "padding": 2}
_UNCHANGED = DROPOUTS | frozenset(
    f"keras.layers.{name}"
    for name in (
        "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "BatchNormalization", "LayerNormalization",
        "GroupNormalization", "GaussianNoise", "ActivityRegularization", "Rescaling", "Normalization",
        "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast",
        "RandomBrightness",
    )
)  # fmt: skip


class ShapeReader:
    """Follows feature maps through the layers of one program's models."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def sizes(self, model: Model, layers: Iterable[Layer]) -> list[tuple[Layer, Sides]]:
        """Return the size behind each of ``layers``, which may hold a layer of ``model`` several times."""
        size = self._without_channels(self.chain_input(model))
        found = []
        for layer in layers:
            size = self._behind(model.module, layer, size)
            found.append((layer, size))
        return found

    def shrunk(self, model: Model, layers: Iterable[Layer]) -> Layer | None:
        """Return the first of ``layers`` behind which a side of the feature map is below 1, or None."""
        for layer, size in self.sizes(model, layers):
            if size is not None and any(side < 1 for side in size):
                return layer
        return None

    def known(self, model: Model, place: int) -> bool:
        """Whether the size before the layer at ``place`` can be told."""
        sizes = self.sizes(model, model.layers[:place])
        if not sizes:
            layer = model.layers[place]
            given = self.chain_input(model) or self.declared(model.module, layer)
            return self._without_channels(given) is not None
        return sizes[-1][1] is not None

    def _behind(self, module: Module, layer: Layer, size: Sides) -> Sides:
        declared = self._without_channels(self.declared(module, layer))
        size = declared if declared is not None else size
        if layer.qualified in _UNCHANGED or layer.qualified in _INPUTS:
            return size
        follow = _LAYERS.get(layer.kind) if layer.qualified.startswith("keras.layers.") else None
        if layer.qualified in CONVOLUTIONS:
            follow = ShapeReader._convolved
        elif layer.qualified in POOLS:
            follow = ShapeReader._pooled
        if follow is None or layer.call is None or argument(layer.call, None, "data_format") is not None:
            return None
        return follow(self, module, layer.call, size)

    def declared(self, module: Module, layer: Layer) -> Sides:
        """Return the shape that the layer says comes in (``input_shape=(28, 28, 1)``), with its channels."""
        if layer.call is None:
            return None
        given = declared_shape(layer.call, layer.qualified)
        return None if given is None else self.shape(module, *given)

    def shape(self, module: Module, node: ast.expr, with_batch: bool) -> Sides:
        """Return the shape that ``node`` stands for, without the batch's size, which may be None."""
        return self._behind_batch(module, node) if with_batch else self.integers(module, node)

    def chain_input(self, model: Model) -> Sides:
        """Return the shape that the ``Input`` at the beginning of a chain declares, with its channels."""
        first = model.layers[0] if model.layers else None
        if model.style != "chain" or first is None or first.call is None:
            return None
        outer = model.module.parents.get(first.call)
        given = outer.args[0] if isinstance(outer, ast.Call) and outer.args else None
        given = _handed_on(model.module, given) or given
        for found in self._tracer.ends(model.module, given) if given is not None else ():
            if isinstance(found.node, ast.Call):
                name = self._tracer.names.call(found.module, found.node)
                shape = argument(found.node, 0, "shape")
                if name in _INPUTS and shape is not None:
                    return self.integers(found.module, shape)
        return None

    @staticmethod
    def _without_channels(shape: Sides) -> Sides:
        return shape[:-1] if shape is not None and len(shape) > 1 else None

    def kernel(self, module: Module, layer: Layer, size: Sides) -> Sides:
        """Return the sides of a convolution's kernel, as many as ``size`` has."""
        if layer.call is None:
            return None
        place = _positions(layer.call)["kernel_size"]
        return self._sides(module, argument(layer.call, place, "kernel_size"), size, None)

    def _convolved(self, module: Module, call: ast.Call, size: Sides) -> Sides:
        at = _positions(call)
        kernel = self._sides(module, argument(call, at["kernel_size"], "kernel_size"), size, None)
        strides = self._sides(module, argument(call, at["strides"], "strides"), size, 1)
        dilation = self._sides(module, argument(call, None, "dilation_rate"), size, 1)
        padding = self._padding(module, argument(call, at["padding"], "padding"))
        if size is None or kernel is None or strides is None or dilation is None or padding is None:
            return None
        reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
        return _windowed(size, reach, strides, padding)

    def _pooled(self, module: Module, call: ast.Call, size: Sides) -> Sides:
        pool = self._sides(module, argument(call, _POOL_POSITIONS["pool_size"], "pool_size"), size, 2)
        given = argument(call, _POOL_POSITIONS["strides"], "strides")
        none = given is None or (isinstance(given, ast.Constant) and given.value is None)
        strides = pool if none else self._sides(module, given, size, None)
        padding = self._padding(module, argument(call, _POOL_POSITIONS["padding"], "padding"))
        if size is None or pool is None or strides is None or padding is None:
            return None
        return _windowed(size, pool, strides, padding)

    def _padded(self, module: Module, call: ast.Call, size: Sides) -> Sides:
        padding = self._sides(module, argument(call, 0, "padding"), size, 1)
        if size is None or padding is None:
            return None
        return tuple(side + 2 * more for side, more in zip(size, padding, strict=True))

    def _enlarged(self, module: Module, call: ast.Call, size: Sides) -> Sides:
        factor = self._sides(module, argument(call, 0, "size"), size, 2)
        if size is None or factor is None:
            return None
        return tuple(side * times for side, times in zip(size, factor, strict=True))

    def _reshaped(self, module: Module, call: ast.Call, size: Sides) -> Sides:
        node = argument(call, 0, "target_shape")
        shape = self.integers(module, node) if node is not None else None
        return self._without_channels(shape if shape and min(shape) > 0 else None)

    def _sides(self, module: Module, node: ast.expr | None, size: Sides, default: int | None) -> Sides:
        """Return one number a side: ``3`` and ``(3, 3)`` alike; None where they cannot be told."""
        if size is None:
            return None
        if node is None:
            return (default,) * len(size) if default is not None else None
        shape = self.integers(module, node)
        if shape is not None and len(shape) == 1:
            return shape * len(size)
        return shape if shape is not None and len(shape) == len(size) else None

    def integers(self, module: Module, node: ast.expr) -> Sides:
        """Return the integers that ``node`` stands for, one or a tuple of them, followed through names."""
        ends = list(self._tracer.ends(module, node))
        if len(ends) != 1:
            return None
        found = ends[0]
        items = found.node.elts if isinstance(found.node, (ast.Tuple, ast.List)) else [found.node]
        return self._all(found.module, items)

    def _behind_batch(self, module: Module, node: ast.expr) -> Sides:
        ends = list(self._tracer.ends(module, node))
        whole = ends[0].node if len(ends) == 1 else None
        if not isinstance(whole, (ast.Tuple, ast.List)):
            return None
        return self._all(ends[0].module, whole.elts[1:])

    def _all(self, module: Module, items: Iterable[ast.expr]) -> Sides:
        numbers = [self._integer(module, item) for item in items]
        return None if None in numbers else tuple(number for number in numbers if number is not None)

    def _integer(self, module: Module, node: ast.expr) -> int | None:
        origins = self._tracer.trace(module, node)
        value = origins[0].value if len(origins) == 1 else None
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def _padding(self, module: Module, node: ast.expr | None) -> str | None:
        if node is None:
            return "valid"
        origins = self._tracer.trace(module, node)
        value = origins[0].value if len(origins) == 1 else None
        return value.lower() if isinstance(value, str) else None


def _handed_on(module: Module, given: ast.expr | None) -> ast.expr | None:
    """Return what the nearest plain ``x = inputs`` above hands on: so a dropped first block leaves it."""
    if not isinstance(given, ast.Name):
        return None
    block = getattr(module.parents[module.statement(given)], "body", [])
    above = [s for s in block if isinstance(s, ast.Assign) and s.lineno < given.lineno]
    last = next((s for s in reversed(above) if ast.unparse(s.targets[0]) == given.id), None)
    return last.value if last is not None and isinstance(last.value, ast.Name) else None


def _positions(call: ast.Call) -> Mapping[str, int]:
    """Return the places of a convolution's arguments; depthwise ones have no filters before them."""
    depthwise = ast.unparse(call.func).rpartition(".")[2].startswith("Depthwise")
    return {name: place - depthwise for name, place in _POSITIONS.items()}


def _windowed(
    size: tuple[int, ...], window: tuple[int, ...], strides: tuple[int, ...], padding: str
) -> Sides:
    """Return the size behind a window that slides over the map."""
    if padding in ("same", "causal"):
        return tuple(-(-side // step) for side, step in zip(size, strides, strict=True))
    return tuple((side - reach) // step + 1 for side, reach, step in zip(size, window, strides, strict=True))


def declared_shape(call: ast.Call, name: str) -> tuple[ast.expr, bool] | None:
    """Return where a layer says what shape comes in, and whether the batch's size stands before it."""
    is_input = name in _INPUTS
    node = argument(
        call, 0 if is_input else None, "input_shape", "input_dim", *(("shape",) if is_input else ())
    )
    if node is not None:
        return node, False
    node = argument(call, None, "batch_input_shape", "batch_shape")
    return None if node is None else (node, True)


def argument(call: ast.Call, position: int | None, *keywords: str) -> ast.expr | None:
    """Return the argument called one of ``keywords``, or at ``position`` (None: by name only)."""
    for keyword in call.keywords:
        if keyword.arg in keywords:
            return keyword.value
    if position is not None and position < len(call.args):
        return call.args[position]
    return None


_LAYERS: Mapping[str, Callable[[ShapeReader, Module, ast.Call, Sides], Sides]] = {
    "ZeroPadding1D": ShapeReader._padded,
    "ZeroPadding2D": ShapeReader._padded,
    "UpSampling1D": ShapeReader._enlarged,
    "UpSampling2D": ShapeReader._enlarged,
    "Reshape": ShapeReader._reshaped,
}
"""Other layers whose size follows from the source. All further ones end what can be told."""
