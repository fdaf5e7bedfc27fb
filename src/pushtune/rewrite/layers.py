"""The models that a script builds, each as its ordered layers with the place each stands at."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pushtune.model.analysis import Span
from pushtune.rewrite.catalogue import Catalogue
from pushtune.rewrite.regions import element_region, statement_region
from pushtune.source import Module, Names, Program
from pushtune.source.tracing import Tracer
from pushtune.source.tracing.stores import grows

BuildStyle = Literal["add", "list", "chain"]

_WRAPPERS = ("keras.layers.Bidirectional", "keras.layers.TimeDistributed")
_SINGLE = 60
"""Longest chain of layers followed back from an output."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer of a model.

    ``qualified`` is the canonical name (``keras.layers.Conv2D``), ``""`` where unknown; ``call`` the
    layer's own construction (None for a variable that holds one), ``inner`` that of the layer inside
    ``Bidirectional`` or ``TimeDistributed``. ``element`` is the list element or statement itself;
    ``region`` is what to delete, or to copy beside itself: the element with its comma, or whole lines.
    ``region`` is None where that cannot be told, ``own_lines`` says that it is whole lines.
    ``is_output`` is true for the layer that gives the model's output its width, and for all after it.
    ``conditional`` layers stand in a loop or below an ``if``. In a ``chain``, ``target`` and ``argument``
    are the names that the statement sets and reads (``x = Dense(64)(x)``).
    """

    qualified: str
    call: ast.Call | None
    inner: ast.Call | None
    element: Span
    region: Span | None
    own_lines: bool
    is_output: bool
    conditional: bool
    target: str = ""
    argument: str = ""

    @property
    def kind(self) -> str:
        """The last part of the qualified name: ``Conv2D``."""
        return self.qualified.rpartition(".")[2]

    def keyword(self, name: str) -> ast.keyword | None:
        """Return the keyword argument ``name`` of the layer's call."""
        keywords = self.call.keywords if self.call is not None else []
        return next((keyword for keyword in keywords if keyword.arg == name), None)


@dataclass(frozen=True, eq=False)
class Model:
    """One model and its layers in order.

    ``style`` tells how it is built: ``model.add(…)`` statements, a list given to ``Sequential``, or a
    chain of calls ``x = Layer(…)(x)`` (``layers`` then run from the input side to the output side).
    A ``Sequential`` with a list and later ``add`` calls is of style ``list``, and holds both.
    """

    style: BuildStyle
    module: Module
    name: str
    node: ast.Call
    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class _Part:
    """A layer before it is known whether it is the output."""

    node: ast.expr
    element: Span
    region: Span | None
    own_lines: bool
    conditional: bool
    target: str = ""
    argument: str = ""


