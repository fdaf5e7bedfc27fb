"""What each kind of expression stands for."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pushtune.rewrite.torch.arguments import size_of
from pushtune.rewrite.torch.facts import Divisor
from pushtune.rewrite.torch.frames import Frame, Reader
from pushtune.rewrite.torch.sizes import Fixed, Leaf, Quotient, Size, Sum, evaluate, leaves, product
from pushtune.rewrite.torch.subscripts import subscript
from pushtune.rewrite.torch.tensors import broadcast, multiply
from pushtune.rewrite.torch.values import (
    LOST,
    UNTRACED,
    Container,
    External,
    Function,
    Items,
    Layer,
    Lost,
    Number,
    Object,
    Plain,
    Shape,
    Table,
    Tensor,
    Value,
)
from pushtune.source.tracing import literal_value

MOST_TURNS = 64
"""Most turns of one loop that are read."""


def truth(value: Value) -> bool | None:
    """Return whether ``value`` counts as true; None where that cannot be told."""
    if isinstance(value, Plain):
        return bool(value.value)
    if isinstance(value, Number):
        number = evaluate(value.size, {})
        return None if number is None else bool(number)
    if isinstance(value, (Items, Table)):
        return bool(value.items)
    return True if isinstance(value, (Object, Layer, Container, External, Function)) else None


def elements(value: Value) -> list[Value] | None:
    """Return what a loop over ``value`` gives, None where that cannot be told."""
    if isinstance(value, Items):
        return value.items[:MOST_TURNS]
    if isinstance(value, Table):
        return None if value.splat else [_as_value(key) for key in value.items]
    if isinstance(value, Container) and not value.lost:
        return list(value.items.values())
    return None


def unpack(value: Value, count: int) -> list[Value]:
    """Return ``count`` parts of ``value``."""
    if isinstance(value, Items) and len(value.items) == count:
        return value.items
    if isinstance(value, Shape):
        return [Number(value.tensor.dim(place - count)) for place in range(count)]
    if isinstance(value, Tensor):
        return [Tensor((), open=True, lost=value.lost or bool(value.dims))] * count
    return [LOST] * count


def _as_value(key: object) -> Value:
    if isinstance(key, int) and not isinstance(key, bool):
        return Number(Fixed(key))
    return Plain(key)


def constant(reader: Reader, frame: Frame, node: ast.expr) -> Value:
    """Return a literal: a whole number keeps its place in the source."""
    literal = literal_value(node)
    if literal is None:
        return LOST
    if isinstance(literal[0], int) and not isinstance(literal[0], bool):
        return Number(Leaf(frame.module.span(node), literal[0]))
    return Plain(literal[0])


def _unary(reader: Reader, frame: Frame, node: ast.UnaryOp) -> Value:
    if isinstance(node.op, ast.Not):
        told = truth(reader.evaluate(frame, node.operand))
        return LOST if told is None else Plain(not told)
    return constant(reader, frame, node) if isinstance(node.op, ast.USub) else LOST


def _name(reader: Reader, frame: Frame, node: ast.Name) -> Value:
    return frame.names[node.id] if node.id in frame.names else reader.found_outside(frame, node)


def _attribute(reader: Reader, frame: Frame, node: ast.Attribute) -> Value:
    root: ast.expr = node
    while isinstance(root, ast.Attribute):
        root = root.value
    if isinstance(root, ast.Name) and root.id not in frame.names:
        found = reader.found_outside(frame, node)
        if not isinstance(found, Lost):
            return found
    return reader.member(frame, reader.evaluate(frame, node.value), node.attr, node)


def _sequence(reader: Reader, frame: Frame, node: ast.List | ast.Tuple | ast.Set) -> Value:
    return Items(list(spread(reader, frame, node.elts)), is_tuple=isinstance(node, ast.Tuple))


def spread(reader: Reader, frame: Frame, nodes: list[ast.expr]) -> Iterator[Value]:
    """Yield the values of ``nodes``, starred ones taken apart (LOST where that cannot be done)."""
    for node in nodes:
        if isinstance(node, ast.Starred):
            yield from elements(reader.evaluate(frame, node.value)) or [LOST]
        else:
            yield reader.evaluate(frame, node)


def _dict(reader: Reader, frame: Frame, node: ast.Dict) -> Value:
    table = Table({})
    for key, value in zip(node.keys, node.values, strict=True):
        held = reader.evaluate(frame, value)
        if key is None:
            table.items.update(held.items if isinstance(held, Table) else {})
            table.splat = table.splat or not isinstance(held, Table)
            continue
        named = key_of(reader.evaluate(frame, key))
        table.items[named] = held
        table.splat = table.splat or named is None
    return table


def key_of(value: Value) -> object:
    """Return a value as a key of a table; None where that cannot be told."""
    if isinstance(value, Number):
        return evaluate(value.size, {})
    return value.value if isinstance(value, Plain) else None


def _comprehension(
    reader: Reader, frame: Frame, node: ast.ListComp | ast.GeneratorExp | ast.SetComp
) -> Value:
    before = dict(frame.names)
    found = list(_turns(reader, frame, node.elt, node.generators))
    frame.names.clear()
    frame.names.update(before)
    return Items(found)


def _turns(
    reader: Reader, frame: Frame, element: ast.expr, generators: list[ast.comprehension]
) -> Iterator[Value]:
    if not generators:
        yield reader.evaluate(frame, element)
        return
    first = generators[0]
    for value in elements(reader.evaluate(frame, first.iter)) or [LOST]:
        bind(reader, frame, first.target, value)
        if all(truth(reader.evaluate(frame, test)) is not False for test in first.ifs):
            yield from _turns(reader, frame, element, generators[1:])


def bind(reader: Reader, frame: Frame, target: ast.expr, value: Value) -> None:
    """Give ``target`` the value: a name, an attribute, several of them, or an element."""
    if isinstance(target, ast.Name):
        frame.names[target.id] = value
    elif isinstance(target, (ast.Tuple, ast.List)):
        for part, held in zip(target.elts, unpack(value, len(target.elts)), strict=True):
            bind(reader, frame, part.value if isinstance(part, ast.Starred) else part, held)
    elif isinstance(target, ast.Attribute):
        _set_member(reader, reader.evaluate(frame, target.value), target.attr, value)
    elif isinstance(target, ast.Subscript):
        _set_item(reader.evaluate(frame, target.value), key_of(reader.evaluate(frame, target.slice)), value)


def _set_member(reader: Reader, owner: Value, name: str, value: Value) -> None:
    if isinstance(owner, Object):
        owner.attributes[name] = value
    elif isinstance(owner, Container):
        owner.items[name] = value
    elif isinstance(owner, Layer) and name == "weight":
        weight = weight_of(owner)
        if isinstance(value, Tensor) and len(value.dims) == len(weight.dims):
            for own, other in zip(weight.dims, value.dims, strict=True):
                reader.facts.equal(own, other, f"{owner.kind}.weight")
        else:
            reader.facts.loosen(weight)


def _set_item(owner: Value, key: object, value: Value) -> None:
    if isinstance(owner, (Table, Container)) and key is not None:
        items: dict[Any, Value] = owner.items
        items[str(key) if isinstance(owner, Container) else key] = value
    elif isinstance(owner, Items) and isinstance(key, int) and -len(owner.items) <= key < len(owner.items):
        owner.items[key] = value


def weight_of(layer: Layer) -> Tensor:
    """Return the shape of a layer's ``weight``, where it is a plain table."""
    names = {"Linear": ("out_features", "in_features"), "Embedding": ("num_embeddings", "embedding_dim")}
    sizes = [size_of(layer.arguments.get(name)) for name in names.get(layer.kind, ())]
    if not sizes or any(size is None for size in sizes):
        return UNTRACED
    return Tensor(tuple(size for size in sizes if size is not None))


