"""Inserting a layer behind another one: the place, and how the file can say the new layer's class."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from pushtune.model.analysis import Edit, Span
from pushtune.model.space import Condition
from pushtune.rewrite.base import Context, ImportLine
from pushtune.rewrite.layers import Layer, Model
from pushtune.rewrite.moves.copies import find_copies
from pushtune.rewrite.moves.text import before_line_end, indentation
from pushtune.source import Module


@dataclass(frozen=True)
class Insertion:
    """A place behind a layer. ``before`` and ``behind`` stand around the new layer's call.

    ``callee`` is how the file says the layer's class; ``line`` what it must import for that.
    """

    span: Span
    before: str
    behind: str
    callee: str
    line: ImportLine | None

    def edit(self, arguments: str) -> Edit:
        """Return the edit that inserts the layer with ``arguments``."""
        return Edit(self.span, f"{self.before}{self.callee}({arguments}){self.behind}")


def insertion(context: Context, model: Model, layer: Layer, class_name: str) -> Insertion | None:
    """Return how to insert a ``class_name`` of ``keras.layers`` behind ``layer``; None where it cannot be.

    The place is strictly inside the layer's region, so that copies of the layer get one too.
    """
    place, callee = _place(model.module, layer), _callee(context, model.module, layer, class_name)
    if place is None or callee is None:
        return None
    return Insertion(*place, *callee)


def while_kept(context: Context) -> Mapping[str, Condition]:
    """Return, by a unit's name, under which condition what is inside it matters: that it is not dropped."""
    offers = (parameter for site in find_copies(context) for parameter in site.parameters)
    return {
        offer.name.removesuffix(".copies"): Condition(
            offer.name, tuple(range(1, int(offer.domain.high or 1) + 1))
        )
        for offer in offers
        if offer.domain.low == 0
    }


def _place(module: Module, layer: Layer) -> tuple[Span, str, str] | None:
    assert layer.region is not None
    if not layer.own_lines:
        return _inline_place(module, layer.element, layer.region)
    span = before_line_end(module, layer.region)
    if span is None:
        return None
    start = f"{module.source.newline}{indentation(module, layer.element)}"
    if layer.target:
        return span, f"{start}{layer.target} = ", f"({layer.target})"
    assert layer.call is not None
    added = module.parents.get(layer.call)
    if isinstance(added, ast.Call) and isinstance(added.func, ast.Attribute) and added.func.attr == "add":
        return span, f"{start}{module.source.segment(module.span(added.func))}(", ")"
    return span, start, ","


def _inline_place(module: Module, element: Span, region: Span) -> tuple[Span, str, str] | None:
    """Return the place behind an element of a list on one line; None inside extra parentheses."""
    source = module.source
    end, limit = source.bounds(element)[1], source.bounds(region)[1]
    if not source.text[end:limit].lstrip().startswith(","):
        return None
    return source.between(end, end), ", ", ""


def _callee(
    context: Context, module: Module, layer: Layer, class_name: str
) -> tuple[str, ImportLine | None] | None:
    """Return how the file can say the class there: as its neighbour, by a bound name, or by an import."""
    call, full = layer.call, f"keras.layers.{class_name}"
    assert call is not None
    if isinstance(call.func, ast.Attribute):
        return f"{module.source.segment(module.span(call.func.value))}.{class_name}", None
    bound = context.names.qualify(module, ast.Name(class_name, ast.Load()))
    if bound == full and _bound_above(module, call, class_name):
        return class_name, None
    written = context.names.written(module, full, call)
    if written is not None:
        return written, None
    imported = _imported_from(module, call.func)
    if bound is not None or imported is None or module.scope.bindings.get(class_name):
        return None
    return class_name, ImportLine(module.path, f"from {imported} import {class_name}")


def _bound_above(module: Module, call: ast.Call, name: str) -> bool:
    """Whether every binding of ``name`` in the file stands above ``call`` (a star import has none)."""
    lines = [getattr(binding.node, "lineno", 0) for binding in module.scope.bindings.get(name, ())]
    return all(line < call.lineno for line in lines)


def _imported_from(module: Module, name: ast.expr) -> str | None:
    """Return the public module of layers that ``name`` was imported from."""
    found = module.scope_of(name).find(name.id) if isinstance(name, ast.Name) else None
    for binding in found[1] if found else ():
        place = binding.target.rpartition(".")[0] if binding.kind == "import" else ""
        if place.endswith(".layers"):
            return place
    return None
