"""What is stored below a name after it was bound: ``params["lr"] = 0.1``, ``config.lr = 0.1``."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pushtune.source.flow import Flow, Reach
from pushtune.source.program import Module
from pushtune.source.scopes import Binding, Scope

Key = str | int

_CHANGES = (
    "update", "setdefault", "pop", "popitem", "clear", "append", "extend", "insert", "remove", "sort",
    "merge_from_file", "merge_from_list", "update_from_dict", "parse_known_args",
)  # fmt: skip


def reach_of(module: Module, table: ast.Name, key: Key) -> tuple[Scope, Reach] | None:
    """Return which bindings of the name, and which values stored under ``key``, may hold at ``table``.

    None where the name is bound nowhere. Bindings that are stores have the kind ``assign`` and their own
    node; ``maybe`` those that may have changed the value unseen.
    """
    found = module.scope_of(table).find(table.id)
    if found is None:
        return None
    owner, bindings = found
    stored = list(stores(module, owner, table.id, key))
    if not stored and len(bindings) == 1 and not bindings[0].conditional:
        return owner, Reach(bindings, (), open=False)
    return owner, Flow(module, owner, (*bindings, *stored)).at(table)


def grows(module: Module, table: ast.expr) -> bool:
    """Whether the file changes the named list, or what is below it, after it was written."""
    return isinstance(table, ast.Name) and any(
        (isinstance(outer, ast.Attribute) and outer.attr in _CHANGES)
        or (isinstance(outer, ast.Subscript) and not isinstance(outer.ctx, ast.Load))
        for outer in (module.parents[load] for load in module.loads.get(table.id, ()))
    )


def stores(module: Module, owner: Scope, name: str, key: Key) -> Iterator[Binding]:
    """Yield what the file stores under ``key`` below the variable ``name`` of the scope ``owner``."""
    for load in module.loads.get(name, ()):
        binding = _store(module, load, key)
        if binding is not None:
            found = module.scope_of(load).find(name)
            if found is not None and found[0] is owner:
                yield binding


def _store(module: Module, load: ast.Name, key: Key) -> Binding | None:
    outer = module.parents[load]
    if isinstance(outer, ast.Subscript) and outer.value is load:
        return _item(module, load, outer, key)
    if isinstance(outer, ast.Attribute):
        return _attribute(module, load, outer, key)
    if isinstance(outer, ast.Call) and getattr(outer.func, "id", "") == "setattr" and outer.args[0] is load:
        return _chosen(load, outer.args[1:2], outer.args[2:3], key)
    return None


def _item(module: Module, load: ast.Name, node: ast.Subscript, key: Key) -> Binding | None:
    if isinstance(node.ctx, ast.Load):
        return None
    statement = module.parents[node]
    value = statement.value if isinstance(statement, (ast.Assign, ast.AnnAssign)) else None
    return _chosen(load, [node.slice], [value] if value is not None else [], key)


def _attribute(module: Module, load: ast.Name, node: ast.Attribute, key: Key) -> Binding | None:
    statement = module.parents[node]
    if not isinstance(node.ctx, ast.Load):
        if node.attr != key:
            return None
        value = statement.value if isinstance(statement, (ast.Assign, ast.AnnAssign)) else None
        return Binding(str(key), "assign", load, value)
    if node.attr in _CHANGES and isinstance(statement, ast.Call) and statement.func is node:
        return _method(load, statement, node.attr, key)
    return None


def _method(load: ast.Name, call: ast.Call, name: str, key: Key) -> Binding | None:
    if name == "update":
        return _updated(load, call, key)
    if name in ("setdefault", "pop"):
        return _chosen(load, call.args[:1], [], key, "maybe")
    return Binding(str(key), "maybe", load)


def _updated(load: ast.Name, call: ast.Call, key: Key) -> Binding | None:
    for keyword in call.keywords:
        if keyword.arg == key:
            return Binding(str(key), "assign", load, keyword.value)
    tables = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg is None)]
    for table in tables:
        if not isinstance(table, ast.Dict):
            return Binding(str(key), "maybe", load)
        for name, value in zip(table.keys, table.values, strict=True):
            if isinstance(name, ast.Constant) and name.value == key:
                return Binding(str(key), "assign", load, value)
            if not isinstance(name, ast.Constant):
                return Binding(str(key), "maybe", load)
    return None


def _chosen(
    load: ast.Name, names: list[ast.expr], values: list[ast.expr], key: Key, kind: str = "assign"
) -> Binding | None:
    """Return the store of ``values`` under the key ``names``, if that is ``key`` or cannot be told."""
    if not names or not isinstance(names[0], ast.Constant):
        return Binding(str(key), "maybe", load)
    if names[0].value != key:
        return None
    return Binding(str(key), "maybe" if kind == "maybe" else "assign", load, values[0] if values else None)
