"""Live or dead, as the baseline showed it: a value that only unreached calls read is no knob."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from pushtune.model.analysis import Observed, Span
from pushtune.model.space import Parameter
from pushtune.rewrite.base import Site
from pushtune.rewrite.conditions import readings_of

Places = Mapping[str, tuple[Span, ...]]
"""For each parameter the calls that read it, where that is known."""


def places_of(sites: Iterable[Site]) -> Places:
    """Return where the calls stand that read each parameter; a parameter that no call reads is left out."""
    found: dict[str, tuple[Span, ...]] = {}
    for name, readings in readings_of(sites).items():
        spans = (reading.target.module.span(reading.target.call) for reading in readings)
        found[name] = tuple(dict.fromkeys(spans))
    return {name: spans for name, spans in found.items() if spans}


def dead(places: Places, observed: Observed | None) -> frozenset[str]:
    """Return the parameters of which no reader was reached; none before the baseline ran."""
    if observed is None or observed.reached is None:
        return frozenset()
    reached = observed.reached
    return frozenset(name for name, spans in places.items() if not reached.intersection(spans))


def living(parameters: Iterable[Parameter], gone: Collection[str]) -> Iterator[Parameter]:
    """Yield the parameters without those that are ``gone``, and without what only mattered with these.

    One whose condition holds under the author's value of a dead parameter stays, without the condition.
    """
    everything = {parameter.name: parameter for parameter in parameters}
    lost: set[str] = set(gone)
    for parameter in everything.values():
        condition = parameter.condition
        if parameter.name in lost:
            continue
        if condition is None or condition.parameter not in lost:
            yield parameter
        elif everything[condition.parameter].default in condition.values:
            yield replace(parameter, condition=None)
        else:
            lost.add(parameter.name)
