"""The units that moves work on: a convolution block, or a hidden dense layer with what belongs to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from pushtune.model.analysis import Span
from pushtune.rewrite.layers import Layer, Model

UnitKind = Literal["block", "dense"]

CONVOLUTIONS = frozenset(
    f"keras.layers.{name}"
    for name in (
        "Conv1D", "Conv2D", "Conv3D", "SeparableConv1D", "SeparableConv2D", "DepthwiseConv1D",
        "DepthwiseConv2D",
    )
)  # fmt: skip
POOLS = frozenset(f"keras.layers.{kind}Pooling{sides}D" for kind in ("Max", "Average") for sides in (1, 2, 3))
DROPOUTS = frozenset(
    f"keras.layers.{name}"
    for name in (
        "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout",
        "GaussianDropout",
    )
)  # fmt: skip
_FOLLOWERS = DROPOUTS | frozenset(
    f"keras.layers.{name}"
    for name in (
        "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "BatchNormalization", "LayerNormalization",
        "GroupNormalization", "GaussianNoise", "ActivityRegularization",
    )
)  # fmt: skip
_FLATTENING = ("Flatten", "LSTM", "GRU", "SimpleRNN", "Bidirectional")


@dataclass(frozen=True, eq=False)
class Unit:
    """Layers that are repeated, dropped or followed by Dropout together.

    ``first`` is the place of the first one among the model's layers. All of them have a region, and
    nothing but comments stands between them.
    """

    name: str
    kind: UnitKind
    model: Model
    first: int
    layers: tuple[Layer, ...]

    @property
    def span(self) -> Span:
        """From the beginning of the first layer's region to the end of the last one's."""
        first, last = self.layers[0].region, self.layers[-1].region
        assert first is not None
        assert last is not None
        return Span(first.file, first.line, first.column, last.end_line, last.end_column)

    @property
    def after(self) -> int:
        """The place of the first layer behind the unit."""
        return self.first + len(self.layers)

    @property
    def title(self) -> str:
        """The layers' kinds in a row: ``Conv2D-MaxPooling2D``."""
        return "-".join(layer.kind for layer in self.layers)


def find_units(models: tuple[Model, ...]) -> Iterator[Unit]:
    """Yield the units of all models. Names count within a model; those after the first carry its name.

    Models may share layers (an encoder is part of an autoencoder): each unit comes once, and none that
    gives one of the models its output.
    """
    taken = {layer.region for model in models for layer in model.layers if layer.is_output}
    prefixes = _prefixes(models)
    for model, prefix in zip(models, prefixes, strict=True):
        counts = {"block": 0, "dense": 0}
        for kind, first, after in _stretches(model):
            counts[kind] += 1
            layers = model.layers[first:after]
            if not all(_editable(layer) and layer.region not in taken for layer in layers):
                continue
            if _adjoining(model, layers):
                taken.update(layer.region for layer in layers)
                yield Unit(f"{prefix}{kind}_{counts[kind]}", kind, model, first, layers)


def _prefixes(models: tuple[Model, ...]) -> list[str]:
    """Return what stands before the names of each model's units: nothing, ``critic.``, ``model_3.``."""
    found: list[str] = []
    for number, model in enumerate(models):
        named = f"{model.name}." if model.name.isidentifier() else ""
        numbered = f"model_{number + 1}."
        found.append("" if number == 0 else named if named and named not in found else numbered)
    return found


def _stretches(model: Model) -> Iterator[tuple[UnitKind, int, int]]:
    """Yield the kind of each unit, the place of its first layer, and the one after its last."""
    place, layers = 0, model.layers
    while place < len(layers):
        layer = layers[place]
        if layer.is_output:
            return
        if layer.qualified in CONVOLUTIONS and _flattened_behind(model, place):
            after = _block_end(layers, place)
            yield "block", place, after
        elif layer.qualified == "keras.layers.Dense":
            after = _followers_end(layers, place + 1)
            if after >= len(layers) or layers[after].kind != "Reshape":
                yield "dense", place, after
        else:
            after = place + 1
        place = after


def _block_end(layers: tuple[Layer, ...], place: int) -> int:
    """Return the place after the block: convolutions their followers, the pool and its Dropout."""
    place += 1
    while place < len(layers) and not layers[place].is_output:
        if layers[place].qualified in POOLS:
            return _followers_end(layers, place + 1)
        if layers[place].qualified not in CONVOLUTIONS | _FOLLOWERS:
            return place
        place += 1
    return place


def _followers_end(layers: tuple[Layer, ...], place: int) -> int:
    while place < len(layers) and layers[place].qualified in _FOLLOWERS and not layers[place].is_output:
        place += 1
    return place


def _flattened_behind(model: Model, place: int) -> bool:
    """Whether the feature map is flattened later, so that its size is free to change."""
    for layer in model.layers[place:]:
        if layer.kind in _FLATTENING or layer.kind.startswith("Global"):
            return True
        if layer.qualified not in CONVOLUTIONS | POOLS | _FOLLOWERS and layer.kind != "ZeroPadding2D":
            return False
    return False


def _editable(layer: Layer) -> bool:
    return layer.region is not None and layer.call is not None and not layer.conditional


def _adjoining(model: Model, layers: tuple[Layer, ...]) -> bool:
    """Whether only comments stand between the layers, they are written alike, and a chain runs through."""
    source = model.module.source
    for before, behind in pairwise(layers):
        assert before.region is not None
        assert behind.region is not None
        start, end = source.bounds(before.region)[1], source.bounds(behind.region)[0]
        between = source.text[start:end] if start <= end else "?"
        if any(line.strip() and not line.strip().startswith("#") for line in between.splitlines()):
            return False
        if before.own_lines != behind.own_lines or before.target != behind.target:
            return False
        if model.style == "chain" and behind.argument != before.target:
            return False
    return True
