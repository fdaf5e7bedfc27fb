"""A parameter that a table leaves at its default: ``{"eta": 0.1}`` gains ``"max_depth": 8``."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pushtune.model.analysis import Knob, Move, Span
from pushtune.model.space import Parameter, Value
from pushtune.rewrite.base import Change
from pushtune.rewrite.catalogue import Argument, grow
from pushtune.rewrite.parameter_tables import Home, Table
from pushtune.rewrite.styles.implicit import Gap, find_gap
from pushtune.rewrite.styles.text import written
from pushtune.rewrite.survey import Survey
from pushtune.rewrite.uses import Target, parameter_tables
from pushtune.source import Module, SourceText

_TEMPLATES = {ast.Dict: "{quote}{key}{quote}: {value}", ast.Call: "{key}={value}"}
_PAIR = "({quote}{key}{quote}, {value})"


@dataclass(frozen=True)
class MissingKey:
    """One parameter that is left out."""

    key: str
    parameter: Parameter
    knob: Knob


@dataclass(frozen=True)
class EntriesSite:
    """The parameters that one display leaves at their defaults; ``template`` is how it writes an entry."""

    gap: Gap
    template: str
    quote: str
    missing: tuple[MissingKey, ...]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """One dimension for each parameter left out."""
        return tuple(item.parameter for item in self.missing)

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """The parameters left out, with their defaults as values."""
        return tuple(item.knob for item in self.missing)

    @property
    def moves(self) -> tuple[Move, ...]:
        """No structure."""
        return ()

    def changes(self, values: Mapping[str, Value]) -> Iterator[Change]:
        """Add the keys whose values are not the defaults, in the catalogue's order."""
        entries = [
            self.template.format(
                quote=self.quote, key=item.key, value=written(values[name], item.parameter.domain)
            )
            for item in self.missing
            if (name := item.parameter.name) in values
        ]
        if entries:
            yield self.gap.edit(entries)


def find(survey: Survey) -> Iterator[EntriesSite]:
    """Yield one site for each written-out table that calls are given, whatever number of calls."""
    read: dict[ast.expr, tuple[Home, list[tuple[Target, Table]]]] = {}
    for target in survey.targets:
        for table in parameter_tables(survey.context, target) if target.entry.entries else ():
            if table.home is not None:
                read.setdefault(table.home.node, (table.home, []))[1].append((target, table))
    names: dict[str, int] = {}
    for home, uses in read.values():
        gap = find_home_gap(home.module, home.node)
        missing = tuple(_missing(survey, home, uses, names)) if gap is not None else ()
        if gap is not None and missing:
            template = _TEMPLATES.get(type(home.node), _PAIR)
            yield EntriesSite(gap, template, _quote(home), missing)


def find_home_gap(module: Module, node: ast.expr) -> Gap | None:
    """Return where another entry goes: after the last one, in the style in which the table is written."""
    if module.document is not None:
        return None
    if isinstance(node, ast.Call):
        return find_gap(module, node)
    parts: list[ast.expr] = []
    if isinstance(node, ast.Dict):
        parts = list(node.values)
    elif isinstance(node, ast.List):
        parts = node.elts
    else:
        return None
    source = module.source
    begin, after = source.bounds(module.span(node))
    start, end, text = source.tokens_in(begin, after)[-2]
    place = source.between(end, end)
    if not parts:
        return Gap(place, "", ", ", "")
    if text != ",":
        return Gap(place, ", ", ", ", "")
    return _after_comma(source, max(source.span(part) for part in parts), start, end, after - 1)


def _after_comma(source: SourceText, last: Span, start: int, end: int, close: int) -> Gap:
    """Go on after a trailing comma; on a new line where the entries stand one below the other."""
    place = source.between(end, end)
    line_of_comma, line_of_close = source.position(start)[0], source.position(close)[0]
    if line_of_comma == line_of_close:
        return Gap(place, " ", ", ", "")
    line = source.lines[last.line - 1]
    indent = line[: len(line) - len(line.lstrip())]
    at = source.offset(line_of_comma + 1, 0)
    return Gap(source.between(at, at), indent, f",{source.newline}{indent}", f",{source.newline}")


def _missing(
    survey: Survey, home: Home, uses: list[tuple[Target, Table]], names: dict[str, int]
) -> Iterator[MissingKey]:
    target = uses[0][0]
    for argument in target.entry.entries:
        if argument.implicit and all(_lacks(one, table, argument) for one, table in uses):
            domain = grow(survey.context.catalogue.growths[argument.role], argument.default)
            if domain is None:
                continue
            base = f"{home.name or target.owner}.{argument.name}"
            names[base] = names.get(base, 0) + 1
            name = base if names[base] == 1 else f"{base}_{names[base]}"
            span = _head(home)
            parameter = Parameter(name, argument.role, domain, argument.default)
            knob = Knob(
                name, argument.role, span.file, span.line, argument.default, "implicit", domain, (span,)
            )
            yield MissingKey(argument.name, parameter, knob)


def _lacks(target: Target, table: Table, argument: Argument) -> bool:
    """Whether the call leaves the parameter at its default, and no name for its role is in the way."""
    return table.complete and not table.has(argument.names) and argument in target.entry.entries


def _head(home: Home) -> Span:
    """Return the bracket that opens the display, or the name that is called."""
    span = home.module.span(home.node.func if isinstance(home.node, ast.Call) else home.node)
    if isinstance(home.node, ast.Call):
        return span
    return Span(span.file, span.line, span.column, span.line, span.column + 1)


def _quote(home: Home) -> str:
    """Return the quotes in which the table, or else its file, writes keys."""
    source = home.module.source
    text = source.segment(home.module.span(home.node))
    if not text.count("'") and not text.count('"'):
        text = source.text
    return "'" if text.count("'") > text.count('"') else '"'
