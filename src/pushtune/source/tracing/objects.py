"""Values kept on objects: class attributes, dataclass fields, ``self.width``, options of a parser."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pushtune.model.analysis import Style
from pushtune.source.flow import Flow
from pushtune.source.program import Module
from pushtune.source.scopes import FUNCTIONS, Binding
from pushtune.source.tracing.base import Follower, Found, Hop
from pushtune.source.tracing.options import follow_flag, follow_option, is_flags, is_parsed
from pushtune.source.tracing.parsed import follow_given_field, is_record
from pushtune.source.tracing.tables import lookup, passed_as, search
from pushtune.source.tracing.trackers import follow_tracked

_RECORDS = ("NamedTuple", "BaseModel", "BaseSettings", "Struct", "TypedDict", "Config", "PretrainedConfig")
_COPIES = ("replace", "evolve", "_replace", "model_copy")


def follow_attribute(
    tracer: Follower, module: Module, node: ast.Attribute, hop: Hop, depth: int
) -> Iterator[Found]:
    """Yield the value of ``config.width``, ``args.width``, ``Config.width``, ``self.width``."""
    if node.attr == "__dict__":
        yield from tracer.follow(module, node.value, hop, depth)  # its entries are the attributes
        return
    known = list(follow_tracked(tracer, module, node, hop, depth))
    known = known or list(follow_given_field(tracer, module, node, hop))
    if known:
        yield from known
        return
    yield from member_of(tracer, module, node.value, node.attr, hop, depth)


def member_of(
    tracer: Follower, module: Module, value: ast.expr, name: str, hop: Hop, depth: int
) -> Iterator[Found]:
    """Yield what the attribute ``name`` of ``value`` holds."""
    local = tracer.calls.module_named(module, value)
    if local is not None:
        yield from module_member(tracer, local, name, hop, depth)
        return
    if is_flags(tracer, module, value):
        yield from follow_flag(tracer, name, hop, depth)
        return
    own = own_class(module, value)
    if own is not None:
        yield from _instance(tracer, module, own, name, None, value, hop, depth) or ()
        return
    kept = _hparams(module, value)
    if kept is not None:
        yield from _saved(tracer, module, kept, name, hop, depth)
        return
    yield from lookup(tracer, module, value, name, hop, depth)


def module_member(tracer: Follower, module: Module, name: str, hop: Hop, depth: int) -> Iterator[Found]:
    """Yield what the name ``name`` of ``module`` holds once the module was imported."""
    bindings = module.scope.bindings.get(name, ())
    if not bindings:
        return
    end = ast.Name(name, ast.Load())
    reach = Flow(module, module.scope, bindings).at_end()
    here = hop.maybe() if _is_patched(tracer, module, name) else hop
    for found in tracer.bound_ways(module, module.scope, reach, end, here, depth):
        if found.node is not end:
            yield found


def member(tracer: Follower, found: Found, name: str, base: str, depth: int) -> list[Found] | None:
    """Return what the attribute or entry ``name`` of the object ``found`` holds; None if not known."""
    node = found.node
    if is_parsed(tracer, found):
        return _parsed(tracer, found, name, base, depth)
    definition = tracer.calls.resolve(found.module, node)
    if is_record(tracer, found.module, node):
        field = ast.Attribute(node, name, ast.Load())
        given = list(follow_given_field(tracer, found.module, field, found.hop))
        if given:
            return given
    if isinstance(definition, ast.ClassDef):
        home = tracer.program.homes[definition]
        return _instance(tracer, home, definition, name, None, None, found.hop, depth)
    if not isinstance(node, ast.Call):
        return None
    return _made(tracer, found, node, name, depth)


def _made(tracer: Follower, found: Found, node: ast.Call, name: str, depth: int) -> list[Found] | None:
    """Return what an object that the call ``node`` makes holds under ``name``."""
    definition = tracer.calls.resolve(found.module, node.func)
    if isinstance(definition, ast.ClassDef):
        home = tracer.program.homes[definition]
        return _instance(tracer, home, definition, name, found, None, found.hop, depth)
    called = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if called in ("vars", "asdict", "to_dict", "_asdict", "to_container") and definition is None:
        whole = node.args[:1] or ([node.func.value] if isinstance(node.func, ast.Attribute) else [])
        return list(member_of(tracer, found.module, whole[0], name, found.hop, depth - 1)) if whole else None
    if called in _COPIES and definition is None:
        return _replaced(tracer, found, node, name, depth)
    return None


def _replaced(tracer: Follower, found: Found, node: ast.Call, name: str, depth: int) -> list[Found] | None:
    """Return the field ``name`` of ``replace(config, lr=0.1)``."""
    for keyword in node.keywords:
        if keyword.arg == name:
            return list(tracer.follow(found.module, keyword.value, found.hop.to("literal", ""), depth - 1))
    whole = node.args[:1] or ([node.func.value] if isinstance(node.func, ast.Attribute) else [])
    return search(tracer, found.module, whole[0], name, found.hop, depth - 1) if whole else None


def _parsed(tracer: Follower, found: Found, name: str, base: str, depth: int) -> list[Found] | None:
    hop = found.hop
    if any(True for module in tracer.program.modules for _ in _foreign_stores(module, name, base)):
        hop = hop.maybe()  # written to where another name holds the options: it may replace the default
    return list(follow_option(tracer, found.module, name, base, hop, depth)) or None


def _foreign_stores(module: Module, name: str, base: str) -> Iterator[ast.Attribute]:
    for node in module.attributes.get(name, ()):
        if isinstance(node.ctx, ast.Load) or own_class(module, node.value) is not None:
            continue
        if ast.unparse(node.value) != base or module.scope_of(node) is not module.scope:
            yield node


def own_class(module: Module, node: ast.expr) -> ast.ClassDef | None:
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


def _hparams(module: Module, value: ast.expr) -> ast.ClassDef | None:
    """Return the class whose ``self.hparams`` ``value`` is, if it calls ``save_hyperparameters``."""
    if not isinstance(value, ast.Attribute) or value.attr != "hparams":
        return None
    own = own_class(module, value.value)
    return own if own is not None and any(_savers(own)) else None


def _savers(owner: ast.ClassDef) -> Iterator[ast.Call]:
    """Yield the calls that fill ``self.hparams``: ``save_hyperparameters()``, ``hparams.update(options)``."""
    for node in ast.walk(owner):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        updates = node.func.attr == "update" and getattr(node.func.value, "attr", "") == "hparams"
        if updates or node.func.attr == "save_hyperparameters":
            yield node


def _saved(
    tracer: Follower, module: Module, owner: ast.ClassDef, name: str, hop: Hop, depth: int
) -> Iterator[Found]:
    """Yield what ``save_hyperparameters`` keeps: what it is given, or else the parameters of the class."""
    given = [
        call.args[0] for call in _savers(owner) if call.args and not isinstance(call.args[0], ast.Constant)
    ]
    if given:
        yield from lookup(tracer, module, given[-1], name, hop, depth)
        return
    for item in owner.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            scope = module.scopes[item]
            for binding in scope.bindings.get(name, ()):
                if binding.kind == "parameter":
                    yield from tracer.bound(module, scope, binding, hop, depth)
            if not scope.bindings.get(name):
                yield from passed_as(tracer, module, item.args, name, hop, depth) or ()


def _instance(
    tracer: Follower, module: Module, owner: ast.ClassDef, name: str, made: Found | None,
    use: ast.expr | None, hop: Hop, depth: int,
) -> list[Found] | None:  # fmt: skip
    """Return what the attribute ``name`` of the class, or of an object made by the call ``made``, holds."""
    for home, cls in tracer.calls.ancestry(module, owner):
        if _is_enumeration(tracer, home, cls):
            return None
        stores = list(_own_stores(home, cls, name))
        bindings = home.scopes[cls].bindings.get(name, [])
        if any(True for _ in _other_stores(home, name, use)):
            hop = hop.maybe()
        if stores:
            return list(_stored(tracer, home, cls, stores, use, hop, depth)) or None
        if bindings:
            return list(_field(tracer, home, cls, bindings, name, made, hop, depth)) or None
    return None


def _stored(
    tracer: Follower, module: Module, cls: ast.ClassDef, stores: list[ast.Attribute], use: ast.expr | None,
    hop: Hop, depth: int,
) -> Iterator[Found]:  # fmt: skip
    """Yield what the methods store: those of ``__init__`` in their order, others perhaps later."""
    first = [node for node in stores if _method_of(module, node) == "__init__"] or stores[:1]
    scope = module.scope_of(first[0])
    flow = Flow(module, scope, [_binding(module, node) for node in first])
    inside = use is not None and module.scope_of(use) is scope
    reach = flow.at(use) if inside and use is not None else flow.at_end()
    later = [_binding(module, node) for node in stores if node not in first]
    here = hop if reach.sure and not later else hop.maybe()
    for binding in (*reach.all, *later):
        if binding.value is not None and binding.node not in hop.trail:
            name = f"{cls.name}.{binding.name}"
            step = here.over(binding.node)
            style = "constant" if isinstance(binding.value, (ast.Constant, ast.UnaryOp)) else hop.style
            step = step.to("constant", name) if style == "constant" else step
            yield from tracer.follow(module, binding.value, step, depth - 1)


def _field(
    tracer: Follower, module: Module, cls: ast.ClassDef, bindings: list[Binding], name: str,
    made: Found | None, hop: Hop, depth: int,
) -> Iterator[Found]:  # fmt: skip
    """Yield a class attribute, or for a record what its maker passes in its place."""
    record = bool(cls.decorator_list) or _is_record(cls)
    if record and made is not None and isinstance(made.node, ast.Call):
        passed = _passed(tracer, made, made.node, _fields(tracer, module, cls), name, hop, depth)
        if passed is None or passed:
            yield from passed or ()
            return
    reach = Flow(module, module.scopes[cls], bindings).at_end()
    for binding in reach.all:
        if binding.kind in ("assign", "maybe") and binding.value is not None:
            style: Style = "default" if record else "constant"
            step = hop.to(style, f"{cls.name}.{name}", certain=reach.sure)
            yield from tracer.follow(module, binding.value, step, depth - 1)


def _passed(
    tracer: Follower, made: Found, call: ast.Call, fields: list[str], name: str, hop: Hop, depth: int
) -> list[Found] | None:
    """Return what ``call`` passes for the field; nothing if it leaves it out; None if that is not known."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return list(tracer.follow(made.module, keyword.value, hop.to("literal", ""), depth - 1)) or None
    if any(isinstance(argument, ast.Starred) for argument in call.args):
        return None
    if name in fields and fields.index(name) < len(call.args):
        value = call.args[fields.index(name)]
        return list(tracer.follow(made.module, value, hop.to("literal", ""), depth - 1)) or None
    for keyword in call.keywords:
        if keyword.arg is None:
            return search(tracer, made.module, keyword.value, name, hop, depth - 1)
    return []


