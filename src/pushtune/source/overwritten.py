"""Values that nothing ever sees: the name that is given them is given another one before it is read."""

from __future__ import annotations

import ast

from pushtune.source.flow import Flow
from pushtune.source.program import Module


def is_overwritten(module: Module, target: ast.Name) -> bool:
    """Whether the name is bound again, in all ways, before anything reads what ``target`` binds it to.

    Of a name that is never read this is not said. What another file can import counts as read.
    """
    owner = module.scope_of(target)
    bindings = owner.bindings.get(target.id, [])
    loads = module.loads.get(target.id, [])
    if len(bindings) < 2 or not loads or (owner is module.scope and not module.is_entry):
        return False
    if not any(binding.node is target for binding in bindings):
        return False
    flow = Flow(module, owner, tuple(bindings))
    for load in loads:
        found = module.scope_of(load).find(target.id)
        if found is not None and found[0] is owner and any(b.node is target for b in flow.at(load).all):
            return False
    return True


def overwritten_holder(module: Module, call: ast.Call) -> bool:
    """Whether ``call`` makes nothing but (a part of) a value that is overwritten unseen."""
    at: ast.AST = call
    parent = module.parents.get(at)
    while isinstance(parent, (ast.List, ast.Tuple, ast.keyword)) or (
        isinstance(parent, ast.Call) and at is not parent.func
    ):
        at, parent = parent, module.parents.get(parent)
    if not isinstance(parent, ast.Assign) or parent.value is not at or len(parent.targets) != 1:
        return False
    return isinstance(parent.targets[0], ast.Name) and is_overwritten(module, parent.targets[0])
