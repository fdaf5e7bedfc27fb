"""The number of rounds of an epoch loop written by hand: ``for epoch in range(1, args.epochs + 1)``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pushtune.model.analysis import Edit, Knob, Move, Span
from pushtune.model.space import Parameter, Value
from pushtune.rewrite.base import Change
from pushtune.rewrite.epochs import epochs_domain
from pushtune.rewrite.meanings import Reading
from pushtune.rewrite.styles.text import replacement
from pushtune.rewrite.survey import Survey
from pushtune.source import SourceText
from pushtune.source.tracing import Origin


@dataclass(frozen=True)
class LoopSite:
    """The place that holds the number. The text there is ``offset`` more than the number of epochs."""

    parameter: Parameter
    knob: Knob
    source: SourceText
    offset: int

    @property
    def readings(self) -> Mapping[str, tuple[Reading, ...]]:
        """No call reads it."""
        return {}

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The number of epochs."""
        return (self.parameter,)

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """The number of epochs."""
        return (self.knob,)

    @property
    def moves(self) -> tuple[Move, ...]:
        """No structure."""
        return ()

    def changes(self, values: Mapping[str, Value]) -> Iterator[Change]:
        """Write the new number."""
        value = values.get(self.parameter.name)
        if isinstance(value, int):
            for span in self.knob.spans:
                text = replacement(self.source, span, value + self.offset, self.parameter.domain)
                yield Edit(span, text)


def find(survey: Survey) -> Iterator[LoopSite]:
    """Yield the place of the number of epochs, if there is one loop and one place."""
    loop = survey.context.training.loop
    if loop is None or loop.count is None or not survey.epochs_tunable:
        return
    origins = survey.context.tracer.trace(loop.module, loop.count)
    if len(origins) == 1 and not survey.frozen.intersection(origins[0].spans):
        site = _site(survey, origins[0], loop.offset)
        if site is not None:
            yield site


def _site(survey: Survey, origin: Origin, offset: int) -> LoopSite | None:
    if isinstance(origin.value, bool) or not isinstance(origin.value, int):
        return None
    epochs = origin.value - offset
    domain = epochs_domain(epochs)
    if domain is None:
        return None
    name = origin.name if origin.style != "literal" and origin.name else "epochs"
    span = origin.spans[0]
    knob = Knob(
        name, "epochs", span.file, span.line, epochs, origin.style, domain, origin.spans, (), origin.certain
    )
    source = survey.context.program.module(span.file).source
    return LoopSite(Parameter(name, "epochs", domain, epochs), knob, source, offset)


def claimed(survey: Survey) -> frozenset[Span]:
    """Return the spans that the loop's number takes: no other finder may offer them under another role."""
    return frozenset(span for site in find(survey) for span in site.knob.spans)
