"""The number of rounds of an epoch loop written by hand: ``for epoch in range(1, args.epochs + 1)``."""

from __future__ import annotations

from collections.abc import Iterator

from pushtune.model.analysis import Knob, Span
from pushtune.model.space import Parameter
from pushtune.rewrite.epochs import epochs_domain
from pushtune.rewrite.styles.value import ValueSite
from pushtune.rewrite.survey import Survey
from pushtune.source.tracing import Origin


def find(survey: Survey) -> Iterator[ValueSite]:
    """Yield the place of the number of epochs, if there is one loop and one place."""
    loop = survey.context.training.loop
    if loop is None or loop.count is None or not survey.epochs_tunable:
        return
    origins = survey.context.tracer.trace(loop.module, loop.count)
    if len(origins) == 1 and not survey.frozen.intersection(origins[0].spans):
        site = _site(survey, origins[0], loop.offset)
        if site is not None:
            yield site


def _site(survey: Survey, origin: Origin, offset: int) -> ValueSite | None:
    if origin.choices or isinstance(origin.value, bool) or not isinstance(origin.value, int):
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
    return ValueSite(Parameter(name, "epochs", domain, epochs), knob, source, offset=offset)


def claimed(survey: Survey) -> frozenset[Span]:
    """Return the spans that the loop's number takes: no other finder may offer them under another role."""
    return frozenset(span for site in find(survey) for span in site.knob.spans)
