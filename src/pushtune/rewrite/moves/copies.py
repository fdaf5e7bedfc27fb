"""Repeat or drop a convolution block or a hidden dense layer: ``block_2.copies``, ``dense_1.copies``.

One copy is the author's script, none drops the unit, more put copies right behind it. All units of one
model are one site, because dropping the first layers moves ``input_shape`` to the layer that is then first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from pushtune.errors import InfeasibleError
from pushtune.model.analysis import Edit, Knob, Move, Span
from pushtune.model.space import Domain, Parameter, Value
from pushtune.rewrite.base import Change, Context, Rendered, Site, Transform
from pushtune.rewrite.layers import Layer, Model
from pushtune.rewrite.moves.shapes import ShapeReader
from pushtune.rewrite.moves.text import INPUT_KEYWORDS, indentation, with_argument, without_keywords
from pushtune.rewrite.moves.units import Unit, find_units

MOST_COPIES = 3
"""Most copies of one unit, the author's own included."""

_BY_NUMBER = re.compile(r"\.layers\s*\[\s*[1-9]|get_layer\(\s*index")

UNSURE_COPIES = 2
"""Most copies of a block where the size of the feature map cannot be told from the source."""


@dataclass(frozen=True, eq=False)
class Offer:
    """One unit with the number of copies it may have."""

    unit: Unit
    least: int
    most: int
    certain: bool

    @property
    def name(self) -> str:
        """The parameter's name."""
        return f"{self.unit.name}.copies"


@dataclass(frozen=True, eq=False)
class CopiesSite:
    """The copies of all units of one model."""

    model: Model
    offers: tuple[Offer, ...]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """One a unit."""
        return tuple(
            Parameter(offer.name, "move.copies", Domain("int", offer.least, offer.most), 1)
            for offer in self.offers
        )

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """None: copies are structure."""
        return ()

    @property
    def moves(self) -> tuple[Move, ...]:
        """One a unit."""
        return tuple(
            Move(offer.name, offer.unit.span.file, offer.unit.span.line, _what(offer))
            for offer in self.offers
        )

    def droppable(self) -> Iterator[tuple[Parameter, Span]]:
        """Yield the parameter and the place of each unit that may be dropped."""
        for offer, parameter in zip(self.offers, self.parameters, strict=True):
            if offer.least == 0:
                yield parameter, offer.unit.span

    def changes(self, values: Mapping[str, Value]) -> Iterable[Change]:
        """Drop or repeat. Raises ``InfeasibleError`` where no convolution would be left."""
        counts = {offer.unit: values.get(offer.name, 1) for offer in self.offers}
        dropped = [unit for unit, count in counts.items() if count == 0]
        blocks = [unit for unit in counts if unit.kind == "block"]
        if blocks and all(unit in dropped for unit in blocks) and len(blocks) > 1:
            raise InfeasibleError("all convolution blocks would be dropped")
        moved = _moved_input(self.model, dropped)
        if moved is not None:
            yield moved
        for unit, count in counts.items():
            if count == 0:
                yield from _dropped(unit)
            elif isinstance(count, int) and count > 1:
                yield Transform(unit.span, _Repeat(unit, count, moved.text if moved else ""))


@dataclass(frozen=True, eq=False)
class _Repeat:
    """Builds the text of a unit and its copies. ``moved`` is the argument that only the first may have."""

    unit: Unit
    count: int
    moved: str

    def __call__(self, rendered: Rendered) -> str:
        own = rendered.of(self.unit.span)
        copy = "".join(self._layer(rendered, place, layer) for place, layer in enumerate(self.unit.layers))
        gap = "" if own[-1:].isspace() else " "
        return own + gap + gap.join([copy.replace(self.moved, "") if self.moved else copy] * (self.count - 1))

    def _layer(self, rendered: Rendered, place: int, layer: Layer) -> str:
        module = self.unit.model.module
        assert layer.call is not None
        assert layer.region is not None
        extra = list(without_keywords(module, layer.call, ("name", *INPUT_KEYWORDS)))
        last = self.unit.layers[-1].target
        if place == 0 and layer.target and layer.argument != last:
            extra.append(Edit(_argument_span(self.unit.model, layer), last))
        return rendered.of(layer.region, extra)


