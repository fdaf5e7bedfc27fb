"""Every call in the program that the catalogue knows, and what each of its arguments holds."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from pushtune.rewrite.base import Context
from pushtune.rewrite.catalogue import Argument, CallableEntry
from pushtune.rewrite.liveness import is_live
from pushtune.rewrite.loaders import is_evaluation_only
from pushtune.rewrite.outputs import output_calls
from pushtune.rewrite.parameter_tables import Entry, ParameterTables, Table
from pushtune.rewrite.parsed import parsed_calls
from pushtune.rewrite.training import MethodCall
from pushtune.source import Module
from pushtune.source.tracing import Origin


@dataclass(frozen=True, eq=False)
class Target:
    """One catalogued call. ``owner`` is the first part of its knobs' names: ``dense_1``, ``fit``."""

    module: Module
    call: ast.Call
    entry: CallableEntry
    owner: str
    is_output: bool


@dataclass(frozen=True, eq=False)
class Use:
    """One argument of a catalogued call, and one place where its value literally stands.

    ``node`` is the expression that the call gives; ``part`` ends the name where a tuple holds several values.
    """

    target: Target
    argument: Argument
    origin: Origin
    module: Module
    node: ast.expr
    part: str = ""

    @property
    def name(self) -> str:
        """The name of the argument in full: ``dense_1.units``."""
        return f"{self.target.owner}.{self.argument.name}{self.part}"

    @property
    def role(self) -> str:
        """The argument's role, which may depend on whether the author wrote a fraction."""
        return self.argument.role_of(self.origin.value)


def find_targets(context: Context) -> tuple[Target, ...]:
    """Return the catalogued calls that run and whose result is used, in source order, numbered."""
    outputs = output_calls(context)
    compiled = _compiled_optimizers(context)
    found: list[tuple[Module, ast.Call, CallableEntry]] = []
    for module in context.program.modules:
        for call in module.calls:
            entry = _entry(context, module, call)
            if entry is not None and is_live(context, module, call):
                found.append((module, call, entry))
    for module, call, name in parsed_calls(context.names, context.tracer):
        filled = context.catalogue.callables.get(name)
        if filled is not None:
            found.append((module, call, filled))
    owners = _owners(found, compiled)
    return tuple(
        Target(module, call, entry, owner, call in outputs)
        for (module, call, entry), owner in zip(found, owners, strict=True)
    )


def uses_of(context: Context, target: Target) -> Iterator[Use]:
    """Yield what the written arguments of ``target`` hold. Arguments of an output layer are left out."""
    splats = [(item.value, _read(context, target, item.value)) for item in _splats(target.call)]
    for argument in target.entry.arguments:
        if target.is_output and argument.name in target.entry.output:
            continue
        expression = written_argument(target.call, argument)
        if expression is not None:
            yield from traced(context, target, argument, target.module, expression)
        for splat, tables in splats if expression is None else ():
            yield from _splatted(context, target, argument, splat, tables)
    tables = parameter_tables(context, target) if target.entry.entries else ()
    for argument in target.entry.entries:
        yield from _entered(context, target, argument, tables)


def parameter_tables(context: Context, target: Target) -> tuple[Table, ...]:
    """Return the tables of parameters that the call may be given as its first argument."""
    named = [keyword.value for keyword in target.call.keywords if keyword.arg == target.entry.table]
    first = () if target.entry.positions[:1] not in ((), (target.entry.table,)) else target.call.args[:1]
    given = named or [item for item in first if not isinstance(item, ast.Starred)]
    if not given:
        return ()
    return ParameterTables(context.names, context.tracer).read(target.module, given[0], target.call)


def _entered(context: Context, target: Target, argument: Argument, tables: Iterable[Table]) -> Iterator[Use]:
    """Yield what stands under the argument's key (or one of its aliases) in each of ``tables``."""
    for table in tables:
        entries = [table.entries[name] for name in argument.names if name in table.entries]
        idle = argument.needs and table.complete and not table.has(argument.needs)
        if len(entries) == 1 and not idle and not table.unsure.intersection(argument.names):
            for origin in _origins(context, entries[0]):
                yield Use(target, argument, origin, entries[0].module, entries[0].node)


def _origins(context: Context, entry: Entry) -> Iterator[Origin]:
    for origin in context.tracer.trace(entry.module, entry.node):
        own = origin.style == "literal"
        yield replace(origin, style="dict", name=entry.name) if own else origin


def written_argument(call: ast.Call, argument: Argument) -> ast.expr | None:
    """Return the expression that ``call`` gives for ``argument``, by keyword or by position."""
    for keyword in call.keywords:
        if keyword.arg in argument.names:
            return keyword.value
    at = argument.at
    if at is None or at >= len(call.args) or any(isinstance(a, ast.Starred) for a in call.args[: at + 1]):
        return None
    return call.args[at]


def has_splat(call: ast.Call) -> bool:
    """Whether ``call`` has ``*args`` or ``**kwargs``, so that what it leaves out cannot be told."""
    return any(isinstance(argument, ast.Starred) for argument in call.args) or any(
        keyword.arg is None for keyword in call.keywords
    )


