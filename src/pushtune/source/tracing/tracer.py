"""The tracer: follows names, parameters, options, tables and objects to literals."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from pushtune.model.analysis import Span
from pushtune.model.space import Value
from pushtune.source.calls import CallIndex
from pushtune.source.flow import Flow, Reach
from pushtune.source.names import Names
from pushtune.source.program import Module, Program
from pushtune.source.scopes import Binding, Scope
from pushtune.source.tracing.arithmetic import LISTS, follow_arithmetic
from pushtune.source.tracing.base import Found, Hop, Origin
from pushtune.source.tracing.choices import follow_either, follow_ternary, follow_walrus, given_first
from pushtune.source.tracing.declared import declared_options, reads_as_given
from pushtune.source.tracing.dynamic import Dynamic
from pushtune.source.tracing.given import CommandLine
from pushtune.source.tracing.literals import stands_there, written_out
from pushtune.source.tracing.objects import follow_attribute, member, module_member
from pushtune.source.tracing.parameters import follow_parameter, passed
from pushtune.source.tracing.results import follow_call, returned
from pushtune.source.tracing.sweeps import is_sweep
from pushtune.source.tracing.tables import entry, follow_subscript, lookup

DEPTH = 16
_MOST_STEPS = 4000
"""After so many steps a way is given up: the program is too tangled to be told from its text."""


class Tracer:
    """Follows expressions of one program. ``given`` holds the options that the command line sets."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.program: Program = names.program
        self.calls = CallIndex(names.program)
        self.given = _given(self.program.script.args)
        self._dynamic = Dynamic(names)
        self._flows: dict[tuple[Scope, str], Flow] = {}
        self._ends: dict[ast.expr, tuple[Found, ...]] = {}
        self._traces: dict[ast.expr, tuple[Origin, ...]] = {}
        self._steps = 0

    @cached_property
    def command_line(self) -> CommandLine:
        """See ``Follower``. Where options are not read from it as it is given, it gives them no place."""
        module = self.program.command_line if reads_as_given(self.names) else None
        return CommandLine(module, self.program.script.args, declared_options(self.names, self.calls))

    def trace(self, module: Module, node: ast.expr) -> tuple[Origin, ...]:
        """Return the places where the value of ``node`` literally stands, none if that cannot be told.

        Several places mean that each holds the value in some of the runs, or calls, that reach ``node``.
        """
        if node not in self._traces:
            self._traces[node] = self._origins(self.ends(module, node))
        return self._traces[node]

    def trace_entry(self, module: Module, table: ast.expr, key: str) -> tuple[Origin, ...]:
        """Return where the value under ``key`` of a written-out table stands; see ``trace``."""
        self._steps = 0
        return self._origins(lookup(self, module, table, key, Hop(), DEPTH))

    def ends(self, module: Module, node: ast.expr) -> Iterator[Found]:
        """Yield the expressions, literal or not, that ``node`` stands for.

        Where several are possible and some are not known, the unknown ones stay as they are written.
        """
        if node not in self._ends:
            self._steps = 0
            self._ends[node] = tuple(self.follow(module, node, Hop(), DEPTH))
        return iter(self._ends[node])

    def follow(self, module: Module, node: ast.expr, hop: Hop, depth: int) -> Iterator[Found]:
        """See ``Follower``."""
        self._steps += 1
        if depth <= 0 or self._steps > _MOST_STEPS:
            return
        way = _WAYS.get(type(node))
        if way is None:
            yield Found(module, node, hop)
        else:
            yield from way(self, module, node, hop, depth - 1)

    def bound(self, module: Module, scope: Scope, binding: Binding, hop: Hop, depth: int) -> Iterator[Found]:
        """See ``Follower``."""
        if binding.kind == "parameter":
            yield from follow_parameter(self, module, binding, hop, depth)
        elif binding.kind == "import":
            yield from self._imported(binding.target, hop, depth)
        elif binding.kind == "augment":
            yield from self._augmented(module, scope, binding, hop, depth)
        elif binding.value is None or not self.calls.reached(module, binding.node):
            return
        elif binding.kind == "assign":
            certain = self._dynamic.is_sure(module, scope, binding.name)
            if certain is not None:
                step = hop.to("constant", binding.name, certain=certain)
                yield from self.follow(module, binding.value, step, depth)
        elif binding.kind == "unpack":
            yield from self._part(module, binding, hop, depth)
        elif binding.kind == "loop":
            yield from self._each(module, binding, hop, depth)

    def bound_ways(
        self, module: Module, scope: Scope, reach: Reach, end: ast.expr, hop: Hop, depth: int
    ) -> Iterator[Found]:
        """See ``Follower``."""
        several = len(reach.bindings) != 1 or reach.open
        ways = []
        for binding in reach.all:
            if binding.node not in hop.trail and binding.kind != "delete":
                step = (hop.maybe() if several else hop).over(binding.node)
                ways.append(list(self.bound(module, scope, binding, step, depth)))
        for way in given_first(ways):
            yield from way
        if any(ways) and not all(ways):
            yield Found(module, end, hop.maybe())

    def passed(self, module: Module, binding: Binding, hop: Hop) -> Iterator[tuple[Module, ast.expr, Hop]]:
        """See ``Follower``."""
        return passed(self, module, binding, hop)

    def returned(self, module: Module, call: ast.Call) -> list[tuple[Module, ast.expr]]:
        """See ``Follower``."""
        return returned(self, module, call)

    def member(self, found: Found, name: str, base: str, depth: int) -> list[Found] | None:
        """See ``Follower``."""
        return member(self, found, name, base, depth)

    def _name(self, module: Module, node: ast.Name, hop: Hop, depth: int) -> Iterator[Found]:
        found = module.scope_of(node).find(node.id)
        if found is None:
            for star in module.scope.stars:
                yield from self._imported(f"{star}.{node.id}", hop, depth)
            return
        scope, bindings = found
        reach = self._reach(module, scope, node, bindings)
        yield from self.bound_ways(module, scope, reach, node, hop, depth)

    def _reach(self, module: Module, scope: Scope, node: ast.Name, bindings: tuple[Binding, ...]) -> Reach:
        if len(bindings) == 1 and not bindings[0].conditional:
            return Reach(bindings, (), open=False)
        key = (scope, node.id)
        if key not in self._flows:
            self._flows[key] = Flow(module, scope, bindings)
        return self._flows[key].at(node)

    def _augmented(
        self, module: Module, scope: Scope, binding: Binding, hop: Hop, depth: int
    ) -> Iterator[Found]:
        """Yield what ``n *= 2`` began with."""
        statement = module.parents.get(binding.node)
        target = binding.node
        if not isinstance(statement, ast.AugAssign) or not isinstance(target, ast.Name):
            return
        if isinstance(statement.op, (ast.Mult, ast.Div, ast.FloorDiv, ast.Add, ast.Sub)):
            reach = self._reach(module, scope, target, tuple(scope.bindings.get(target.id, ())))
            for end in self.bound_ways(module, scope, reach, target, hop, depth - 1):
                if end.node is not target and not isinstance(end.node, LISTS):
                    yield end

    def _part(self, module: Module, binding: Binding, hop: Hop, depth: int) -> Iterator[Found]:
        """Yield one part of what is taken apart: ``a, b = sizes``."""
        assert binding.value is not None
        for found in self.follow(module, binding.value, hop.to("constant", binding.name), depth):
            for end in entry(self, found, binding.element, binding.name, depth) or ():
                yield Found(end.module, end.node, end.hop.to(end.hop.style, binding.name))

    def _each(self, module: Module, binding: Binding, hop: Hop, depth: int) -> Iterator[Found]:
        """Yield what a loop's variable holds, one after the other, when it runs over a written-out list.

        Not where each turn trains a model: the list is then a search by hand.
        """
        assert binding.value is not None
        if is_sweep(self.calls, module, binding.node):
            return
        for found in self.follow(module, binding.value, hop, depth):
            if isinstance(found.node, (ast.List, ast.Tuple)):
                base = found.hop.name or binding.name
                for number, element in enumerate(found.node.elts):
                    place = found.hop.to(found.hop.style, f"{base}_{number}")
                    yield from self.follow(found.module, element, place, depth)

    def _imported(self, target: str, hop: Hop, depth: int) -> Iterator[Found]:
        local = self.program.local(target)
        if local is not None and local[1]:
            yield from module_member(self, local[0], local[1], hop, depth)

    def _origins(self, ends: Iterable[Found]) -> tuple[Origin, ...]:
        origins: dict[tuple[Span, ...], Origin] = {}
        for found in ends:
            origin = self._origin(found)
            if origin is not None:
                origins.setdefault(origin.spans, origin)
        return tuple(origins.values())

    def _origin(self, found: Found) -> Origin | None:
        if isinstance(found.node, (ast.Tuple, ast.List)):
            return self._square(found)
        value = written_out(found.node)
        if value is None or not stands_there(found.module, found.node, value[0]):
            return None
        hop = found.hop
        span = found.module.span(found.node)
        number = _as_number(value[0], hop.number)
        return Origin(hop.style, hop.name, number, (span,), hop.certain, hop.choices)

    def _square(self, found: Found) -> Origin | None:
        """Return ``(3, 3)`` as the value 3 with two places, ``(K, K)`` as the place of K."""
        assert isinstance(found.node, (ast.Tuple, ast.List))
        sides = [self.trace(found.module, element) for element in found.node.elts]
        if not sides or any(len(side) != 1 or not isinstance(side[0].value, int) for side in sides):
            return None
        first = sides[0][0]
        if any(isinstance(side[0].value, bool) or side[0].value != first.value for side in sides):
            return None
        if all(side[0].spans == first.spans for side in sides):
            return first
        if any(side[0].style != "literal" for side in sides):
            return None
        spans = tuple(span for side in sides for span in side[0].spans)
        return Origin(found.hop.style, found.hop.name, first.value, spans, found.hop.certain)


def _as_number(value: Value, kind: str) -> Value:
    """Return the number that a text is turned into on its way; anything else as it is."""
    if not isinstance(value, str) or not kind:
        return value
    try:
        return int(value) if kind == "int" else float(value)
    except ValueError:
        return value


def _given(args: tuple[str, ...]) -> Mapping[str, str]:
    """Return the options that the command line sets, ``--units=3`` and ``--units 3`` alike."""
    return {argument.partition("=")[0]: argument for argument in args if argument.startswith("-")}


_Way = Callable[[Tracer, Module, Any, Hop, int], Iterator[Found]]
_WAYS: Mapping[type[ast.expr], _Way] = {
    ast.Name: Tracer._name,
    ast.Attribute: follow_attribute,
    ast.Subscript: follow_subscript,
    ast.BinOp: follow_arithmetic,
    ast.Call: follow_call,
    ast.IfExp: follow_ternary,
    ast.BoolOp: follow_either,
    ast.NamedExpr: follow_walrus,
}
"""How a value travels through each kind of expression; all other kinds are ends."""