def find_copies(context: Context) -> Iterator[Site]:
    """Yield one site for each model that has units."""
    shapes = ShapeReader(context.tracer)
    for model, units in groupby(find_units(context.models), key=lambda unit: unit.model):
        found = list(units)
        offers = [_offer(unit, found, shapes, context) for unit in found if not _indexed(context)]
        useful = tuple(offer for offer in offers if offer.least < 1 or offer.most > 1)
        if useful:
            yield CopiesSite(model, useful)


def _offer(unit: Unit, units: list[Unit], shapes: ShapeReader, context: Context) -> Offer:
    most, certain = MOST_COPIES, True
    if unit.kind == "block":
        certain = shapes.known(unit.model, unit.first)
        most = _most_copies(unit, shapes) if certain else UNSURE_COPIES
    return Offer(unit, 0 if _can_drop(unit, units, context) else 1, most, certain)


def _most_copies(unit: Unit, shapes: ShapeReader) -> int:
    """Return how often the unit may stand before the feature map shrinks to nothing."""
    layers = unit.model.layers
    for count in range(2, MOST_COPIES + 1):
        repeated = (*layers[: unit.first], *unit.layers * count, *layers[unit.after :])
        if shapes.shrunk(unit.model, repeated) is not None:
            return count - 1
    return MOST_COPIES


def _can_drop(unit: Unit, units: list[Unit], context: Context) -> bool:
    same = [other for other in units if other.kind == unit.kind]
    if unit.kind == "block" and len(same) < 2:
        return False
    if any(layer.keyword("name") is not None for layer in unit.layers) and _looked_up(context):
        return False
    if unit.first > 0 or unit.model.style == "chain":
        return True
    if any(layer.keyword("batch_input_shape") for layer in unit.layers):
        return False
    behind = unit.model.layers[unit.after :]
    return bool(behind) and all(layer.call is not None and not layer.conditional for layer in behind)


def _looked_up(context: Context) -> bool:
    """Whether layers are asked for by name."""
    return any("get_layer(" in module.source.text for module in context.program.modules)


def _indexed(context: Context) -> bool:
    """Whether layers are asked for by their number: ``model.layers[3]``, ``get_layer(index=3)``."""
    return any(_BY_NUMBER.search(module.source.text) for module in context.program.modules)


def _moved_input(model: Model, dropped: list[Unit]) -> Edit | None:
    """Return the edit that tells the layer which is then first what comes in, if that was a dropped one's."""
    gone = {id(layer) for unit in dropped for layer in unit.layers}
    first = model.layers[0]
    if id(first) not in gone or model.style == "chain":
        return None
    keyword = next((first.keyword(name) for name in INPUT_KEYWORDS if first.keyword(name)), None)
    heir = next((layer for layer in model.layers if id(layer) not in gone), None)
    if keyword is None:
        return None
    if heir is None or heir.call is None:
        raise InfeasibleError("no layer would be left that can say what comes in")
    source = model.module.source
    return with_argument(model.module, heir.call, source.segment(model.module.span(keyword)))


def _dropped(unit: Unit) -> Iterator[Change]:
    """Take the unit out; in a chain, its last variable takes what the first one read."""
    module = unit.model.module
    first, last = unit.layers[0], unit.layers[-1]
    bridge = ""
    if first.target and first.argument != last.target:
        assert first.region is not None
        bridge = f"{indentation(module, first.region)}{last.target} = {first.argument}{module.source.newline}"
    for layer in unit.layers:
        assert layer.region is not None
        text = bridge if layer is first else ""
        yield Transform(layer.region, _Instead(text))


@dataclass(frozen=True)
class _Instead:
    """Builds a text that holds nothing of what stood there."""

    text: str

    def __call__(self, rendered: Rendered) -> str:
        return self.text


def _argument_span(model: Model, layer: Layer) -> Span:
    """Return where the name stands that a layer of a chain is called on."""
    assert layer.call is not None
    outer = model.module.parents[layer.call]
    return model.module.span(outer.args[0])  # type: ignore[attr-defined]


def _what(offer: Offer) -> str:
    unit = offer.unit
    thing = "block" if unit.kind == "block" else "hidden layer"
    verb = "repeat or drop" if offer.least == 0 and offer.most > 1 else "repeat" if offer.most > 1 else "drop"
    today = f"{offer.least} to {offer.most} copies, 1 today"
    unsure = "" if offer.certain else " (one more at most, as the input's size is not in the source)"
    return f"{verb} the {thing} {unit.title}: {today}{unsure}"
