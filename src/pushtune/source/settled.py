"""Conditions that the source settles: ``if version == 1`` where ``version = 1`` is all that ever sets it.

Also those on options that are the same in every run: ``if args.quick`` where ``--quick`` is not given.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from pushtune.source.program import Module

_ORDERS: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Lt: operator.lt, ast.LtE: operator.le,
}  # fmt: skip
_DYNAMIC = ("exec", "globals", "vars", "locals", "eval")


def settled(module: Module, test: ast.expr) -> bool | None:
    """Return what ``test`` always is; None if that depends on anything but constants."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = settled(module, test.operand)
        return None if inner is None else not inner
    if isinstance(test, ast.BoolOp):
        return _joined(test.op, [settled(module, value) for value in test.values])
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return _compared(module, test)
    known = _constant(module, test)
    return bool(known.value) if known is not None else None


def _joined(operator: ast.boolop, sides: list[bool | None]) -> bool | None:
    ends = isinstance(operator, ast.Or)
    if ends in sides:
        return ends
    return None if None in sides else not ends


def _compared(module: Module, test: ast.Compare) -> bool | None:
    left = _constant(module, test.left)
    if isinstance(test.ops[0], (ast.In, ast.NotIn)):
        inside = None if left is None else _listed(left, test.comparators[0])
        return inside if inside is None or isinstance(test.ops[0], ast.In) else not inside
    right = _constant(module, test.comparators[0])
    if left is None or right is None:
        return None
    if isinstance(test.left, ast.Call) and type(test.ops[0]) in _ORDERS:
        return _ORDERS[type(test.ops[0])](left.value, right.value) if isinstance(right.value, int) else None
    same = left.value == right.value and type(left.value) is type(right.value)
    if isinstance(test.ops[0], (ast.Eq, ast.Is)):
        return same
    return not same if isinstance(test.ops[0], (ast.NotEq, ast.IsNot)) else None


def _listed(value: ast.Constant, among: ast.expr) -> bool | None:
    """Whether ``value`` is one of those that are written out; None where any of them is not."""
    items = among.elts if isinstance(among, (ast.List, ast.Tuple, ast.Set)) else []
    known = [item.value for item in items if isinstance(item, ast.Constant)]
    return value.value in known if items and len(known) == len(items) else None


def _constant(module: Module, node: ast.expr) -> ast.Constant | None:
    """Return the constant that ``node`` is, or that is the only thing its name is ever bound to."""
    if isinstance(node, ast.Constant):
        return node
    if isinstance(node, (ast.Attribute, ast.Call)):
        return module.switches.value(node)
    if not isinstance(node, ast.Name) or any(name in module.loads for name in _DYNAMIC):
        return None
    found = module.scope_of(node).find(node.id)
    binding = found[1][0] if found is not None and len(found[1]) == 1 else None
    if binding is None or binding.kind != "assign" or binding.conditional:
        return None
    if isinstance(binding.value, ast.Attribute):
        return module.switches.value(binding.value)
    return binding.value if isinstance(binding.value, ast.Constant) else None
