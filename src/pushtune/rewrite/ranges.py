"""What a script's own search tries for one argument, as a domain."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence

from pushtune.model.space import Domain, Value
from pushtune.rewrite.base import Context
from pushtune.source import Module
from pushtune.source.tracing import literal_value

_MOST = 40
"""More values than these are a range, not a list."""


def searched_domain(context: Context, module: Module, values: ast.expr, today: Value) -> Domain | None:
    """Return the domain that ``values`` (a list, ``loguniform(…)``, ``np.logspace(…)``) stands for.

    It holds ``today``, the author's own value. None where that cannot be told.
    """
    for found in context.tracer.ends(module, values):
        if isinstance(found.node, (ast.List, ast.Tuple, ast.Set)):
            listed = [literal_value(element) for element in found.node.elts]
            return _listed([item[0] for item in listed if item is not None], today)
        if isinstance(found.node, ast.Call):
            name = (context.names.call(found.module, found.node) or "").rpartition(".")[2]
            numbers = [literal_value(argument) for argument in found.node.args]
            given = [item[0] for item in numbers if item is not None and _is_number(item[0])]
            make = _RANGES.get(name)
            complete = len(given) == len(found.node.args) and not found.node.keywords
            return make([float(str(n)) for n in given], today) if make is not None and complete else None
    return None


def _listed(values: Sequence[Value], today: Value) -> Domain | None:
    known = {(type(value), value) for value in values}
    choices = [*values, *([] if (type(today), today) in known else [today])]
    if all(_is_number(value) for value in choices):
        choices.sort(key=lambda value: float(str(value)))
    unique = tuple(dict.fromkeys(choices))
    return Domain("categorical", choices=unique) if 1 < len(unique) <= _MOST else None


def _is_number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _between(low: float, high: float, today: Value, *, log: bool) -> Domain | None:
    if not isinstance(today, (int, float)) or isinstance(today, bool) or (log and min(low, today) <= 0):
        return None
    low, high = min(low, today), max(high, today)
    return Domain("float", float(low), float(high), log) if low < high else None


def _whole(low: float, high: float, today: Value) -> Domain | None:
    if not isinstance(today, int) or isinstance(today, bool):
        return None
    low, high = min(int(low), today), max(int(high), today)
    return Domain("int", low, high) if low < high else None


_RANGES: Mapping[str, Callable[[Sequence[float], Value], Domain | None]] = {
    "loguniform": lambda n, today: _between(n[0], n[1], today, log=True) if len(n) == 2 else None,
    "reciprocal": lambda n, today: _between(n[0], n[1], today, log=True) if len(n) == 2 else None,
    "logspace": lambda n, today: _between(10 ** n[0], 10 ** n[1], today, log=True) if len(n) > 1 else None,
    "geomspace": lambda n, today: _between(n[0], n[1], today, log=True) if len(n) > 1 else None,
    "linspace": lambda n, today: _between(n[0], n[1], today, log=False) if len(n) > 1 else None,
    "uniform": lambda n, today: _between(n[0], n[0] + n[1], today, log=False) if len(n) == 2 else None,
    "randint": lambda n, today: _whole(n[0], n[1] - 1, today) if len(n) == 2 else None,
    "range": lambda n, today: _whole(n[0], n[1] - 1, today) if len(n) > 1 else None,
    "arange": lambda n, today: _whole(n[0], n[1] - 1, today) if len(n) > 1 else None,
}
"""Distributions and ranges by the last part of their name, from their positional arguments."""
