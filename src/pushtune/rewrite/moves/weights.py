"""How many weights a model has, computed from the source where all of its layers can be told."""

from __future__ import annotations

from math import prod

from pushtune.rewrite.layers import Layer, Model
from pushtune.rewrite.moves.shapes import ShapeReader, Sides, argument
from pushtune.rewrite.moves.units import CONVOLUTIONS, DROPOUTS, POOLS

_WITHOUT = ("Activation", "ReLU", "LeakyReLU", "ELU", "BatchNormalization", "LayerNormalization", "Rescaling")
"""Kinds that change no width and have next to no weights."""


def count_weights(reader: ShapeReader, model: Model) -> int | None:
    """Return the weights of the convolutions and dense layers of ``model``; None if one cannot be told."""
    shape, total = reader.chain_input(model), 0
    for layer, sides in reader.sizes(model, model.layers):
        shape = reader.declared(model.module, layer) or shape
        step = _step(reader, model, layer, shape, sides)
        if step is None:
            return None
        shape, weights = step
        total += weights
    return total


def _step(
    reader: ShapeReader, model: Model, layer: Layer, shape: Sides, sides: Sides
) -> tuple[Sides, int] | None:
    """Return the shape behind ``layer`` and its weights, or None where they cannot be told."""
    if layer.kind in ("Input", "InputLayer"):
        return (shape, 0) if shape is not None else None
    if shape is None:
        return None
    if layer.kind == "Flatten":
        return (prod(shape),), 0
    if layer.kind.startswith("Global"):
        return (shape[-1],), 0
    if layer.qualified in DROPOUTS or layer.kind in _WITHOUT or layer.kind.startswith("Random"):
        return shape, 0
    if layer.qualified == "keras.layers.Dense":
        units = _number(reader, model, layer, 0, "units")
        return ((*shape[:-1], units), (shape[-1] + 1) * units) if units else None
    if sides is None:
        return None
    if layer.qualified in POOLS or layer.kind.startswith(("ZeroPadding", "UpSampling")):
        return (*sides, shape[-1]), 0
    return _convolved(reader, model, layer, shape, sides)


def _convolved(
    reader: ShapeReader, model: Model, layer: Layer, shape: tuple[int, ...], sides: tuple[int, ...]
) -> tuple[Sides, int] | None:
    """Formula: kernel sides × channels in × filters + a bias a filter; separable ones in two steps."""
    depthwise = layer.kind.startswith("Depthwise")
    kernel = reader.kernel(model.module, layer, sides)
    filters = shape[-1] if depthwise else _number(reader, model, layer, 0, "filters")
    if layer.qualified not in CONVOLUTIONS or kernel is None or not filters:
        return None
    through = prod(kernel) * shape[-1]
    if depthwise:
        weights = through
    elif layer.kind.startswith("Separable"):
        weights = through + shape[-1] * filters
    else:
        weights = through * filters
    return (*sides, filters), weights + filters


def _number(reader: ShapeReader, model: Model, layer: Layer, position: int, name: str) -> int | None:
    node = argument(layer.call, position, name) if layer.call is not None else None
    numbers = reader.integers(model.module, node) if node is not None else None
    return numbers[0] if numbers is not None and len(numbers) == 1 else None