@dataclass(frozen=True)
class ModelReader:
    """Finds the models of a program."""

    program: Program
    names: Names
    tracer: Tracer
    catalogue: Catalogue

    def read(self) -> Iterator[Model]:
        """Yield every model that reached code builds, in source order."""
        for module in self.program.modules:
            for call in module.calls:
                name = self.names.call(module, call)
                if name not in ("keras.Sequential", "keras.Model") or not self.tracer.calls.reached(
                    module, call
                ):
                    continue
                if name == "keras.Sequential":
                    yield self._sequential(module, call)
                else:
                    yield from self._chains(module, call)

    def _sequential(self, module: Module, call: ast.Call) -> Model:
        name = _assigned_name(module, call)
        listed = list(self._listed(module, call))
        added = list(self._added(module, call, name)) if name else []
        style: BuildStyle = "list" if listed else "add"
        return Model(style, module, name, call, self._layers(module, [*listed, *added]))

    def _listed(self, module: Module, call: ast.Call) -> Iterator[_Part]:
        given = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg == "layers")]
        known = bool(given) and not grows(module, given[0])
        ends = list(self.tracer.ends(module, given[0])) if known else []
        for found in ends if len(ends) == 1 else ():  # of several lists, none is surely the model's
            if isinstance(found.node, (ast.List, ast.Tuple)) and found.module is module:
                for element in found.node.elts:
                    region, own_lines = element_region(module, found.node, element)
                    splat = isinstance(element, ast.Starred)
                    yield _Part(element, module.span(element), region, own_lines, splat)

    def _added(self, module: Module, call: ast.Call, name: str) -> Iterator[_Part]:
        scope = module.scope_of(call)
        starts = sorted(
            binding.node.lineno  # type: ignore[attr-defined]
            for binding in scope.bindings.get(name, ())
            if binding.kind == "assign"
        )
        until = next((line for line in starts if line > call.lineno), float("inf"))
        for add in module.calls:
            if (
                not call.lineno <= add.lineno < until
                or not add.args
                or not _is_method(add, name, "add", "insert")
            ):
                continue
            if module.scope_of(add) is scope:
                yield self._added_part(module, call, add)

    def _added_part(self, module: Module, made: ast.Call, add: ast.Call) -> _Part:
        statement = module.statement(add)
        plain = isinstance(statement, ast.Expr) and statement.value is add and len(add.args) == 1
        beside = module.parents[statement] is module.parents[module.statement(made)]
        region = statement_region(module, statement) if plain and beside else None
        span = module.span(statement)
        return _Part(add.args[-1], span, region, region is not None, not (plain and beside))

    def _chains(self, module: Module, call: ast.Call) -> Iterator[Model]:
        """Yield the chain of layers behind each output of ``Model(inputs, outputs)``."""
        given = [*call.args[1:2], *(k.value for k in call.keywords if k.arg in ("outputs", "output"))]
        outputs = [part for expression in given[:1] for part in _several(expression)]
        for output in outputs:
            parts = list(self._back(module, output, call, _SINGLE))
            parts.reverse()
            if parts:
                yield Model("chain", module, _assigned_name(module, call), call, self._layers(module, parts))

    def _back(self, module: Module, node: ast.expr, at: ast.AST, left: int) -> Iterator[_Part]:
        """Yield the layers from the expression ``node``, as read at ``at``, back towards the input."""
        statement = None
        if isinstance(node, ast.Name):
            statement = _last_assignment(module, node.id, at)
            if statement is None:
                return
            node = statement.value
        if left == 0 or not isinstance(node, ast.Call) or not isinstance(node.func, ast.Call):
            return
        if len(node.args) != 1:
            return
        yield self._chained_part(module, node, statement)
        yield from self._back(module, node.args[0], statement or at, left - 1)

    def _chained_part(self, module: Module, node: ast.Call, statement: ast.Assign | None) -> _Part:
        argument = node.args[0]
        if statement is None or not isinstance(argument, ast.Name):
            return _Part(node.func, module.span(node.func), None, False, False)
        target = statement.targets[0]
        assert isinstance(target, ast.Name)
        region = statement_region(module, statement)
        span = module.span(statement)
        return _Part(node.func, span, region, region is not None, False, target.id, argument.id)

    def _layers(self, module: Module, parts: list[_Part]) -> tuple[Layer, ...]:
        names = [self._qualified(module, part.node) for part in parts]
        first_output = self._first_output(parts, names)
        return tuple(
            Layer(
                name, part.node if isinstance(part.node, ast.Call) else None, self._inner(part.node, name),
                part.element, part.region, part.own_lines, place >= first_output, part.conditional,
                part.target, part.argument,
            )
            for place, (part, name) in enumerate(zip(parts, names, strict=True))
        )  # fmt: skip

    def _qualified(self, module: Module, node: ast.expr) -> str:
        if isinstance(node, ast.Call):
            return self.names.call(module, node) or ""
        ends = [found for found in self.tracer.ends(module, node) if isinstance(found.node, ast.Call)]
        return (self.names.call(ends[0].module, ends[0].node) or "") if len(ends) == 1 else ""  # type: ignore[arg-type]

    @staticmethod
    def _inner(node: ast.expr, name: str) -> ast.Call | None:
        if (
            name in _WRAPPERS
            and isinstance(node, ast.Call)
            and node.args
            and isinstance(node.args[0], ast.Call)
        ):
            return node.args[0]
        return None

    def _first_output(self, parts: list[_Part], names: list[str]) -> int:
        """Return the place of the first layer that may be the output.

        That is the last one with a width of its own; one below an ``if`` may be left out, so that the
        one before it counts too. A layer that nobody knows (a model, a variable) may have the width.
        """
        first = len(parts)
        for place in range(len(parts) - 1, -1, -1):
            entry = self.catalogue.callables.get(names[place])
            first = place
            wide = entry is None or entry.wide or names[place] in _WRAPPERS
            if wide and not parts[place].conditional:
                break
        return first


def read_models(program: Program, names: Names, tracer: Tracer, catalogue: Catalogue) -> tuple[Model, ...]:
    """Return the models that the program builds; see ``Model``."""
    return tuple(ModelReader(program, names, tracer, catalogue).read())


def _assigned_name(module: Module, call: ast.Call) -> str:
    """Return the variable (``model``, ``self.model``) that the call's value is assigned to."""
    statement = module.parents.get(call)
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        return ast.unparse(statement.targets[0])
    return ast.unparse(statement.target) if isinstance(statement, ast.AnnAssign) else ""


def _several(expression: ast.expr) -> list[ast.expr]:
    """Return the outputs that a list, a tuple or a dictionary of outputs holds."""
    if isinstance(expression, ast.Dict):
        return expression.values
    return expression.elts if isinstance(expression, (ast.List, ast.Tuple)) else [expression]


def _is_method(call: ast.Call, owner: str, *names: str) -> bool:
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr in names
        and ast.unparse(function.value) == owner
    )


def _last_assignment(module: Module, name: str, at: ast.AST) -> ast.Assign | None:
    """Return the plain ``name = …`` before ``at`` in the same block, if nothing else sets it in between."""
    statement = module.statement(at)
    block = _block(module, statement)
    if block is None:
        return None
    for earlier in reversed(block[: block.index(statement)]):
        if _sets(earlier, name):
            plain = isinstance(earlier, ast.Assign) and len(earlier.targets) == 1
            if isinstance(earlier, ast.Assign) and plain and isinstance(earlier.targets[0], ast.Name):
                return earlier
            return None
    return None


def _block(module: Module, statement: ast.stmt) -> list[ast.stmt] | None:
    parent = module.parents[statement]
    for name in ("body", "orelse", "finalbody"):
        block = getattr(parent, name, None)
        if isinstance(block, list) and statement in block:
            return block
    return None


def _sets(statement: ast.stmt, name: str) -> bool:
    return any(
        isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load)
        for node in ast.walk(statement)
    )
