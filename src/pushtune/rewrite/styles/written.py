"""Values that stand in the source: literals, constants, options, dictionary entries, defaults."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pushtune.model.analysis import COMMAND_LINE, Knob, Span
from pushtune.model.space import Domain, Parameter, Value
from pushtune.rewrite.catalogue import Argument
from pushtune.rewrite.catalogue.load import WIDTHS
from pushtune.rewrite.meanings import Reading, has_meaning
from pushtune.rewrite.repeats import repeated
from pushtune.rewrite.schedules import CALLBACK, scheduled
from pushtune.rewrite.styles import torch_sizes
from pushtune.rewrite.styles.epoch_loops import claimed
from pushtune.rewrite.styles.value import ValueSite
from pushtune.rewrite.sums import tied_by_sums
from pushtune.rewrite.survey import Survey
from pushtune.rewrite.uses import Target, Use, traced, uses_of

_ACTIVATIONS = (
    "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "swish", "silu", "hard_swish", "hard_silu",
    "mish", "tanh", "hard_tanh", "sigmoid", "hard_sigmoid", "log_sigmoid", "softplus", "softsign",
    "exponential", "exp", "glu", "sparse_plus", "squareplus", "soft_shrink", "hard_shrink",
    "tanh_shrink", "threshold",
)  # fmt: skip
"""What may be swapped. ``softmax`` and ``linear`` belong to the task; other names are the script's own."""


def find(survey: Survey) -> Iterator[ValueSite]:
    """Yield one site for each place that holds a tunable value, whatever number of calls reads it."""
    groups: dict[tuple[Span, ...], list[Use]] = {}
    for target in survey.targets:
        for use in _uses(survey, target):
            groups.setdefault(use.origin.spans, []).append(use)
    groups = tied_by_sums(survey.context, groups)
    taken: set[Span] = {*survey.frozen, *claimed(survey), *torch_sizes.claimed(survey)}
    names: dict[str, int] = {}
    for spans, uses in groups.items():
        domain = _domain(survey, uses)
        if domain is None or taken.intersection(spans):
            continue
        taken.update(spans)
        yield _site(survey, spans, uses, domain, names)


def _uses(survey: Survey, target: Target) -> Iterator[Use]:
    """Yield the values that the call is given, or is given later, and that the script does not search."""
    later = survey.searches.later
    if target.entry.name == CALLBACK:
        yield from scheduled(survey.context, target)
    yield from repeated(survey.context, target)
    for use in uses_of(survey.context, target):
        if (target.call, use.argument.name) not in later and _is_free(survey, target, use.argument):
            yield use
    for argument in target.entry.arguments:
        found = later.get((target.call, argument.name))
        if found is not None and found.expression is not None and _is_free(survey, target, argument):
            yield from traced(survey.context, target, argument, found.module, found.expression)


def _is_free(survey: Survey, target: Target, argument: Argument) -> bool:
    left_alone = survey.searches.left_alone(target, argument)
    return not left_alone and has_meaning(survey.context, target, argument)


def _domain(survey: Survey, uses: Sequence[Use]) -> Domain | None:
    """Return the values that suit every role in which the place is read; None if there are none."""
    value = uses[0].origin.value
    domains: list[Domain | None] = [
        searched
        for use in uses
        if (searched := survey.searches.domain(use.target, use.argument, value)) is not None
    ]
    for role in dict.fromkeys(use.role for use in uses) if not domains else ():
        if role == "kernel_size" and value == 1:
            return None  # a pointwise convolution is a projection, not a choice of size
        if role in WIDTHS and value == 1:
            return None  # a score, a gate, a bias: what follows counts on one number
        if role == "activation" and value not in _ACTIVATIONS:
            return None
        domains.append(survey.domain(role, value))
    first = domains[0]
    for other in domains[1:]:
        first = _common(first, other)
    return _let_through(first, uses[0])


def _let_through(domain: Domain | None, use: Use) -> Domain | None:
    """Return the values of ``domain`` that can stand there.

    A command line holds texts: what the option turns them into is of one type, and never ``None``. It may
    take some values only (``choices=(18, 34, 50)``).
    """
    origin = use.origin
    if domain is None or origin.spans[0].file != COMMAND_LINE:
        return domain
    if not origin.choices and domain.type != "categorical":
        return domain
    if use.role in ("epochs", "rounds"):
        return None  # a budget has a range
    offered = origin.choices or domain.choices
    choices = tuple(one for one in offered if type(one) is type(origin.value) and domain.contains(one))
    return Domain("categorical", choices=choices) if len(choices) > 1 and origin.value in choices else None


def _common(first: Domain | None, other: Domain | None) -> Domain | None:
    if first is None or other is None or first.type != other.type:
        return None
    if first.type == "categorical":
        choices = tuple(choice for choice in first.choices if other.contains(choice))
        return replace(first, choices=choices) if len(choices) > 1 else None
    assert first.low is not None
    assert first.high is not None
    low = max(first.low, first.low if other.low is None else other.low)
    high = min(first.high, first.high if other.high is None else other.high)
    return replace(first, low=low, high=high) if low < high else None


def _site(
    survey: Survey, spans: tuple[Span, ...], uses: Sequence[Use], domain: Domain, names: dict[str, int]
) -> ValueSite:
    origin = uses[0].origin
    base = origin.name if origin.style != "literal" and origin.name else uses[0].name
    names[base] = names.get(base, 0) + 1
    name = base if names[base] == 1 else f"{base}_{names[base]}"
    value = _as_domain(domain, origin.value)
    span = spans[0]
    condition = survey.condition((use.module, use.node) for use in uses)
    tied = tuple(dict.fromkeys(use.name for use in uses)) if len(uses) > 1 else ()
    certain = all(use.origin.certain for use in uses)
    role = survey.role(uses[0].role)
    knob = Knob(name, role, span.file, span.line, value, origin.style, domain, spans, tied, certain)
    module = survey.context.program.module(span.file)
    parameter = Parameter(name, role, domain, value, condition)
    return ValueSite(parameter, knob, module.source, tuple(Reading(u.target, u.argument) for u in uses))


def _as_domain(domain: Domain, value: Value) -> Value:
    """Return the author's value as the domain's numbers are: ``1`` among floats, ``3.0`` epochs as 3."""
    if domain.type == "float" and isinstance(value, int):
        return float(value)
    return int(value) if domain.type == "int" and isinstance(value, float) else value
