"""What the baseline's run showed of the source, in the form in which the ledger keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pushtune.model.analysis import LayerShape, Observed, Span
from pushtune.trial import Progress


def observed(progress: Progress, places: Sequence[Span]) -> Observed:
    """Return what the run reported: the layers' shapes, and which of the watched ``places`` it reached.

    Where it reported none of them it was not able to watch, and nothing is said about them.
    """
    reached = frozenset(places[number] for number in progress.reached if 0 <= number < len(places))
    layers = progress.model.layers if progress.model is not None else ()
    return Observed(layers, reached or None)


def observed_to_json(told: Observed) -> dict[str, Any]:
    """Return a form that JSON can hold."""
    layers = [[one.name, one.type, list(one.input_shape), list(one.output_shape)] for one in told.layers]
    reached = (
        None if told.reached is None else [[span.file, *span.as_list()] for span in sorted(told.reached)]
    )
    return {"layers": layers, "reached": reached}


def observed_from_json(body: Mapping[str, Any]) -> Observed:
    """Read what ``observed_to_json`` made."""
    layers = tuple(
        LayerShape(name, kind, tuple(given), tuple(gave)) for name, kind, given, gave in body["layers"]
    )
    reached = body["reached"]
    return Observed(layers, None if reached is None else frozenset(Span(*place) for place in reached))
