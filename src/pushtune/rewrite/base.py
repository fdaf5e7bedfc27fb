"""The interfaces of the rewriter: what a site is, what it asks to be changed, what finders read.

A *site* is one place, or one decision, in the source: a literal, a constant, an argument that a call
leaves out, an optimizer, a block of layers. It declares its parameters, and turns values into changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pushtune.model.analysis import Edit, Knob, Move, Observed, Span
from pushtune.model.space import Parameter, Value
from pushtune.rewrite.catalogue import Catalogue
from pushtune.rewrite.layers import Model
from pushtune.rewrite.torch import Ties
from pushtune.rewrite.training import Training
from pushtune.source import Names, Program
from pushtune.source.tracing import Tracer


class Rendered(Protocol):
    """The author's text as it reads with the other changes of the same assignment already made."""

    def of(self, span: Span, extra: Sequence[Edit] = ()) -> str:
        """Return the text of ``span``, which must lie inside the transform's own span.

        Edits and transforms inside ``span`` are made. ``extra`` edits are made too and win over those
        that they touch (drop ``name=…`` from a copy). Transforms that only touch its ends are left out.
        """


@dataclass(frozen=True)
class Transform:
    """Replace the region ``span`` by what ``build`` makes of it, after the changes inside were made.

    Regions of one assignment must be disjoint or nested; others raise ``InfeasibleError``.
    """

    span: Span
    build: Callable[[Rendered], str]


@dataclass(frozen=True)
class ImportLine:
    """The file needs this line (``import keras``), without its line end. Asked twice, it comes once."""

    file: str
    text: str


Change = Edit | Transform | ImportLine


class Site(Protocol):
    """One place or decision in the source. Immutable; ``changes`` is pure."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The dimensions of the search that this site brings."""

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """What ``inspect`` shows of it as values."""

    @property
    def moves(self) -> tuple[Move, ...]:
        """What ``inspect`` shows of it as structure."""

    def changes(self, values: Mapping[str, Value]) -> Iterable[Change]:
        """Return what to change for ``values``: those of its parameters that differ from the author's.

        Raises ``InfeasibleError`` for a combination that this source cannot take.
        """


@dataclass(frozen=True)
class Context:
    """What finders read: the parsed program, resolved names, traced values, the catalogue, models, fits.

    ``ties`` tells which sizes of PyTorch's layers belong together.
    ``observed`` is what the baseline's run told; None before it ran.
    """

    program: Program
    names: Names
    tracer: Tracer
    catalogue: Catalogue
    models: tuple[Model, ...]
    training: Training
    ties: Ties
    observed: Observed | None = None


Finder = Callable[[Context], Iterable[Site]]
"""Finds all sites of one sort. Order matters: it is the order of parameters."""
