"""Insert a Dropout where none is: ``dense_1.dropout_after``, ``block_2.dropout_after``.

An existing Dropout is taken out by its own knob: a rate of 0 does nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pushtune.model.analysis import Edit, Knob, Move, Span
from pushtune.model.space import Condition, Domain, Parameter, Value
from pushtune.rewrite.base import Change, Context, ImportLine, Site
from pushtune.rewrite.moves.copies import find_copies
from pushtune.rewrite.moves.text import before_line_end, indentation
from pushtune.rewrite.moves.units import DROPOUTS, POOLS, Unit, find_units
from pushtune.source import Module

HIGHEST_RATE = 0.6
"""Highest rate offered: the top of a Dropout's own knob in the catalogue."""

_DROPOUT = "keras.layers.Dropout"


@dataclass(frozen=True)
class Place:
    """Where a layer can be inserted. ``before`` and ``behind`` stand around the layer's call."""

    span: Span
    before: str
    behind: str


@dataclass(frozen=True, eq=False)
class DropoutSite:
    """One place for a Dropout. ``callee`` is how the file says ``Dropout``; ``line`` what it must import."""

    unit: Unit
    place: Place
    callee: str
    line: ImportLine | None
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
        if not isinstance(rate, float) or rate <= 0:
            return
        text = f"{self.callee}({rate:.3g})"
        yield Edit(self.place.span, f"{self.place.before}{text}{self.place.behind}")
        if self.line is not None:
            yield self.line


def find_dropouts(context: Context) -> Iterator[Site]:
    """Yield one site for each unit behind which a Dropout can go, and none is."""
    copies = {parameter.name for site in find_copies(context) for parameter in site.parameters}
    for unit in find_units(context.models):
        if not _wants_dropout(unit):
            continue
        place = _place(unit)
        callee = _callee(context, unit)
        if place is not None and callee is not None:
            name = f"{unit.name}.copies"
            condition = Condition(name, (1, 2, 3)) if name in copies else None
            yield DropoutSite(unit, place, *callee, condition)


def _wants_dropout(unit: Unit) -> bool:
    """Whether no Dropout is in the unit or behind it; a convolution without a pool gets none."""
    behind = unit.model.layers[unit.after : unit.after + 2]
    if any(layer.qualified in DROPOUTS for layer in (*unit.layers, *behind)):
        return False
    return unit.kind == "dense" or any(layer.qualified in POOLS for layer in unit.layers)


def _place(unit: Unit) -> Place | None:
    """Return where to insert: strictly inside the unit's region, so that its copies get one too."""
    layer, module = unit.layers[-1], unit.model.module
    assert layer.region is not None
    if not layer.own_lines:
        return _inline_place(module, layer.element, layer.region)
    span = before_line_end(module, layer.region)
    if span is None:
        return None
    start = f"{module.source.newline}{indentation(module, layer.element)}"
    if layer.target:
        return Place(span, f"{start}{layer.target} = ", f"({layer.target})")
    statement = module.source.segment(layer.element)
    assert layer.call is not None
    added = module.parents.get(layer.call)
    if isinstance(added, ast.Call) and isinstance(added.func, ast.Attribute) and added.func.attr == "add":
        return Place(span, f"{start}{module.source.segment(module.span(added.func))}(", ")")
    return Place(span, start, ",") if statement else None


def _inline_place(module: Module, element: Span, region: Span) -> Place | None:
    """Return the place behind an element of a list on one line; None inside extra parentheses."""
    source = module.source
    end, limit = source.bounds(element)[1], source.bounds(region)[1]
    if not source.text[end:limit].lstrip().startswith(","):
        return None
    return Place(source.between(end, end), ", ", "")


def _callee(context: Context, unit: Unit) -> tuple[str, ImportLine | None] | None:
    """Return how the file can say ``Dropout`` there: as its neighbour, by a bound name, or by an import."""
    module, call = unit.model.module, unit.layers[-1].call
    assert call is not None
    if isinstance(call.func, ast.Attribute):
        return f"{module.source.segment(module.span(call.func.value))}.Dropout", None
    bound = context.names.qualify(module, ast.Name("Dropout", ast.Load()))
    if bound == _DROPOUT and _bound_above(module, call):
        return "Dropout", None
    written = context.names.written(module, _DROPOUT, call)
    if written is not None:
        return written, None
    imported = _imported_from(module, call.func)
    if bound is not None or imported is None or module.scope.bindings.get("Dropout"):
        return None
    return "Dropout", ImportLine(module.path, f"from {imported} import Dropout")


def _bound_above(module: Module, call: ast.Call) -> bool:
    """Whether every binding of the file's ``Dropout`` stands above ``call`` (a star import has none)."""
    lines = [getattr(binding.node, "lineno", 0) for binding in module.scope.bindings.get("Dropout", ())]
    return all(line < call.lineno for line in lines)


def _imported_from(module: Module, name: ast.expr) -> str | None:
    """Return the public module of layers that ``name`` was imported from."""
    found = module.scope_of(name).find(name.id) if isinstance(name, ast.Name) else None
    for binding in found[1] if found else ():
        place = binding.target.rpartition(".")[0] if binding.kind == "import" else ""
        if place.endswith(".layers"):
            return place
    return None