def _fields(tracer: Follower, module: Module, cls: ast.ClassDef) -> list[str]:
    """Return the names of a record's fields in the order in which it is called with them."""
    found: dict[str, None] = {}
    for _, owner in reversed(list(tracer.calls.ancestry(module, cls))):
        for item in owner.body:
            field = isinstance(item, ast.AnnAssign) and "ClassVar" not in ast.unparse(item.annotation)
            if field and isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                found.setdefault(item.target.id)
    return list(found)


def _is_record(cls: ast.ClassDef) -> bool:
    bases = [ast.unparse(base).rpartition(".")[2] for base in cls.bases]
    has_init = any(isinstance(item, ast.FunctionDef) and item.name == "__init__" for item in cls.body)
    return not has_init and any(base in _RECORDS for base in bases)


def _is_enumeration(tracer: Follower, module: Module, cls: ast.ClassDef) -> bool:
    return any((tracer.names.qualify(module, base) or "").startswith("enum.") for base in cls.bases)


def _own_stores(module: Module, cls: ast.ClassDef, name: str) -> Iterator[ast.Attribute]:
    """Yield where methods of the class store ``self.name``, in source order."""
    for node in sorted(module.attributes.get(name, ()), key=lambda item: (item.lineno, item.col_offset)):
        if not isinstance(node.ctx, ast.Load) and own_class(module, node.value) is cls:
            yield node


