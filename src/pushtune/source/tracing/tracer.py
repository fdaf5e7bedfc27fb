"""The tracer: follows names, parameters, options, tables and objects to literals."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pushtune.model.analysis import Span
from pushtune.source.calls import CallIndex
from pushtune.source.names import Names
from pushtune.source.program import Module, Program
from pushtune.source.scopes import Binding, Scope
from pushtune.source.tracing.base import Found, Hop, Origin
from pushtune.source.tracing.classes import follow_attribute
from pushtune.source.tracing.literals import literal_value, stands_there
from pushtune.source.tracing.options import is_parsed
from pushtune.source.tracing.parameters import follow_parameter
from pushtune.source.tracing.tables import follow_subscript, lookup

DEPTH = 12
_PLAIN = ("builtins.int", "builtins.float", "builtins.str", "builtins.bool")
_DYNAMIC = ("builtins.exec", "builtins.globals")
_GIVES_BACK = (ast.Return, ast.Yield, ast.YieldFrom)
_WRITTEN_OUT = (ast.Constant, ast.UnaryOp, ast.Dict)


class Tracer:
    """Follows expressions of one program. ``given`` holds the options that the command line sets."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.program: Program = names.program
        self.calls = CallIndex(names.program)
        self.given = _given(self.program.script.args)
        self._dynamic = {module.path for module in self.program.modules if self._is_dynamic(module)}

    def trace(self, module: Module, node: ast.expr) -> tuple[Origin, ...]:
        """Return the places where the value of ``node`` literally stands, none if that cannot be told.

        Several places mean that each holds the value in some of the calls that reach ``node``.
        """
        origins: dict[tuple[Span, ...], Origin] = {}
        for found in self.ends(module, node):
            origin = self._origin(found)
            if origin is not None:
                origins.setdefault(origin.spans, origin)
        return tuple(origins.values())

    def trace_entry(self, module: Module, table: ast.expr, key: str) -> tuple[Origin, ...]:
        """Return where the value under ``key`` of a written-out table stands; see ``trace``."""
        found = (self._origin(end) for end in lookup(self, module, table, key, Hop(), DEPTH))
        return tuple(origin for origin in found if origin is not None)

    def ends(self, module: Module, node: ast.expr) -> Iterator[Found]:
        """Yield the expressions, literal or not, that ``node`` stands for."""
        return self.follow(module, node, Hop(), DEPTH)

    def follow(self, module: Module, node: ast.expr, hop: Hop, depth: int) -> Iterator[Found]:
        """See ``Follower``."""
        if depth == 0:
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
        elif binding.kind == "assign" and binding.value is not None and not binding.conditional:
            if scope is not module.scope or module.path not in self._dynamic:
                yield from self.follow(module, binding.value, hop.to("constant", binding.name), depth)
        elif binding.kind == "loop" and isinstance(binding.value, ast.expr):
            yield from self._each(module, binding, hop, depth)

    def _each(self, module: Module, binding: Binding, hop: Hop, depth: int) -> Iterator[Found]:
        """Yield what a loop's variable holds, one after the other, when it runs over a written-out list."""
        assert binding.value is not None
        for found in self.follow(module, binding.value, hop, depth):
            if isinstance(found.node, (ast.List, ast.Tuple)):
                base = found.hop.name or binding.name
                for number, element in enumerate(found.node.elts):
                    place = found.hop.to(found.hop.style, f"{base}_{number}")
                    yield from self.follow(found.module, element, place, depth)

    def _name(self, module: Module, node: ast.Name, hop: Hop, depth: int) -> Iterator[Found]:
        found = module.scope_of(node).find(node.id)
        if found is None:
            for star in module.scope.stars:
                yield from self._imported(f"{star}.{node.id}", hop, depth)
        elif len(found[1]) == 1 or all(binding.kind == "loop" for binding in found[1]):
            for binding in found[1]:
                yield from self.bound(module, found[0], binding, hop, depth)

    def _imported(self, target: str, hop: Hop, depth: int) -> Iterator[Found]:
        local = self.program.local(target)
        if local is not None and local[1]:
            bindings = local[0].scope.bindings.get(local[1], ())
            if len(bindings) == 1:
                yield from self.bound(local[0], local[0].scope, bindings[0], hop, depth)

    def _arithmetic(self, module: Module, node: ast.BinOp, hop: Hop, depth: int) -> Iterator[Found]:
        """Follow the named side of ``UNITS * 2`` and ``UNITS // 2``."""
        if isinstance(node.op, (ast.Mult, ast.FloorDiv)) and literal_value(node.right) is not None:
            if literal_value(node.left) is None:
                yield from self.follow(module, node.left, hop, depth)
        elif isinstance(node.op, ast.Mult) and literal_value(node.left) is not None:
            yield from self.follow(module, node.right, hop, depth)

    def _call(self, module: Module, node: ast.Call, hop: Hop, depth: int) -> Iterator[Found]:
        """Follow through ``int(x)``, ``float(x)`` and ``table.get("key", …)``; other calls are ends."""
        if len(node.args) == 1 and not node.keywords and self.names.call(module, node) in _PLAIN:
            yield from self.follow(module, node.args[0], hop, depth)
            return
        if isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
            key = literal_value(node.args[0])
            if key is not None and isinstance(key[0], str):
                yield from lookup(self, module, node.func.value, key[0], hop, depth)
                return
        yield from self._returned(module, node, hop, depth) or [Found(module, node, hop)]

    def _returned(self, module: Module, node: ast.Call, hop: Hop, depth: int) -> list[Found]:
        """Return what a local function gives back, if that is written out or a parsed command line.

        Only a function whose one ``return`` is its last statement; what else it may give stays a call.
        """
        definition = self.calls.resolve(module, node.func)
        if not isinstance(definition, ast.FunctionDef) or definition.decorator_list:
            return []
        last = definition.body[-1]
        inside = (inner for inner in ast.walk(definition) if isinstance(inner, _GIVES_BACK))
        if not isinstance(last, ast.Return) or last.value is None or list(inside) != [last]:
            return []
        home = next(one for one in self.program.modules if definition in one.scopes)
        ends = list(self.follow(home, last.value, hop, depth))
        plain = all(isinstance(end.node, _WRITTEN_OUT) or is_parsed(self, end) for end in ends)
        return ends if plain else []

    def _origin(self, found: Found) -> Origin | None:
        if isinstance(found.node, (ast.Tuple, ast.List)):
            return self._square(found)
        value = literal_value(found.node)
        if value is None or not stands_there(found.module, found.node, value[0]):
            return None
        hop = found.hop
        return Origin(hop.style, hop.name, value[0], (found.module.span(found.node),), hop.certain)

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

    def _is_dynamic(self, module: Module) -> bool:
        """Whether the file runs ``exec`` or reaches for ``globals()``: its constants may change unseen."""
        return any(
            isinstance(call.func, ast.Name) and self.names.call(module, call) in _DYNAMIC
            for call in module.calls
        )


def _given(args: tuple[str, ...]) -> Mapping[str, str]:
    """Return the options that the command line sets, ``--units=3`` and ``--units 3`` alike."""
    return {argument.partition("=")[0]: argument for argument in args if argument.startswith("-")}


_Way = Callable[[Tracer, Module, Any, Hop, int], Iterator[Found]]
_WAYS: Mapping[type[ast.expr], _Way] = {
    ast.Name: Tracer._name,
    ast.Attribute: follow_attribute,
    ast.Subscript: follow_subscript,
    ast.BinOp: Tracer._arithmetic,
    ast.Call: Tracer._call,
}
"""How a value travels through each kind of expression; all other kinds are ends."""
