"""Reaching definitions: which of a name's bindings may hold its value at one place of a program."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pushtune.source.program import BLOCKS, Module
from pushtune.source.scopes import FUNCTIONS, Binding, Scope, is_main_guard
from pushtune.source.settled import settled

_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_ENDS = (ast.Return, ast.Raise)
_LEAVING = ("sys.exit", "exit", "quit", "os._exit")


@dataclass(frozen=True)
class Reach:
    """The bindings that may hold at a place.

    ``again`` are those that only a later turn of a loop brings back. ``open`` says that some way leads
    past all of them, so that the name may be unbound, or hold what it held elsewhere.
    """

    bindings: tuple[Binding, ...] = ()
    again: tuple[Binding, ...] = ()
    open: bool = True

    @property
    def sure(self) -> bool:
        """Whether whoever comes to the place finds the one binding (at least the first time)."""
        return len(self.bindings) == 1 and not self.open

    @property
    def all(self) -> tuple[Binding, ...]:
        """Every binding, each once, in the order of the source."""
        found = dict.fromkeys((*self.bindings, *self.again))
        return tuple(sorted(found, key=_line))


@dataclass
class _Way:
    """What was met on the way back from a place."""

    found: list[Binding] = field(default_factory=list)
    again: list[Binding] = field(default_factory=list)

    def reach(self, *, past: bool) -> Reach:
        return Reach(tuple(dict.fromkeys(self.found)), tuple(dict.fromkeys(self.again)), past)


class Flow:
    """The bindings of one name in the scope that owns it, asked for by place.

    What is stored below a name (``config.lr``, ``params["lr"]``) flows in the same way.
    """

    def __init__(self, module: Module, scope: Scope, bindings: Iterable[Binding]) -> None:
        self._module, self._scope = module, scope
        self._own: dict[ast.AST, list[Binding]] = {}
        self._foreign: list[Binding] = []
        self._touched: dict[int, list[tuple[int, ast.AST]]] = {}
        self._seen: set[ast.AST] = set()
        for binding in bindings:
            self._note(binding)
        for block in self._touched.values():
            block.sort(key=lambda item: item[0])
        self._deferred: dict[ast.AST, Reach] = {}

    def at(self, node: ast.AST) -> Reach:
        """Return what may reach ``node``, a place that reads the name."""
        definition = self._definition(node)
        reach = self._before(node) if definition is None else self._called(definition, node, frozenset())
        if self._foreign:
            return Reach((*reach.bindings, *self._foreign), reach.again, reach.open)
        return reach

    def at_end(self) -> Reach:
        """Return what may hold when the scope's last statement has run: what another file imports."""
        found, passes = self._block(getattr(self._scope.node, "body", ()))
        return Reach((*dict.fromkeys(found), *self._foreign), (), passes)

    def _note(self, binding: Binding) -> None:
        if binding.kind == "declared":
            return
        if isinstance(binding.node, ast.arg):
            self._own.setdefault(self._scope.node, []).append(binding)
            return
        if self._module.scope_of(binding.node).node is not self._scope.node:
            self._foreign.append(binding)
            return
        at: ast.AST | None = self._module.statement(binding.node)
        if at is not None:
            self._own.setdefault(at, []).append(binding)
        while at is not None and at is not self._scope.node and at not in self._seen:
            self._seen.add(at)
            place = self._module.places.get(at)
            if place is not None:
                self._touched.setdefault(id(place[0]), []).append((place[1], at))
            at = self._module.parents.get(at)

    def _before(self, node: ast.AST) -> Reach:
        """Walk back from ``node``: the statements before it in its block, then those around the block."""
        way = _Way()
        place: ast.AST = self._module.statement(node)
        if isinstance(place, ast.While):
            way.again += self._inside(place)
        while True:
            if not self._above(place, way):
                return way.reach(past=False)
            parent = self._module.parents.get(place)
            if parent is None or parent is self._scope.node:
                start = [b for b in self._own.get(self._scope.node, ()) if parent is self._scope.node]
                way.found += start
                return way.reach(past=not start)
            if not self._outward(parent, place, way):
                return way.reach(past=False)
            place = parent

    def _above(self, place: ast.AST, way: _Way) -> bool:
        """Collect from the statements above ``place`` in its block; whether a way leads past them."""
        block, index = self._module.places.get(place, ([], 0))
        if not block or isinstance(place, (ast.ExceptHandler, ast.match_case)):
            return True
        for number, earlier in reversed(self._touched.get(id(block), ())):
            if number < index:
                found, passes = self._effect(earlier)
                way.found += found
                if not passes:
                    return False
        return True

    def _outward(self, parent: ast.AST, place: ast.AST, way: _Way) -> bool:
        """Collect what holds where the block of ``place`` begins; whether a way comes in from before."""
        own = self._own.get(parent, [])
        if isinstance(parent, ast.Match):
            return True  # its patterns bind in their own cases
        if isinstance(parent, _LOOPS):
            return self._into_loop(parent, place, own, way)
        if isinstance(parent, ast.Try) or type(parent).__name__ == "TryStar":
            return self._into_try(parent, place, way)
        if isinstance(parent, (ast.ExceptHandler, ast.match_case)):
            outer = self._own.get(self._module.parents[parent], [])
            own = [b for b in outer if b.node is parent or parent in self._module.around(b.node)]
            own = [b for b in own if self._module.statement(b.node) is self._module.parents[parent]]
        way.found += own
        return not own or isinstance(parent, (ast.If, ast.While))

    def _into_loop(self, loop: ast.AST, place: ast.AST, own: list[Binding], way: _Way) -> bool:
        if place in getattr(loop, "orelse", ()):
            way.found += self._inside(loop)
            return True
        target = [] if isinstance(loop, ast.While) else own
        way.again += [binding for binding in self._inside(loop) if binding not in target]
        way.found += target
        return not target

    def _into_try(self, node: ast.AST, place: ast.AST, way: _Way) -> bool:
        body = getattr(node, "body", [])
        if isinstance(place, ast.ExceptHandler):
            way.found += [binding for statement in body for binding in self._inside(statement)]
        elif place in getattr(node, "orelse", ()):
            found, passes = self._block(body)
            way.found += found
            return passes
        elif place in getattr(node, "finalbody", ()):
            way.found += self._inside(node)
        return True

    def _effect(self, statement: ast.AST) -> tuple[list[Binding], bool]:
        """Return the bindings that hold after ``statement``, and whether earlier ones may hold too."""
        if statement not in self._seen:
            return [], True
        own = self._own.get(statement, [])
        if isinstance(statement, ast.If):
            return self._after_if(statement, own)
        if isinstance(statement, _LOOPS):
            return self._inside(statement), True
        if isinstance(statement, ast.Try) or type(statement).__name__ == "TryStar":
            return self._after_try(statement)
        if isinstance(statement, (ast.With, ast.AsyncWith)):
            found, passes = self._block(statement.body)
            return ([*found, *own], not own) if passes else (found, False)
        if isinstance(statement, ast.Match):
            ways = [self._block(case.body) for case in statement.cases]
            return [*own, *(b for found, _ in ways for b in found)], True
        return own, all(binding.kind == "maybe" for binding in own)

    def _after_if(self, node: ast.If, own: list[Binding]) -> tuple[list[Binding], bool]:
        branches = [node.body, node.orelse]
        always = settled(self._module, node.test)
        if is_main_guard(node):
            branches = [node.body]
        elif always is not None:
            branches = [node.body if always else node.orelse]
        ways = [self._block(branch) for branch in branches]
        return [*own, *(b for found, _ in ways for b in found)], any(passes for _, passes in ways)

    def _after_try(self, node: ast.AST) -> tuple[list[Binding], bool]:
        body = getattr(node, "body", [])
        found, passes = self._block([*body, *getattr(node, "orelse", [])])
        begun = [binding for statement in body for binding in self._inside(statement)]
        for handler in getattr(node, "handlers", ()):
            if _leaves(handler.body):
                continue
            caught, through = self._block(handler.body)
            found = [*found, *caught, *(begun if through else [])]
            passes = passes or through
        last, through = self._block(getattr(node, "finalbody", []))
        return ([*found, *last], passes) if through else (last, False)

    def _block(self, block: Iterable[ast.stmt]) -> tuple[list[Binding], bool]:
        """Return the bindings that hold at the end of ``block``, and whether earlier ones may hold too."""
        statements = list(block)
        if _leaves(statements):
            return [], False
        found: list[Binding] = []
        for statement in reversed(statements):
            if statement in self._seen:
                bindings, passes = self._effect(statement)
                found += bindings
                if not passes:
                    return found, False
        return found, True

    def _inside(self, statement: ast.AST) -> list[Binding]:
        """Return every binding in or below ``statement``."""
        if statement not in self._seen:
            return []
        found = list(self._own.get(statement, ()))
        for name in BLOCKS:
            for inner in getattr(statement, name, None) or ():
                found += self._inside(inner)
        return found

    def _definition(self, node: ast.AST) -> ast.AST | None:
        """Return the outermost function or class, below the owner, that runs ``node`` later."""
        scope: Scope | None = self._module.scope_of(node)
        outermost, deferred = None, False
        while scope is not None and scope is not self._scope:
            deferred = deferred or isinstance(scope.node, FUNCTIONS)
            if isinstance(scope.node, (*FUNCTIONS, ast.ClassDef)):
                outermost = scope.node
            scope = scope.parent
        return outermost if deferred else None

    def _called(self, definition: ast.AST, node: ast.AST, seen: frozenset[ast.AST]) -> Reach:
        """Return what may hold when ``definition`` runs: at each place that calls or mentions it."""
        if definition in self._deferred:
            return self._deferred[definition]
        reaches = [reach for reach in self._mentions(definition, node, seen | {definition}) if reach.all]
        found = tuple(dict.fromkeys(b for reach in reaches for b in reach.bindings))
        again = tuple(dict.fromkeys(b for reach in reaches for b in reach.again))
        result = Reach(found, again, any(reach.open for reach in reaches)) if reaches else self.at_end()
        if not seen:
            self._deferred[definition] = result
        return result

    def _mentions(self, definition: ast.AST, node: ast.AST, seen: frozenset[ast.AST]) -> Iterator[Reach]:
        if isinstance(definition, ast.Lambda) or getattr(definition, "decorator_list", None):
            yield self._from_then_on(definition)
        for load in self._module.loads.get(getattr(definition, "name", ""), ()):
            outer = self._definition(load)
            if outer is not None:
                if outer not in seen:
                    yield self._called(outer, load, seen)
            elif self._runs_now(definition, load, node):
                yield self._before(load)
            else:
                yield self._from_then_on(load)
        if self._scope is self._module.scope and not self._module.is_entry:
            yield self.at_end()  # what another file finds that calls it

    def _runs_now(self, definition: ast.AST, load: ast.Name, node: ast.AST) -> bool:
        """Whether ``load`` calls ``definition`` on the spot, and ``node`` is what then runs."""
        call = self._module.parents.get(load)
        if not isinstance(call, ast.Call) or call.func is not load:
            return False
        if not isinstance(definition, ast.ClassDef):
            return True
        around = [outer for outer in self._module.around(node) if isinstance(outer, FUNCTIONS)]
        return getattr(around[-1], "name", "") == "__init__" if around else False

    def _from_then_on(self, node: ast.AST) -> Reach:
        """Return what holds at ``node`` or is bound anywhere below it."""
        reach = self._before(node)
        line = getattr(node, "lineno", 0)
        later = [b for own in self._own.values() for b in own if _line(b)[0] > line]
        return Reach(tuple(dict.fromkeys((*reach.bindings, *later))), reach.again, reach.open)


def _leaves(block: list[ast.stmt]) -> bool:
    """Whether ``block`` ends by leaving the function or the program."""
    last = block[-1] if block else None
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call):
        return ast.unparse(last.value.func) in _LEAVING
    return isinstance(last, _ENDS)


def _line(binding: Binding) -> tuple[int, int]:
    return getattr(binding.node, "lineno", 0), getattr(binding.node, "col_offset", 0)