def _other_stores(module: Module, name: str, use: ast.expr | None) -> Iterator[ast.Attribute]:
    """Yield where the file stores an attribute of that name on what may be such an object."""
    for node in module.attributes.get(name, ()):
        if not isinstance(node.ctx, ast.Load) and own_class(module, node.value) is None:
            yield node


def _method_of(module: Module, node: ast.AST) -> str:
    function = next((outer for outer in module.around(node) if isinstance(outer, FUNCTIONS)), None)
    return getattr(function, "name", "")


def _binding(module: Module, node: ast.Attribute) -> Binding:
    statement = module.parents[node]
    value = statement.value if isinstance(statement, (ast.Assign, ast.AnnAssign)) else None
    if value is None:
        value = _unpacked(module, node, statement)
    return Binding(node.attr, "assign", node, value)


def _unpacked(module: Module, node: ast.Attribute, target: ast.AST) -> ast.expr | None:
    """Return the part of ``self.a, self.b = 1, 2`` that ``node`` is given."""
    statement = module.parents.get(target)
    if isinstance(target, ast.Tuple) and isinstance(statement, ast.Assign):
        value = statement.value
        if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts):
            return value.elts[target.elts.index(node)]
    return None


def _is_patched(tracer: Follower, module: Module, name: str) -> bool:
    """Whether another file stores into the module: ``config.LR = 0.1``."""
    return any(
        not isinstance(node.ctx, ast.Load) and tracer.calls.module_named(other, node.value) is module
        for other in tracer.program.modules
        for node in other.attributes.get(name, ())
    )
