"""Insert a Dropout where none is: ``dense_1.dropout_after``, ``block_2.dropout_after``.

An existing Dropout is taken out by its own knob: a rate of 0 does nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pushtune.model.analysis import Knob, Move
from pushtune.model.space import Condition, Domain, Parameter, Value
from pushtune.rewrite.base import Change, Context, Site
from pushtune.rewrite.moves.inserting import Insertion, insertion, while_kept
from pushtune.rewrite.moves.units import DROPOUTS, POOLS, Unit, find_units

HIGHEST_RATE = 0.6
"""Highest rate offered: the top of a Dropout's own knob in the catalogue."""


@dataclass(frozen=True, eq=False)
class DropoutSite:
    """One place for a Dropout."""

    unit: Unit
    place: Insertion
    condition: Condition | None

    @property
    def name(self) -> str:
        """The parameter's name."""
        return f"{self.unit.name}.dropout_after"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The rate; 0 inserts nothing."""
        domain = Domain("float", 0.0, HIGHEST_RATE)
        return (Parameter(self.name, "move.dropout", domain, 0.0, self.condition),)

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """None: there is no such value in the source yet."""
        return ()

    @property
    def moves(self) -> tuple[Move, ...]:
        """The insertion."""
        span = self.unit.span
        what = f"insert Dropout behind {self.unit.title}: rate up to {HIGHEST_RATE}, none today"
        return (Move(self.name, span.file, span.line, what),)

    def changes(self, values: Mapping[str, Value]) -> Iterable[Change]:
        """Insert the layer, and the import that it needs."""
        rate = values.get(self.name, 0.0)
        if not isinstance(rate, (int, float)) or rate <= 0:
            return
        yield self.place.edit(f"{rate:.3g}")
        if self.place.line is not None:
            yield self.place.line


def find_dropouts(context: Context) -> Iterator[Site]:
    """Yield one site for each unit behind which a Dropout can go, and none is."""
    kept = while_kept(context)
    for unit in find_units(context.models):
        if _wants_dropout(unit):
            place = insertion(context, unit.model, unit.layers[-1], "Dropout")
            if place is not None:
                yield DropoutSite(unit, place, kept.get(unit.name))


def _wants_dropout(unit: Unit) -> bool:
    """Whether no Dropout is in the unit or behind it; a convolution without a pool gets none."""
    behind = unit.model.layers[unit.after : unit.after + 2]
    if any(layer.qualified in DROPOUTS for layer in (*unit.layers, *behind)):
        return False
    return unit.kind == "dense" or any(layer.qualified in POOLS for layer in unit.layers)
