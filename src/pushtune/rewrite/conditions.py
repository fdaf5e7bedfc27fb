"""Which parameters matter only under others: in a layer that may be dropped, beside a deciding argument."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from pushtune.model.analysis import Knob, Span
from pushtune.model.space import Condition, Parameter
from pushtune.rewrite.base import Site
from pushtune.rewrite.meanings import Reading, with_meanings
from pushtune.rewrite.moves.copies import CopiesSite
from pushtune.rewrite.styles.implicit import ImplicitSite
from pushtune.rewrite.styles.torch_sizes import SizesSite
from pushtune.rewrite.styles.value import ValueSite


def with_conditions(
    parameters: Iterable[Parameter], knobs: Sequence[Knob], sites: Sequence[Site]
) -> Iterator[Parameter]:
    """Yield the parameters, those that do not always matter under the condition that they do.

    Some matter while another argument of the same call has certain values, others while the unit in which
    they stand is not dropped.
    """
    units = [unit for site in sites if isinstance(site, CopiesSite) for unit in site.droppable()]
    spans = {knob.name: knob.spans for knob in knobs}
    for parameter in with_meanings(parameters, readings_of(sites)):
        yield (
            parameter
            if parameter.condition
            else _conditional(parameter, spans.get(parameter.name, ()), units)
        )


def readings_of(sites: Iterable[Site]) -> Mapping[str, tuple[Reading, ...]]:
    """Return which arguments of which calls read each parameter that is a value."""
    return {
        name: readings
        for site in sites
        if isinstance(site, (ValueSite, ImplicitSite, SizesSite))
        for name, readings in site.readings.items()
    }


def _conditional(
    parameter: Parameter, spans: Sequence[Span], units: Sequence[tuple[Parameter, Span]]
) -> Parameter:
    for copies, region in units:
        if parameter.name == copies.name:
            continue
        unit = copies.name.rpartition(".")[0]
        inside = bool(spans) and all(_within(span, region) for span in spans)
        # A move has no spans of its own; its name says to which unit it belongs.
        if inside or (parameter.role.startswith("move.") and parameter.name.startswith(f"{unit}.")):
            assert copies.domain.high is not None
            counts = tuple(range(1, int(copies.domain.high) + 1))
            return replace(parameter, condition=Condition(copies.name, counts))
    return parameter


def _within(span: Span, region: Span) -> bool:
    start, end = (region.line, region.column), (region.end_line, region.end_column)
    return (
        span.file == region.file
        and start <= (span.line, span.column)
        and (span.end_line, span.end_column) <= end
    )
