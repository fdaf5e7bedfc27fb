"""An argument that a call leaves at its default: ``RandomForestClassifier()`` gains ``max_depth=…``."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pushtune.model.analysis import Edit, Knob, Move, Span
from pushtune.model.space import Parameter, Value
from pushtune.rewrite.base import Change
from pushtune.rewrite.catalogue import Argument
from pushtune.rewrite.meanings import Reading, has_meaning
from pushtune.rewrite.styles.text import written
from pushtune.rewrite.survey import Survey
from pushtune.rewrite.uses import Target, splat_keys, written_argument
from pushtune.source import Module, SourceText


@dataclass(frozen=True)
class Gap:
    """Where keywords can be added to a call: what goes before the first, between two, and after the last."""

    span: Span
    before: str
    between: str
    after: str

    def edit(self, keywords: Sequence[str]) -> Edit:
        """Return the edit that adds ``keywords`` (``name=value``)."""
        return Edit(self.span, self.before + self.between.join(keywords) + self.after)


@dataclass(frozen=True)
class Missing:
    """One argument that is left out: its parameter, and the text around its value."""

    keyword: str
    template: str
    parameter: Parameter
    knob: Knob
    reading: Reading

    def written(self, value: Value) -> str:
        """Return the keyword argument that gives ``value``."""
        return f"{self.keyword}={self.template.format(written(value, self.parameter.domain))}"


@dataclass(frozen=True)
class ImplicitSite:
    """The arguments that one call leaves at their defaults."""

    gap: Gap
    missing: tuple[Missing, ...]

    @property
    def readings(self) -> Mapping[str, tuple[Reading, ...]]:
        """The argument that each parameter would be given for."""
        return {item.parameter.name: (item.reading,) for item in self.missing}

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """One dimension for each argument left out."""
        return tuple(item.parameter for item in self.missing)

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """The arguments left out, with their defaults as values."""
        return tuple(item.knob for item in self.missing)

    @property
    def moves(self) -> tuple[Move, ...]:
        """No structure."""
        return ()

    def changes(self, values: Mapping[str, Value]) -> Iterator[Change]:
        """Add the keywords whose values are not the defaults, in the catalogue's order."""
        keywords = [
            item.written(values[item.parameter.name])
            for item in self.missing
            if item.parameter.name in values
        ]
        if keywords:
            yield self.gap.edit(keywords)


def find_gap(module: Module, call: ast.Call) -> Gap | None:
    """Return where ``call`` takes another keyword, in the style in which it is written.

    None for ``f(x for x in y)``, which would need parentheses first.
    """
    source = module.source
    begin, after = source.bounds(module.span(call))
    close = after - 1
    if _is_bare_generator(source, call, close):
        return None
    start, end, text = source.tokens_in(begin, after)[-2]
    place = source.between(end, end)
    if not call.args and not call.keywords:
        return Gap(place, "", ", ", "")
    if text != ",":
        return Gap(place, ", ", ", ", "")
    return _after_comma(source, call, start, end, close)


def _after_comma(source: SourceText, call: ast.Call, start: int, end: int, close: int) -> Gap:
    """Go on after a trailing comma; on a new line where the arguments stand one below the other."""
    place = source.between(end, end)
    line_of_comma, line_of_close = source.position(start)[0], source.position(close)[0]
    if line_of_comma == line_of_close:
        return Gap(place, " ", ", ", "")
    last = max(source.span(argument) for argument in (*call.args, *call.keywords))
    line = source.lines[last.line - 1]
    indent = line[: len(line) - len(line.lstrip())]
    if line[: last.column].strip():
        indent += "    "
    at = source.offset(line_of_comma + 1, 0)
    return Gap(source.between(at, at), indent, f",{source.newline}{indent}", f",{source.newline}")


def _is_bare_generator(source: SourceText, call: ast.Call, close: int) -> bool:
    if len(call.args) != 1 or not isinstance(call.args[0], ast.GeneratorExp):
        return False
    return source.bounds(source.span(call.args[0]))[1] == close + 1


def find(survey: Survey) -> Iterator[ImplicitSite]:
    """Yield one site for each call that leaves catalogued arguments at their defaults."""
    for target in survey.targets:
        if target.call not in target.module.parents:
            continue  # what a parser fills: no call that could be given more
        keys = splat_keys(survey.context, target)
        gap = find_gap(target.module, target.call) if keys is not None else None
        if keys is None or gap is None:
            continue
        missing = tuple(
            item
            for argument in target.entry.arguments
            if argument.implicit and not keys.intersection(argument.names)
            for item in _missing(survey, target, argument)
        )
        if missing:
            yield ImplicitSite(gap, missing)


def _missing(survey: Survey, target: Target, argument: Argument) -> Iterator[Missing]:
    if written_argument(target.call, argument) is not None or _has_alias(target, argument):
        return
    if _is_set_elsewhere(survey, target, argument) or not has_meaning(survey.context, target, argument):
        return
    if argument.role == "batch_size" and target.entry.name == "fit" and not _trains_on_arrays(target.call):
        return
    searched = survey.searches.domain(target, argument, argument.default)
    domain = searched or survey.domain(argument.role_of(argument.default), argument.default)
    if domain is None:
        return
    role = survey.role(argument.role)
    name = f"{target.owner}.{argument.name}"
    condition = survey.condition([(target.module, target.call)])
    parameter = Parameter(name, role, domain, argument.default, condition)
    span = target.module.span(target.call.func)
    knob = Knob(name, role, span.file, span.line, argument.default, "implicit", domain, (span,))
    yield Missing(argument.name, argument.template, parameter, knob, Reading(target, argument))


def _is_set_elsewhere(survey: Survey, target: Target, argument: Argument) -> bool:
    """Whether a search of the script, or ``set_params``, gives the argument its value."""
    later = (target.call, argument.name) in survey.searches.later
    return later or survey.searches.left_alone(target, argument)


def _has_alias(target: Target, argument: Argument) -> bool:
    """Whether the call gives the same role under another name (``lr`` for ``learning_rate``)."""
    same = {other.name for other in target.entry.arguments if other.role == argument.role}
    return any(keyword.arg in same for keyword in target.call.keywords)


def _trains_on_arrays(call: ast.Call) -> bool:
    """Whether ``fit`` is given arrays: data sets and generators bring their own batches, and no ``y``."""
    names = {keyword.arg for keyword in call.keywords}
    return (len(call.args) >= 2 or "y" in names) and "steps_per_epoch" not in names