def _conditional(reader: Reader, frame: Frame, node: ast.IfExp) -> Value:
    told = truth(reader.evaluate(frame, node.test))
    if told is not None:
        return reader.evaluate(frame, node.body if told else node.orelse)
    return either(reader, reader.evaluate(frame, node.body), reader.evaluate(frame, node.orelse))


def either(reader: Reader, one: Value, other: Value) -> Value:
    """Return what a value is that may be one or the other."""
    if one is other or one == other or isinstance(other, Lost):
        return one
    if isinstance(one, (Tensor, Lost)) and isinstance(other, Tensor):
        if isinstance(one, Tensor) and one.dims and len(one.dims) == len(other.dims):
            return (
                one
                if all(a == b for a, b in zip(one.dims, other.dims, strict=True))
                else _unsure(reader, one, other)
            )
        return other if isinstance(one, Lost) or not one.dims else one
    if isinstance(one, Plain) and one.value is None:
        return other
    if isinstance(other, Plain) and other.value is None:
        return one
    return _unsure(reader, one, other)


def _unsure(reader: Reader, one: Value, other: Value) -> Value:
    reader.facts.loosen(one, other)
    return UNTRACED if isinstance(one, Tensor) else LOST


def _boolean(reader: Reader, frame: Frame, node: ast.BoolOp) -> Value:
    last: Value = LOST
    unsure = False
    for part in node.values:
        last = reader.evaluate(frame, part)
        told = truth(last)
        if told is (isinstance(node.op, ast.Or)):
            return last
        unsure = unsure or told is None
    return LOST if unsure else last


_ORDERS: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda one, many: one in many,
    ast.NotIn: lambda one, many: one not in many,
}


def _compare(reader: Reader, frame: Frame, node: ast.Compare) -> Value:
    left = reader.evaluate(frame, node.left)
    right = reader.evaluate(frame, node.comparators[0])
    if len(node.ops) != 1:
        return LOST
    if isinstance(node.ops[0], (ast.Is, ast.IsNot)):
        same = _is_none(left) if right == Plain(None) else None
        return LOST if same is None else Plain(same == isinstance(node.ops[0], ast.Is))
    one, other = _comparable(left), _comparable(right)
    if one is None or other is None:
        return LOST
    try:
        return Plain(_ORDERS[type(node.ops[0])](one[0], other[0]))
    except (KeyError, TypeError):
        return LOST


