"""Values kept on objects: class attributes, dataclass fields, ``self.width``, options of a parser."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pushtune.source.program import Module
from pushtune.source.tracing.base import Follower, Found, Hop
from pushtune.source.tracing.options import follow_option, is_parsed


def follow_attribute(
    tracer: Follower, module: Module, node: ast.Attribute, hop: Hop, depth: int
) -> Iterator[Found]:
    """Yield the value of ``config.width``, ``args.width``, ``Config.width``, ``self.width``."""
    local = tracer.calls.module_named(module, node.value)
    if local is not None:
        yield from _module_member(tracer, local, node.attr, hop, depth)
        return
    own = _own_class(module, node.value)
    if own is not None:
        yield from _instance(tracer, module, own, node.attr, None, hop, depth)
        return
    definition = tracer.calls.resolve(module, node.value)
    if isinstance(definition, ast.ClassDef):
        yield from _instance(tracer, _home(tracer, definition), definition, node.attr, None, hop, depth)
        return
    for found in tracer.follow(module, node.value, hop, depth):
        yield from _member(tracer, found, node, hop, depth)


def _member(tracer: Follower, found: Found, node: ast.Attribute, hop: Hop, depth: int) -> Iterator[Found]:
    if is_parsed(tracer, found):
        if any(list(_stores(module, node.attr)) for module in tracer.calls.program.modules):
            return  # written to after the command line was read: the default may never be used
        base = found.hop.name or ast.unparse(node.value)
        yield from follow_option(tracer, found.module, node.attr, base, hop, depth)
    elif isinstance(found.node, ast.Call):
        definition = tracer.calls.resolve(found.module, found.node.func)
        if isinstance(definition, ast.ClassDef):
            yield from _instance(tracer, _home(tracer, definition), definition, node.attr, found, hop, depth)


def _module_member(tracer: Follower, module: Module, name: str, hop: Hop, depth: int) -> Iterator[Found]:
    bindings = module.scope.bindings.get(name, ())
    if len(bindings) == 1:
        yield from tracer.bound(module, module.scope, bindings[0], hop, depth)


def _own_class(module: Module, node: ast.expr) -> ast.ClassDef | None:
    """Return the class whose method ``node``, the method's first parameter, stands in."""
    if not isinstance(node, ast.Name):
        return None
    found = module.scope_of(node).find(node.id)
    if found is None or len(found[1]) != 1 or found[1][0].kind != "parameter":
        return None
    function = found[0].node
    parent = module.parents.get(function)
    if isinstance(parent, ast.ClassDef) and isinstance(function, ast.FunctionDef):
        first = [*function.args.posonlyargs, *function.args.args][:1]
        return parent if first and first[0].arg == node.id else None
    return None


def _home(tracer: Follower, definition: ast.ClassDef) -> Module:
    return next(module for module in tracer.calls.program.modules if definition in module.scopes)


def _instance(
    tracer: Follower, module: Module, owner: ast.ClassDef, name: str, made: Found | None, hop: Hop, depth: int
) -> Iterator[Found]:
    """Yield what the attribute ``name`` of the class, or of an object made by the call ``made``, holds."""
    stores = list(_stores(module, name))
    inside = [node for node in stores if owner in module.around(node)]
    bindings = module.scopes[owner].bindings.get(name, [])
    if len(inside) == len(stores) == 1 and not bindings:
        statement = module.parents[inside[0]]
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
            yield from tracer.follow(module, statement.value, hop, depth)
    elif not stores and len(bindings) == 1 and not bindings[0].conditional:
        passed = [keyword.value for keyword in _keywords(made) if keyword.arg == name]
        if made is not None and (made.node.args or passed):  # type: ignore[attr-defined]
            for value in passed:
                yield from tracer.follow(made.module, value, hop.to("literal", ""), depth)
        elif bindings[0].value is not None:
            hop_here = hop.to("default" if owner.decorator_list else "constant", f"{owner.name}.{name}")
            yield from tracer.follow(module, bindings[0].value, hop_here, depth)


def _keywords(made: Found | None) -> list[ast.keyword]:
    return made.node.keywords if made is not None and isinstance(made.node, ast.Call) else []


def _stores(module: Module, name: str) -> Iterator[ast.Attribute]:
    return (node for node in module.attributes.get(name, ()) if not isinstance(node.ctx, ast.Load))
