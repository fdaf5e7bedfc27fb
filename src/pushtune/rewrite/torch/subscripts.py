"""``x[…]``: an element, a slice, or a tensor with fewer dimensions."""

from __future__ import annotations

import ast

from pushtune.rewrite.torch.frames import Frame, Reader
from pushtune.rewrite.torch.sizes import Fixed, Opaque, Size, evaluate
from pushtune.rewrite.torch.values import LOST, Container, Items, Number, Plain, Shape, Table, Tensor, Value


def subscript(reader: Reader, frame: Frame, node: ast.Subscript) -> Value:
    """Return what the subscription gives; LOST where that cannot be told."""
    owner = reader.evaluate(frame, node.value)
    if isinstance(owner, Tensor):
        return _of_tensor(reader, frame, owner, node.slice)
    if isinstance(node.slice, ast.Slice):
        return _sliced(reader, frame, owner, node.slice)
    key = _key(reader.evaluate(frame, node.slice))
    if isinstance(owner, Shape) and isinstance(key, int):
        return Number(owner.tensor.dim(key))
    if isinstance(owner, Items) and isinstance(key, int) and -len(owner.items) <= key < len(owner.items):
        return owner.items[key]
    if isinstance(owner, Table) and key in owner.items:
        return owner.items[key]
    if isinstance(owner, Container):
        return _of_container(owner, key)
    return LOST


def _key(value: Value) -> object:
    if isinstance(value, Number):
        return evaluate(value.size, {})
    return value.value if isinstance(value, Plain) else None


def _of_container(owner: Container, key: object) -> Value:
    held = list(owner.items.values())
    if isinstance(key, int) and not owner.lost and -len(held) <= key < len(held):
        return held[key]
    return owner.items.get(str(key), LOST)


def _sliced(reader: Reader, frame: Frame, owner: Value, cut: ast.Slice) -> Value:
    bounds: list[int | None] = []
    for part in (cut.lower, cut.upper, cut.step):
        bound = None if part is None else _key(reader.evaluate(frame, part))
        if part is not None and not isinstance(bound, int):
            return LOST
        bounds.append(bound if isinstance(bound, int) else None)
    place = slice(*bounds)
    if isinstance(owner, Shape):
        return _shape_slice(owner, bounds)
    if isinstance(owner, Items):
        return Items(owner.items[place], owner.is_tuple)
    if isinstance(owner, Container) and not owner.lost:
        names = list(owner.items)[place]
        return Container(owner.kind, {name: owner.items[name] for name in names})
    return LOST


def _shape_slice(owner: Shape, bounds: list[int | None]) -> Value:
    lower, upper = bounds[0], bounds[1]
    if lower is not None and lower < 0 and upper is None:
        return Items([Number(owner.tensor.dim(place)) for place in range(lower, 0)], is_tuple=True)
    return LOST


def _of_tensor(reader: Reader, frame: Frame, tensor: Tensor, node: ast.expr) -> Value:
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    dotted = next((place for place, part in enumerate(parts) if _is_ellipsis(part)), None)
    if dotted is not None:
        return _from_behind(reader, frame, tensor, parts[dotted + 1 :]) if dotted == 0 else _vague(tensor)
    if tensor.open:
        return _of_open(reader, frame, tensor, parts)
    return _front(reader, frame, tensor, parts)


def _front(reader: Reader, frame: Frame, tensor: Tensor, parts: list[ast.expr]) -> Value:
    dims: list[Size] = []
    rest = list(tensor.dims)
    for part in parts:
        if isinstance(part, ast.Constant) and part.value is None:
            dims.append(Fixed(1))
            continue
        if not rest:
            return _vague(tensor)
        dim = rest.pop(0)
        if isinstance(part, ast.Slice):
            dims.append(_cut(reader, frame, part, dim))
        elif not isinstance(reader.evaluate(frame, part), (Number, Plain)):
            dims.append(Opaque("data"))  # chosen by another tensor: as many as that has
    return Tensor((*dims, *rest), lost=tensor.lost)


def _cut(reader: Reader, frame: Frame, part: ast.Slice, dim: Size) -> Size:
    if part.lower is None and part.upper is None and part.step is None:
        return dim
    whole = Number(dim)
    bounds = [reader.evaluate(frame, bound) for bound in (part.lower, part.upper) if bound is not None]
    reader.facts.loosen(whole, *bounds)
    return Opaque("lost")


def _of_open(reader: Reader, frame: Frame, tensor: Tensor, parts: list[ast.expr]) -> Value:
    """Index a tensor of unknown rank from the front: the last dimension stays where it is not cut."""
    for part in parts:
        if not isinstance(part, ast.Slice):
            reader.evaluate(frame, part)
    if len(parts) == 3 and len(tensor.dims) <= 1:
        return _front(reader, frame, tensor.ranked(3), parts)
    if len(parts) == 4 and tensor.dims:
        return _front(reader, frame, tensor.ranked(4), parts)
    return Tensor(tensor.dims[-1:], open=True, lost=tensor.lost)


def _from_behind(reader: Reader, frame: Frame, tensor: Tensor, parts: list[ast.expr]) -> Value:
    if len(parts) > len(tensor.dims):
        return _vague(tensor)
    front = tensor.dims[: len(tensor.dims) - len(parts)]
    behind = _front(reader, frame, Tensor(tensor.dims[len(front) :]), parts)
    assert isinstance(behind, Tensor)
    return Tensor((*front, *behind.dims), tensor.open, tensor.lost)


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is Ellipsis


def _vague(tensor: Tensor) -> Tensor:
    return Tensor((), open=True, lost=True)
