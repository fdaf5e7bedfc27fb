"""Epochs, the budget dimension: whether and how far they may be set, and what else reads their number."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import combinations

from pushtune.model.analysis import Caution, Knob
from pushtune.model.space import Domain, Epochs, Value
from pushtune.rewrite.base import Context
from pushtune.rewrite.training import Spender
from pushtune.source import Module
from pushtune.source.branches import are_exclusive
from pushtune.source.calls import Definition

_SHOWING = ("print", "info", "debug", "warning", "format", "write", "title", "set_title", "suptitle", "log")
_LEAST, _MOST, _TIMES = 9, 30, 8
_NO_NUMBERS = {
    "args", "self", "config", "cfg", "params", "opt", "hparams",
    "int", "range", "trange", "tqdm", "enumerate",
}  # fmt: skip


def epochs_domain(value: Value) -> Domain | None:
    """Return the epochs that one trial may train: from 1 to 8 times the author's, within 9 to 30.

    The author's own number is always among them. Some libraries take, and default to, ``3.0``.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        return None
    return Domain("int", 1, max(value, min(max(value * _TIMES, _LEAST), _MOST)))


def budget_role(context: Context) -> str:
    """Return the role of the values that say how long is trained: ``epochs``, or boosting's ``rounds``.

    Several boostings run in one piece, as cheap as they are: then their rounds are values like any.
    """
    roles = {spender.role for spender in context.training.spenders}
    return "rounds" if roles == {"rounds"} and are_tunable(context) else "epochs"


def are_tunable(context: Context) -> bool:
    """Whether the epochs can be set at all: where several calls or loops train they stay the author's."""
    spenders = context.training.spenders
    return bool(spenders) and all(_are_exclusive(one, other) for one, other in combinations(spenders, 2))


def _are_exclusive(one: Spender, other: Spender) -> bool:
    """Whether one run trains with one of the two only."""
    return one.module is other.module and are_exclusive(one.module, one.node, other.node)


def read_epochs(context: Context, knobs: list[Knob]) -> Epochs | None:
    """Return the budget dimension, if exactly one knob sets the epochs of the only thing that trains."""
    if len(knobs) != 1 or not are_tunable(context):
        return None
    knob = knobs[0]
    spenders = context.training.spenders
    assert isinstance(knob.value, int)
    assert knob.domain.high is not None
    once = all(context.tracer.calls.runs_once(spender.module, spender.node) for spender in spenders)
    whole = any(spender.whole for spender in spenders)
    maximum = int(knob.domain.high) if once else knob.value
    prefix = all(spender.prefix_exact for spender in spenders)
    exact = once and not whole and prefix and not any(True for _ in other_readers(context, knob))
    unit = budget_role(context).removesuffix("s")
    return Epochs(knob.name, knob.value, maximum, prefix_exact=exact, rungs=once and not whole, unit=unit)


def epochs_cautions(context: Context, epochs: Epochs | None) -> Iterator[Caution]:
    """Yield why the epochs are not searched, where somebody might wonder."""
    spenders = context.training.spenders
    called = (
        "fit calls" if context.training.fits else "epoch loops" if context.training.loops else "trainings"
    )
    if spenders and not are_tunable(context):
        rounds = all(spender.role == "rounds" for spender in spenders)
        stay = "" if rounds else "their epochs stay as they are, and "
        text = f"{len(spenders)} {called}: {stay}trials run in one piece"
        yield Caution("several-fits", spenders[1].node.lineno, text)
    elif spenders and epochs is None:
        text = "the number of epochs cannot be traced to one place: it stays as it is"
        yield Caution("epochs-unknown", spenders[0].node.lineno, text)
    elif epochs is not None and not epochs.rungs:
        text = "it trains more than once, or from a later epoch: trials run in one piece"
        yield Caution("no-rungs", spenders[0].node.lineno, text)


def other_readers(context: Context, knob: Knob) -> Iterator[ast.AST]:
    """Yield what reads the number of epochs besides ``fit`` itself; showing it to people does not count."""
    names = _identifiers(context, knob)
    for module in context.program.modules:
        for name in names:
            for node in (*module.loads.get(name, ()), *module.attributes.get(name, ()), *_keys(module, name)):
                if isinstance(getattr(node, "ctx", None), ast.Store) or _is_shown(module, node):
                    continue
                if not _feeds_fit(context, module, node, names):
                    yield node


def _identifiers(context: Context, knob: Knob) -> set[str]:
    """Return the names under which the number travels from its place to ``fit``."""
    names = {knob.name.rpartition(".")[2]} if knob.style not in ("literal", "implicit") else set()
    for spender in context.training.spenders:
        for expression in spender.count:
            names |= {node.id for node in ast.walk(expression) if isinstance(node, ast.Name)}
            names |= {node.attr for node in ast.walk(expression) if isinstance(node, ast.Attribute)}
    return names - _NO_NUMBERS


def _feeds_fit(context: Context, module: Module, node: ast.AST, names: set[str]) -> bool:
    """Whether ``node`` is on the number's way to what trains: in its arguments, handed on, or renamed."""
    parent = module.parents[node]
    around = (node, *module.around(node))
    for spender in context.training.spenders:
        if any(expression in around for expression in spender.count) or parent is spender.node:
            return True
    call = module.parents[parent] if isinstance(parent, ast.keyword) else parent
    if isinstance(call, ast.Call) and node is not call.func:
        definition = context.tracer.calls.resolve(module, call.func)
        return isinstance(definition, Definition)
    return isinstance(parent, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id in names for target in parent.targets
    )


def _is_shown(module: Module, node: ast.AST) -> bool:
    for outer in module.around(node):
        if isinstance(outer, ast.JoinedStr):
            return True
        if isinstance(outer, ast.Call):
            function = outer.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if name in _SHOWING:
                return True
        if isinstance(outer, ast.stmt):
            return False
    return False


def _keys(module: Module, name: str) -> Iterator[ast.AST]:
    """Yield the subscripts that read the key ``name``."""
    for node in module.parents:
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.slice, ast.Constant)
            and node.slice.value == name
        ):
            yield node
