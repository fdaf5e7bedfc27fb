"""Branches that are summed must be equally wide: equal widths of a model with sums are one knob."""

from __future__ import annotations

from collections.abc import Mapping

from pushtune.model.analysis import Span
from pushtune.rewrite.base import Context
from pushtune.rewrite.catalogue.load import WIDTHS
from pushtune.rewrite.uses import Use

_SUMS = tuple(
    f"keras.layers.{name}"
    for name in ("add", "Add", "average", "Average", "multiply", "Multiply", "maximum", "Maximum")
)

Groups = Mapping[tuple[Span, ...], list[Use]]
"""The uses of each place, by its spans."""


def tied_by_sums(context: Context, groups: Groups) -> dict[tuple[Span, ...], list[Use]]:
    """Return ``groups`` with the places of equal widths joined, in each file that sums layers' outputs.

    Which of them meet in a sum depends on the flow; all that are equal stay equal, so that none is broken.
    """
    summing = {
        module.path
        for module in context.program.modules
        if any(context.names.call(module, call) in _SUMS for call in module.calls)
    }
    found: dict[tuple[Span, ...], list[Use]] = {}
    first: dict[tuple[str, int], tuple[Span, ...]] = {}
    for spans, uses in groups.items():
        value = uses[0].origin.value
        if spans[0].file not in summing or not isinstance(value, int) or not all(_is_width(u) for u in uses):
            found[spans] = uses
            continue
        key = (spans[0].file, value)
        before = first.get(key, ())
        first[key] = tuple(sorted({*before, *spans}))
        found[first[key]] = [*found.pop(before, []), *uses]
    return found


def _is_width(use: Use) -> bool:
    return use.target.entry.framework == "keras" and use.role in WIDTHS
