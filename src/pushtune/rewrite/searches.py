"""Searches that a script does itself, and values that it sets after the call that makes an estimator.

What a script searches is its own to search. An estimator of the same class that is trained beside the
search is tuned within the values that the author thought worth searching.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pushtune.model.space import Domain, Value
from pushtune.rewrite.base import Context
from pushtune.rewrite.catalogue import Argument
from pushtune.rewrite.composition import parts_of
from pushtune.rewrite.ranges import searched_domain
from pushtune.rewrite.training import SEARCHES
from pushtune.rewrite.uses import Target
from pushtune.source import Module
from pushtune.source.tracing.tables import table_entries

_GRIDS = ("param_grid", "param_distributions", "search_spaces")
_FITTING = ("fit", "fit_transform", "fit_predict", "partial_fit")
_SCORING = ("cross_val_score", "cross_validate", "cross_val_predict", "learning_curve", "validation_curve")
_LOOPS = (ast.For, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_INNER = ("estimator", "base_estimator", "regressor", "final_estimator")

Place = tuple[ast.Call, str]
"""One argument of one call."""


@dataclass(frozen=True, eq=False)
class _Search:
    """One search: the calls that its estimator is made of, and what its grid names."""

    parts: Mapping[ast.Call, Module]
    grid: tuple[tuple[str, Module, ast.expr], ...]


@dataclass(frozen=True, eq=False)
class Later:
    """A value that an argument is given after the call, by ``set_params`` or as an attribute.

    ``expression`` is None where no one value can be told: in a loop, under a condition, of several.
    """

    module: Module
    expression: ast.expr | None


@dataclass(frozen=True, eq=False)
class Searches:
    """The searches of a program, and what it sets after the call that makes an estimator."""

    context: Context
    later: Mapping[Place, Later]
    _searches: tuple[_Search, ...]
    _alone: frozenset[ast.Call]

    def left_alone(self, target: Target, argument: Argument) -> bool:
        """Whether the script itself searches or loops over the argument, and nothing else trains the call."""
        later = self.later.get((target.call, argument.name))
        if later is not None and later.expression is None:
            return True
        return target.call not in self._alone and any(True for _ in self._given(target.call, argument.name))

    def domain(self, target: Target, argument: Argument, value: Value) -> Domain | None:
        """Return the values that the script's own searches try for the argument of calls like this one."""
        for call, module in self._alike(target):
            for home, expression in self._given(call, argument.name):
                if module is not None:
                    return searched_domain(self.context, home, expression, value)
        return None

    def _alike(self, target: Target) -> Iterator[tuple[ast.Call, Module]]:
        """Yield the searched calls of the same class, the call itself first."""
        name = target.entry.name
        same = [
            (call, module)
            for search in self._searches
            for call, module in search.parts.items()
            if self.context.names.call(module, call) == name
        ]
        yield from sorted(same, key=lambda found: found[0] is not target.call)

    def _given(self, call: ast.Call, argument: str) -> Iterator[tuple[Module, ast.expr]]:
        """Yield what the grids try for ``argument`` of ``call``."""
        for search in self._searches:
            if call in search.parts:
                for key, module, expression in search.grid:
                    if key.rpartition("__")[2] == argument and _is_meant(search.parts, call, key):
                        yield module, expression


def read_searches(context: Context) -> Searches:
    """Find the searches of the program, and what is set after the call."""
    searches = tuple(_searches(context))
    alone = frozenset(_trained(context)) if searches else frozenset()
    return Searches(context, {**_attributes(context), **dict(_set_later(context))}, searches, alone)


def _is_search(context: Context, module: Module, call: ast.Call) -> bool:
    return (context.names.call(module, call) or "").rpartition(".")[2] in SEARCHES


def _searches(context: Context) -> Iterator[_Search]:
    for module in context.program.modules:
        for call in module.calls:
            if _is_search(context, module, call):
                given = [*call.args[:1], *(k.value for k in call.keywords if k.arg == "estimator")]
                grids = [*call.args[1:2], *(k.value for k in call.keywords if k.arg in _GRIDS)]
                parts = parts_of(context, module, given[0]) if given else {}
                yield _Search(parts, tuple(_grid(context, module, grids)))


