"""Values in dictionaries and lists that are written out, and in what is made of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from pushtune.model.analysis import Style
from pushtune.source.program import Module
from pushtune.source.scopes import Binding, Scope
from pushtune.source.tracing.base import Follower, Found, Hop
from pushtune.source.tracing.given_values import follow_argument
from pushtune.source.tracing.groups import composed
from pushtune.source.tracing.parsed import parsed_record
from pushtune.source.tracing.stores import Key, reach_of

BOXES = (
    "SimpleNamespace", "Namespace", "EasyDict", "edict", "AttrDict", "AttributeDict", "Box", "DotMap",
    "Munch", "munchify", "ConfigDict", "Dict", "DictConfig", "create", "OrderedDict", "defaultdict", "dict",
    "HParams", "deepcopy", "copy", "read_only", "freeze",
)  # fmt: skip
"""What makes a table of its keywords, or of the table that it is given."""


def follow_subscript(
    tracer: Follower, module: Module, node: ast.Subscript, hop: Hop, depth: int
) -> Iterator[Found]:
    """Yield the value of ``table["key"]`` or ``row[0]``; ``row[::-1]`` is the row itself."""
    if tracer.names.qualify(module, node.value) == "sys.argv" and isinstance(node.slice, ast.Constant):
        if isinstance(node.slice.value, int) and node.slice.value > 0:
            yield from follow_argument(tracer, node.slice.value, hop)
        return
    if isinstance(node.value, ast.Call) and getattr(node.value.func, "attr", "") == "parse_known_args":
        yield Found(module, node, hop)  # the options are the first of the two
        return
    if isinstance(node.slice, ast.Slice) and node.slice.lower is None and node.slice.upper is None:
        yield from tracer.follow(module, node.value, hop, depth)
    if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, (str, int)):
        yield from lookup(tracer, module, node.value, node.slice.value, hop, depth)


def lookup(
    tracer: Follower, module: Module, table: ast.expr, key: Key, hop: Hop, depth: int
) -> Iterator[Found]:
    """Yield the value under ``key`` of the table or object that ``table`` names, if it is written out."""
    yield from search(tracer, module, table, key, hop, depth) or ()


def search(
    tracer: Follower, module: Module, table: ast.expr, key: Key, hop: Hop, depth: int
) -> list[Found] | None:
    """Return what ``lookup`` yields; None where the table is not known, nothing where it lacks ``key``."""
    if depth <= 0:
        return None
    made = tracer.returned(module, table) if isinstance(table, ast.Call) else []
    if made and made[0][1] not in hop.trail:
        here = hop.over(made[0][1])
        return _joined([search(tracer, home, value, key, here, depth - 1) for home, value in made])
    if isinstance(table, ast.Attribute) and isinstance(tracer.calls.resolve(module, table), ast.ClassDef):
        return entry(tracer, Found(module, table, hop), key, ast.unparse(table), depth)
    reached = reach_of(module, table, key) if isinstance(table, ast.Name) else None
    if reached is None or not isinstance(table, ast.Name):
        return _joined([entry(tracer, end, key, _base(end, table), depth) for end in
                        tracer.follow(module, table, hop, depth)])  # fmt: skip
    owner, reach = reached
    ways = []
    for binding in reach.all:
        here = hop if reach.sure or not (reach.open or len(reach.all) > 1) else hop.maybe()
        if binding.node in hop.trail:
            continue
        ways.append(_through(tracer, module, owner, table, binding, key, here.over(binding.node), depth))
    return _joined(ways)


def _through(
    tracer: Follower, module: Module, owner: Scope, table: ast.Name, binding: Binding, key: Key, hop: Hop,
    depth: int,
) -> list[Found] | None:  # fmt: skip
    """Return the value under ``key`` as one binding of the name, or one store below it, leaves it."""
    if binding.node in module.loads.get(table.id, ()):
        if binding.value is None:
            return None
        name = f"{table.id}.{key}"
        return list(tracer.follow(module, binding.value, hop.to("constant", name), depth)) or None
    if binding.kind in ("class", "import") and isinstance(tracer.calls.resolve(module, table), ast.ClassDef):
        return entry(tracer, Found(module, table, hop), key, table.id, depth)
    parameter = module.parents.get(binding.node)
    if isinstance(parameter, ast.arguments) and parameter.kwarg is binding.node:
        return passed_as(tracer, module, parameter, key, hop, depth)
    handed = _handed_on(tracer, module, table, binding, key, hop, depth)
    if handed is not None:
        return handed
    ends = tracer.bound(module, owner, binding, hop, depth)
    return _joined([entry(tracer, end, key, _base(end, table), depth) for end in ends])


def _handed_on(
    tracer: Follower, module: Module, table: ast.Name, binding: Binding, key: Key, hop: Hop, depth: int
) -> list[Found] | None:
    """Return the value under ``key`` of a table that has another name elsewhere, stores below it included."""
    if binding.kind == "parameter":
        ways = []
        for home, value, step in tracer.passed(module, binding, hop):
            here = step if step.name else step.to(step.style, table.id)
            ways.append(search(tracer, home, value, key, here, depth - 1))
        return _joined(ways)
    if binding.kind != "assign" or not isinstance(binding.value, (ast.Name, ast.Call)):
        return None
    if isinstance(binding.value, ast.Name) or tracer.returned(module, binding.value):
        step = hop.to("constant", binding.name)
        return search(tracer, module, binding.value, key, step, depth - 1)
    return None


def passed_as(
    tracer: Follower, module: Module, arguments: ast.arguments, key: Key, hop: Hop, depth: int
) -> list[Found] | None:
    """Return what callers pass as ``key`` to a function that takes ``**kwargs``."""
    function = module.parents[arguments]
    if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return None
    ways: list[list[Found] | None] = []
    for caller in tracer.calls.callers(function):
        given = {keyword.arg: keyword.value for keyword in caller.call.keywords if keyword.arg}
        if key in given:
            value = given[str(key)]
            ways.append(list(tracer.follow(caller.module, value, hop.to("literal", ""), depth)) or None)
            continue
        splats = [keyword.value for keyword in caller.call.keywords if keyword.arg is None]
        ways.append(_last(tracer, caller.module, splats, key, hop, depth))
    if tracer.calls.escapes(function):
        ways.append(None)
    return _joined(ways)


def entry(tracer: Follower, found: Found, key: Key, base: str, depth: int) -> list[Found] | None:
    """Return the value under ``key`` of the table or object ``found``; see ``search``."""
    node, hop = found.node, found.hop
    if depth <= 0:
        return None
    if isinstance(node, (ast.List, ast.Tuple)):
        return _element(tracer, found, key, f"{base}_{key}", depth)
    if isinstance(node, ast.Dict):
        pairs = list(zip(node.keys, node.values, strict=True))
        items = [((name.value if isinstance(name, ast.Constant) else name), value) for name, value in pairs]
        written = _written(tracer, found, items, key, base, depth)
        return composed(tracer, found, str(key), base) or written if written == [] else written
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _last(tracer, found.module, [node.left, node.right], key, hop, depth)
    if isinstance(node, ast.Call) and _is_box(tracer, found):
        first = [(None, argument) for argument in node.args[:1]]
        items = [*first, *((keyword.arg, keyword.value) for keyword in node.keywords)]
        return _written(tracer, found, items, key, base, depth)
    if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "copy" and not node.args:
        assert isinstance(node.func, ast.Attribute)
        return search(tracer, found.module, node.func.value, key, hop, depth - 1)
    if isinstance(key, str):
        return tracer.member(found, key, base, depth)
    return parsed_record(tracer, found, key)


def table_entries(node: ast.AST) -> Iterator[tuple[object, ast.expr]]:
    """Yield the keys and values of ``{…}`` or ``dict(…)``; a splat inside yields the key None."""
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            yield (key.value if isinstance(key, ast.Constant) else None), value
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "dict"
        and not node.args
    ):
        for keyword in node.keywords:
            yield keyword.arg, keyword.value


def _written(
    tracer: Follower, found: Found, items: Sequence[tuple[object, ast.expr]], key: Key, base: str, depth: int
) -> list[Found] | None:
    """Return the entry ``key`` of a table whose items are written; one with the name None is a splat."""
    if sum(name == key and type(name) is type(key) for name, _ in items) > 1:
        return None
    style: Style = "config" if found.module.document is not None else "dict"
    sure = True
    for name, value in reversed(items):
        if name == key and type(name) is type(key):
            hop = found.hop.to(style, f"{base}.{key}", certain=sure)
            return list(tracer.follow(found.module, value, hop, depth - 1)) or None
        if isinstance(name, ast.AST):
            return None
        if name is None:
            inner = search(
                tracer, found.module, value, key, found.hop.to("dict", base, certain=sure), depth - 1
            )
            if inner:
                return inner
            sure = sure and inner is not None
    return [] if sure else None


def _last(
    tracer: Follower, module: Module, tables: list[ast.expr], key: Key, hop: Hop, depth: int
) -> list[Found] | None:
    """Return the entry ``key`` of the last of ``tables`` that has it."""
    sure = True
    for table in reversed(tables):
        found = search(tracer, module, table, key, hop if sure else hop.maybe(), depth - 1)
        if found:
            return found
        sure = sure and found is not None
    return [] if sure else None


def _is_box(tracer: Follower, found: Found) -> bool:
    assert isinstance(found.node, ast.Call)
    function = found.node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name not in BOXES or tracer.calls.resolve(found.module, function) is not None:
        return False
    return name not in ("copy", "create", "deepcopy") or bool(found.node.args)


def _element(tracer: Follower, found: Found, key: Key, name: str, depth: int) -> list[Found] | None:
    assert isinstance(found.node, (ast.List, ast.Tuple))
    elements = found.node.elts
    if any(isinstance(element, ast.Starred) for element in elements):
        return None
    if isinstance(key, int) and not isinstance(key, bool) and -len(elements) <= key < len(elements):
        return list(
            tracer.follow(found.module, elements[key], found.hop.to(found.hop.style, name), depth - 1)
        )
    return None


def _joined(ways: list[list[Found] | None]) -> list[Found] | None:
    """Return the ends of all ways; None if there is none; unsure if one of several is not known."""
    known = [way for way in ways if way is not None]
    if not known:
        return None
    ends = [end for way in known for end in way]
    if len(known) == len(ways) == 1:
        return ends
    several = len(known) != len(ways) or sum(bool(way) for way in known) != len(ways)
    return [Found(end.module, end.node, end.hop.maybe()) for end in ends] if several else ends


def _base(end: Found, table: ast.expr) -> str:
    return end.hop.name or ast.unparse(table)