def traced(
    context: Context, target: Target, argument: Argument, module: Module, expression: ast.expr
) -> Iterator[Use]:
    """Yield where the value of ``expression``, which ``argument`` is given, literally stands."""
    if argument.element is None and not argument.each:
        for origin in context.tracer.trace(module, expression):
            yield Use(target, argument, origin, module, expression)
        return
    for found in context.tracer.ends(module, expression):
        elements = found.node.elts if isinstance(found.node, (ast.Tuple, ast.List)) else [found.node]
        for number, element in enumerate(elements):
            if argument.each or number == argument.element:
                part = f"_{number + 1}" if len(elements) > 1 and argument.each else ""
                for origin in context.tracer.trace(found.module, element):
                    yield Use(target, argument, origin, module, expression, part)


def _splats(call: ast.Call) -> list[ast.keyword]:
    """Return the ``**params`` of a call."""
    return [keyword for keyword in call.keywords if keyword.arg is None]


def _splatted(
    context: Context, target: Target, argument: Argument, splat: ast.expr, tables: tuple[Table, ...]
) -> Iterator[Use]:
    """Yield what ``**params`` brings for ``argument``, where the table is written out.

    Where it is not (options, objects, files of settings), the tracer may know the value all the same.
    """
    uses = list(_entered(context, target, argument, tables))
    yield from uses
    if not uses and not any(table.complete for table in tables):
        for origin in context.tracer.trace_entry(target.module, splat, argument.name):
            yield Use(target, argument, origin, target.module, splat)


def splat_keys(context: Context, target: Target) -> frozenset[str] | None:
    """Return the names that splats and tables of parameters bring; None where that cannot be told."""
    if any(isinstance(argument, ast.Starred) for argument in target.call.args):
        return None
    splats = [keyword.value for keyword in _splats(target.call)]
    keys: set[str] = set()
    given = parameter_tables(context, target) if target.entry.entries else ()
    for table in (*given, *(table for splat in splats for table in _read(context, target, splat))):
        if not table.complete:
            return None
        keys.update(table.entries, table.unsure)
    return frozenset(keys)


def _read(context: Context, target: Target, splat: ast.expr) -> tuple[Table, ...]:
    return ParameterTables(context.names, context.tracer).read(target.module, splat, target.call)


def snake_case(name: str) -> str:
    """Return a class name as Keras itself would name a layer: ``MaxPooling2D`` is ``max_pooling2d``."""
    first = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", first).lower()


def _entry(context: Context, module: Module, call: ast.Call) -> CallableEntry | None:
    training = context.training
    if isinstance(call.func, ast.Attribute) and call.func.attr in context.catalogue.methods:
        entry = context.catalogue.methods[call.func.attr]
        if entry.name in ("fit", "fit_generator"):
            return entry if any(fit.call is call for fit in training.fits) else None
        return entry if call in training.feeds else None
    entry_or_none = context.catalogue.callables.get(context.names.call(module, call) or "")
    if entry_or_none is not None and entry_or_none.group == "feed" and call not in training.feeds:
        return None
    group = entry_or_none.group if entry_or_none is not None else ""
    if group == "loader" and is_evaluation_only(context, module, call):
        return None
    return entry_or_none


def _compiled_optimizers(context: Context) -> Mapping[ast.Call, str]:
    """Return the optimizers that a ``compile`` call is given, with that call's name for each."""
    owners: dict[ast.Call, str] = {}
    for owner, method in compile_calls(context):
        for expression in compile_optimizer(method.call):
            for found in context.tracer.ends(method.module, expression):
                if isinstance(found.node, ast.Call):
                    owners.setdefault(found.node, owner)
    return owners


def compile_calls(context: Context) -> Iterator[tuple[str, MethodCall]]:
    """Yield the ``compile`` calls with their names: ``compile``, ``compile_2``."""
    for number, method in enumerate(context.training.compiles, 1):
        yield ("compile" if number == 1 else f"compile_{number}"), method


def compile_optimizer(call: ast.Call) -> list[ast.expr]:
    """Return the optimizer that a ``compile`` call is given, in a list that may be empty."""
    named = [keyword.value for keyword in call.keywords if keyword.arg == "optimizer"]
    return named or [argument for argument in call.args[:1] if not isinstance(argument, ast.Starred)]


def _owners(
    found: list[tuple[Module, ast.Call, CallableEntry]], compiled: Mapping[ast.Call, str]
) -> Iterator[str]:
    """Yield a name for each call: layers are always numbered, others where there are several."""
    numbers: dict[str, int] = {}
    for module, call, entry in found:
        if call in compiled and entry.group == "optimizer":
            yield compiled[call]
            continue
        own = _attribute(module, call) if entry.framework == "torch" else ""
        base = own or snake_case(entry.name.split(".")[-1])
        numbers[base] = numbers.get(base, 0) + 1
        always = entry.group == "layer" and entry.framework in ("keras", "torch") and not own
        yield f"{base}_{numbers[base]}" if always or numbers[base] > 1 else base


def _attribute(module: Module, call: ast.Call) -> str:
    """Return the attribute in which a model keeps the layer that ``call`` makes: ``conv1``."""
    parent = module.parents.get(call)
    target = parent.targets[0] if isinstance(parent, ast.Assign) else None
    return target.attr if isinstance(target, ast.Attribute) else ""