def _is_none(value: Value) -> bool | None:
    if isinstance(value, Plain):
        return value.value is None
    return None if isinstance(value, Lost) or (isinstance(value, Tensor) and not value.dims) else False


def _comparable(value: Value) -> tuple[object] | None:
    if isinstance(value, Plain):
        return (value.value,)
    if isinstance(value, Number):
        number = evaluate(value.size, {})
        return None if number is None else (number,)
    if isinstance(value, External):
        return (value.name,)
    if isinstance(value, Items):
        parts = [_comparable(item) for item in value.items]
        return None if any(part is None for part in parts) else ([part[0] for part in parts if part],)
    return ([*value.items],) if isinstance(value, Table) and not value.splat else None


def arithmetic(reader: Reader, node: ast.operator, left: Value, right: Value) -> Value:
    """Return what ``left`` and ``right`` give under the operator ``node``."""
    if isinstance(left, Tensor) or isinstance(right, Tensor):
        if isinstance(node, ast.MatMult):
            return multiply(reader.facts, left, right)
        return broadcast(reader.facts, left, right)
    if isinstance(left, Number) and isinstance(right, Number):
        size = _calculated(reader, node, left.size, right.size)
        return LOST if size is None else Number(size)
    if isinstance(left, Items) and isinstance(right, Items) and isinstance(node, ast.Add):
        return Items([*left.items, *right.items], left.is_tuple)
    if isinstance(left, Items) and isinstance(right, Number) and isinstance(node, ast.Mult):
        times = evaluate(right.size, {})
        return LOST if times is None else Items(left.items * min(times, MOST_TURNS), left.is_tuple)
    return LOST


def _calculated(reader: Reader, node: ast.operator, left: Size, right: Size) -> Size | None:
    one, other = evaluate(left, {}), evaluate(right, {})
    if isinstance(node, ast.Add):
        return Sum((left, right))
    if isinstance(node, ast.Sub):
        return Sum((left,), (right,))
    if isinstance(node, ast.Mult):
        return product([left, right])
    if isinstance(node, ast.Pow) and one is not None and other is not None and 0 <= other < 16:
        return product([left] * other) if not leaves(right) or leaves(left) else Fixed(one**other)
    exact = one is not None and bool(other) and other is not None and one % other == 0
    if isinstance(node, ast.FloorDiv) or (isinstance(node, ast.Div) and exact):
        if exact and any(leaf.named for leaf in leaves(right)) and leaves(left):
            reader.facts.divisors.append(Divisor(left, right))
        return Quotient(left, right)
    if isinstance(node, ast.Mod) and one is not None and other:
        return Fixed(one % other)
    return None


def _binary(reader: Reader, frame: Frame, node: ast.BinOp) -> Value:
    return arithmetic(reader, node.op, reader.evaluate(frame, node.left), reader.evaluate(frame, node.right))


def _subscripted(reader: Reader, frame: Frame, node: ast.Subscript) -> Value:
    found = subscript(reader, frame, node)
    return reader.found_outside(frame, node) if isinstance(found, Lost) else found


def _lambda(reader: Reader, frame: Frame, node: ast.Lambda) -> Value:
    return Function(frame.module, node, closure=dict(frame.names))


def called(reader: Reader, frame: Frame, node: ast.Call) -> Value:
    """Return what a call gives."""
    callee = reader.evaluate(frame, node.func)
    given = list(spread(reader, frame, node.args))
    keywords: dict[str, Value] = {}
    for keyword in node.keywords:
        held = reader.evaluate(frame, keyword.value)
        if keyword.arg is not None:
            keywords[keyword.arg] = held
        elif isinstance(held, Table):
            keywords.update({str(name): value for name, value in held.items.items()})
        else:
            keywords.update(reader.splatted(frame, callee, keyword.value))
    return reader.call(frame, callee, given, keywords, node)


def _text(reader: Reader, frame: Frame, node: ast.JoinedStr) -> Value:
    pieces = []
    for part in node.values:
        held = reader.evaluate(frame, part.value if isinstance(part, ast.FormattedValue) else part)
        key = key_of(held)
        if key is None:
            return LOST
        pieces.append(str(key))
    return Plain("".join(pieces))


def _walrus(reader: Reader, frame: Frame, node: ast.NamedExpr) -> Value:
    value = reader.evaluate(frame, node.value)
    frame.names[node.target.id] = value
    return value


_Read = Callable[[Reader, Frame, Any], Value]
EXPRESSIONS: Mapping[type[ast.expr], _Read] = {
    ast.Constant: constant,
    ast.UnaryOp: _unary,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.List: _sequence,
    ast.Tuple: _sequence,
    ast.Set: _sequence,
    ast.Dict: _dict,
    ast.ListComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.SetComp: _comprehension,
    ast.IfExp: _conditional,
    ast.BoolOp: _boolean,
    ast.Compare: _compare,
    ast.BinOp: _binary,
    ast.Subscript: _subscripted,
    ast.Lambda: _lambda,
    ast.Call: called,
    ast.JoinedStr: _text,
    ast.NamedExpr: _walrus,
}
"""By the kind of node; all others are lost."""
