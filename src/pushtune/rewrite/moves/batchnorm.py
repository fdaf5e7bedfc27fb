"""Insert BatchNormalization behind the convolutions of a block that has none: ``block_1.batchnorm``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pushtune.model.analysis import Knob, Move
from pushtune.model.space import Condition, Domain, Parameter, Value
from pushtune.rewrite.base import Change, Context, Site
from pushtune.rewrite.moves.inserting import Insertion, insertion, while_kept
from pushtune.rewrite.moves.units import CONVOLUTIONS, Unit, find_units

_NORMALIZATION = "Normalization"


@dataclass(frozen=True, eq=False)
class BatchNormSite:
    """The convolutions of one block, normalised or not."""

    unit: Unit
    places: tuple[Insertion, ...]
    condition: Condition | None

    @property
    def name(self) -> str:
        """The parameter's name."""
        return f"{self.unit.name}.batchnorm"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Whether it is inserted."""
        domain = Domain("categorical", choices=(False, True))
        return (Parameter(self.name, "move.batchnorm", domain, False, self.condition),)

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """None: there is no such value in the source yet."""
        return ()

    @property
    def moves(self) -> tuple[Move, ...]:
        """The insertion."""
        span = self.unit.span
        many = "each convolution" if len(self.places) > 1 else "the convolution"
        what = f"insert BatchNormalization behind {many} of {self.unit.title}: none today"
        return (Move(self.name, span.file, span.line, what),)

    def changes(self, values: Mapping[str, Value]) -> Iterable[Change]:
        """Insert the layers, and the import that they need."""
        if values.get(self.name, False) is not True:
            return
        for place in self.places:
            yield place.edit("")
            if place.line is not None:
                yield place.line


def find_batchnorms(context: Context) -> Iterator[Site]:
    """Yield one site for each block without a normalisation of its own, or right behind it."""
    kept = while_kept(context)
    for unit in find_units(context.models):
        behind = unit.model.layers[unit.after : unit.after + 1]
        if unit.kind != "block" or any(_NORMALIZATION in layer.kind for layer in (*unit.layers, *behind)):
            continue
        layers = [layer for layer in unit.layers if layer.qualified in CONVOLUTIONS]
        places = [insertion(context, unit.model, layer, "BatchNormalization") for layer in layers]
        found = tuple(place for place in places if place is not None)
        if len(found) == len(layers):
            yield BatchNormSite(unit, found, kept.get(unit.name))
