"""What an object is made of: a search's estimator is its pipeline, every step of it, and what they hold."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping

from pushtune.rewrite.base import Context
from pushtune.source import Module
from pushtune.source.scopes import Binding, Scope

Stop = Callable[[Module, ast.Call], bool]
_HOLDING = ("assign", "loop", "unpack")
_ADDING = ("append", "add", "extend", "insert")
_LOOPS = (ast.For, ast.AsyncFor, ast.comprehension)


def parts_of(
    context: Context, module: Module, node: ast.AST, stop: Stop = lambda module, call: False
) -> Mapping[ast.Call, Module]:
    """Return the calls that take part in the value of ``node``, each with its file.

    Followed are names, lists and tables that are filled later, and what local functions return. Nothing is
    looked for in a call for which ``stop`` holds. What cannot be followed adds nothing.
    """
    walk = _Walk(context, stop)
    walk.visit(module, node)
    return walk.found


class _Walk:
    def __init__(self, context: Context, stop: Stop) -> None:
        self.found: dict[ast.Call, Module] = {}
        self._context = context
        self._stop = stop
        self._seen: set[ast.AST] = set()

    def visit(self, module: Module, node: ast.AST) -> None:
        pending = [(module, node)]
        while pending:
            home, at = pending.pop()
            if at not in self._seen:
                self._seen.add(at)
                pending += self._next(home, at)

    def _next(self, module: Module, node: ast.AST) -> Iterator[tuple[Module, ast.AST]]:
        if isinstance(node, ast.Call):
            if self._stop(module, node):
                return
            self.found[node] = module
            yield from self._returned(module, node)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield from self._named(module, node)
        for child in ast.iter_child_nodes(node):
            yield module, child

    def _returned(self, module: Module, call: ast.Call) -> Iterator[tuple[Module, ast.AST]]:
        definition = self._context.tracer.calls.resolve(module, call.func)
        if not isinstance(definition, ast.FunctionDef):
            return
        home = self._context.program.homes[definition]
        for node in ast.walk(definition):
            if isinstance(node, ast.Return) and node.value is not None:
                yield home, node.value

    def _named(self, module: Module, node: ast.Name) -> Iterator[tuple[Module, ast.AST]]:
        found = module.scope_of(node).find(node.id)
        if found is None:
            return
        scope, bindings = found
        for binding in _holding(module, scope, bindings, node):
            if binding.kind == "import":
                yield from self._imported(binding.target)
            else:
                yield from ((module, value) for value in _values(module, binding))
        for load in module.loads.get(node.id, ()):
            yield from ((module, value) for value in _put_into(module, load))

    def _imported(self, target: str) -> Iterator[tuple[Module, ast.AST]]:
        local = self._context.program.local(target)
        if local is not None and local[1]:
            for binding in local[0].scope.bindings.get(local[1], ()):
                yield from ((local[0], value) for value in _values(local[0], binding))


def _holding(
    module: Module, scope: Scope, bindings: tuple[Binding, ...], node: ast.Name
) -> tuple[Binding, ...]:
    """Return the bindings that may hold at ``node``: in its own scope, the last sure one and what follows."""
    if module.scope_of(node) is not scope:
        return bindings
    earlier = [b for b in bindings if getattr(b.node, "lineno", 0) <= node.lineno and not _sets(b, node)]
    sure = [number for number, b in enumerate(earlier) if b.kind in _HOLDING and not b.conditional]
    return tuple(earlier[sure[-1] :] if sure else earlier)


def _sets(binding: Binding, node: ast.Name) -> bool:
    """Whether ``node`` is read by the very assignment that ``binding`` is: ``model = tune(model)``."""
    return binding.value is not None and any(inner is node for inner in ast.walk(binding.value))


def _values(module: Module, binding: Binding) -> Iterator[ast.AST]:
    if binding.value is not None:
        yield binding.value
        return
    loop = next((outer for outer in module.around(binding.node) if isinstance(outer, _LOOPS)), None)
    if binding.kind == "other" and loop is not None:
        yield loop.iter


def _put_into(module: Module, load: ast.AST) -> Iterator[ast.AST]:
    """Yield what is put into the list or table read at ``load``: ``models.append(x)``, ``models[k] = x``."""
    outer = module.parents[load]
    call = module.parents.get(outer)
    adds = isinstance(outer, ast.Attribute) and outer.attr in _ADDING
    if adds and isinstance(call, ast.Call) and call.func is outer:
        yield from call.args
    stored = isinstance(outer, ast.Subscript) and outer.value is load and isinstance(outer.ctx, ast.Store)
    if stored and isinstance(call, ast.Assign):
        yield call.value
