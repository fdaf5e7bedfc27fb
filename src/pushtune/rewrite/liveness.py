"""Whether a call runs, and whether anything uses what it returns."""

from __future__ import annotations

import ast

from pushtune.rewrite.base import Context
from pushtune.source import Module
from pushtune.source.overwritten import is_overwritten

_IDLE = ("add", "summary", "build", "pop", "get_config")
"""Methods of a model that make no use of it."""


def is_live(context: Context, module: Module, call: ast.Call) -> bool:
    """Whether ``call`` can run and its value is used. What cannot be told counts as used."""
    if not context.tracer.calls.reached(module, call):
        return False
    if context.catalogue.group(context.names.call(module, call)) == "training":
        return True  # what it prints on the way is measured, even if nobody reads the model
    statement = module.statement(call)
    holder = _holder(context, module, call)
    if holder is not None and isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        if isinstance(target, ast.Name):
            return _is_read(context, module, target) and not is_overwritten(module, target)
    added = _added_to(module, call)
    return added is None or _is_read(context, module, added)


def _holder(context: Context, module: Module, call: ast.Call) -> ast.Assign | None:
    """Return the assignment whose whole value is ``call``, or a construction around it.

    Other calls around it, and methods, do something even if nobody reads what they return.
    """
    known = context.catalogue.vocabulary.known
    if context.names.call(module, call) not in known:
        return None
    at: ast.AST = call
    parent = module.parents[at]
    while isinstance(parent, (ast.List, ast.Tuple, ast.keyword)) or (
        isinstance(parent, ast.Call) and context.names.call(module, parent) in known and at is not parent.func
    ):
        at, parent = parent, module.parents[parent]
    return parent if isinstance(parent, ast.Assign) and parent.value is at else None


def _added_to(module: Module, call: ast.Call) -> ast.Name | None:
    """Return the variable whose ``add`` is given ``call``."""
    parent = module.parents[call]
    if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Attribute) and parent.func.attr == "add":
        return parent.func.value if isinstance(parent.func.value, ast.Name) else None
    return None


def _is_read(context: Context, module: Module, name: ast.Name) -> bool:
    """Whether anything but building reads the variable, in this file or in one that imports it."""
    owner = module.scope_of(name).find(name.id)
    if owner is not None and owner[0] is module.scope and module is not context.program.entry:
        return True
    return any(not _is_idle(module.parents[node]) for node in module.loads.get(name.id, ()))


def _is_idle(parent: ast.AST) -> bool:
    return isinstance(parent, ast.Attribute) and parent.attr in _IDLE