def _grid(
    context: Context, module: Module, given: Iterable[ast.expr]
) -> Iterator[tuple[str, Module, ast.expr]]:
    """Yield key, file and values of a grid: a table, or a list of tables."""
    for expression in given:
        for found in context.tracer.ends(module, expression):
            if isinstance(found.node, (ast.List, ast.Tuple)):
                yield from _grid(context, found.module, found.node.elts)
            for key, values in table_entries(found.node):
                if isinstance(key, str):
                    yield key, found.module, values


def _is_meant(parts: Mapping[ast.Call, Module], call: ast.Call, key: str) -> bool:
    """Whether ``key`` (``svc__C``) means ``call`` among the parts; any may be where none is called so."""
    step = key.rpartition("__")[0].rpartition("__")[2]
    named = [part for part in parts if step in _step_names(parts[part], part)]
    return not step or step in _INNER or not named or call in named


def _step_names(module: Module, call: ast.Call) -> Iterator[str]:
    """Yield what a pipeline may call the step ``call``: its class's name, or what stands beside it."""
    yield ast.unparse(call.func).rpartition(".")[2].lower()
    places: list[ast.AST] = [call]
    parent = module.parents[call]
    if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name):
        places += module.loads.get(parent.targets[0].id, ())
    for place in places:
        around = module.parents[place]
        first = around.elts[0] if isinstance(around, ast.Tuple) and around.elts else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


def _trained(context: Context) -> Iterator[ast.Call]:
    """Yield the calls whose objects are trained other than by a search."""
    for module in context.program.modules:
        for call in module.calls:
            method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
            name = (context.names.call(module, call) or "").rpartition(".")[2]
            trained = [call.func.value] if isinstance(call.func, ast.Attribute) and method in _FITTING else []
            for expression in trained or (call.args[:1] if name in _SCORING else []):
                yield from parts_of(context, module, expression, lambda m, c: _is_search(context, m, c))


def _set_later(context: Context) -> Iterator[tuple[Place, Later]]:
    for module in context.program.modules:
        for call in module.calls:
            if not isinstance(call.func, ast.Attribute) or call.func.attr != "set_params":
                continue
            parts = parts_of(context, module, call.func.value)
            looped = any(isinstance(outer, _LOOPS) for outer in module.around(call))
            for keyword in call.keywords:
                for part in parts if keyword.arg is not None else ():
                    if _is_meant(parts, part, str(keyword.arg)):
                        place = (part, str(keyword.arg).rpartition("__")[2])
                        yield place, Later(module, None if looped else keyword.value)


def _attributes(context: Context) -> dict[Place, Later]:
    """Return what is set as an attribute of an estimator: ``model.C = 10``."""
    found: dict[Place, Later] = {}
    for module in context.program.modules:
        for statement in _settings(module):
            target = statement.targets[0]
            assert isinstance(target, ast.Attribute)
            for end in context.tracer.ends(module, target.value):
                if isinstance(end.node, ast.Call) and _is_estimator(context, end.module, end.node):
                    place = (end.node, target.attr)
                    sure = place not in found and _always_runs(module, statement)
                    found[place] = Later(module, statement.value if sure else None)
    return found


def _settings(module: Module) -> Iterator[ast.Assign]:
    """Yield the statements that set one attribute of a name."""
    for attributes in module.attributes.values():
        for attribute in attributes:
            parent = module.parents[attribute]
            alone = isinstance(parent, ast.Assign) and parent.targets == [attribute]
            if alone and isinstance(attribute.value, ast.Name) and isinstance(parent, ast.Assign):
                yield parent


def _is_estimator(context: Context, module: Module, call: ast.Call) -> bool:
    entry = context.catalogue.callables.get(context.names.call(module, call) or "")
    return entry is not None and entry.framework == "sklearn"


def _always_runs(module: Module, statement: ast.Assign) -> bool:
    return not any(isinstance(outer, (*_LOOPS, ast.If, ast.Try)) for outer in module.around(statement))
