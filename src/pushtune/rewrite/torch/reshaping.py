"""``view`` and ``reshape``: which dimensions are merged, split or kept, and what must then be equal."""

from __future__ import annotations

from collections.abc import Sequence

from pushtune.rewrite.torch.facts import Facts
from pushtune.rewrite.torch.sizes import Opaque, Size, evaluate, product, quotient
from pushtune.rewrite.torch.values import Tensor

OWNER = "view"


def reshape(facts: Facts, tensor: Tensor, sizes: Sequence[Size | None]) -> Tensor:
    """Return ``tensor`` with the dimensions ``sizes`` (None: not known, -1: what is left)."""
    numbers = [None if size is None else evaluate(size, {}) for size in sizes]
    left = [place for place, number in enumerate(numbers) if number == -1]
    told = tuple(Opaque("lost") if size is None else size for size in sizes)
    if tensor.open or len(left) > 1:
        return _open(facts, tensor, told, left)
    if not left:
        facts.equal(product(told), product(tensor.dims), OWNER)
        return Tensor(told, lost=tensor.lost)
    if left == [0] and len(told) > 1:
        return _batch_left(facts, tensor, told)
    return _rest_left(facts, tensor, told, left[0])


def _open(facts: Facts, tensor: Tensor, told: tuple[Size, ...], left: Sequence[int]) -> Tensor:
    """Reshape a tensor of which only the last dimensions are known, if any."""
    if not tensor.dims and not tensor.lost:
        return Tensor(tuple(_from_data(facts, place, size, left) for place, size in enumerate(told)))
    if left != [len(told) - 1] and told and tensor.dims and _same(told[-1], tensor.dims[-1]):
        facts.equal(told[-1], tensor.dims[-1], OWNER)
        return Tensor(tuple(Opaque("lost") if place in left else size for place, size in enumerate(told)))
    facts.loosen(tensor, *told)
    return Tensor(
        tuple(Opaque("lost") if place in left else size for place, size in enumerate(told)), lost=True
    )


def _from_data(facts: Facts, place: int, size: Size, left: Sequence[int]) -> Size:
    """Return a dimension into which the data is brought: its number is the data's own."""
    if place in left:
        return Opaque("data")
    found = Opaque("data", evaluate(size, {}))
    facts.equal(size, found, OWNER)
    return found


def _same(one: Size, other: Size) -> bool:
    number = evaluate(one, {})
    return number is not None and number == evaluate(other, {})


def _batch_left(facts: Facts, tensor: Tensor, told: tuple[Size, ...]) -> Tensor:
    """Reshape with ``-1`` in front: what is told must be the last dimensions, as many as fit by number."""
    wanted = product(told[1:])
    number = evaluate(wanted, {})
    for first in range(1, len(tensor.dims)):
        if evaluate(product(tensor.dims[first:]), {}) == number and number is not None:
            facts.equal(wanted, product(tensor.dims[first:]), OWNER)
            return Tensor((product(tensor.dims[:first]), *told[1:]), lost=tensor.lost)
    facts.equal(wanted, product(tensor.dims[1:]), OWNER)
    return Tensor((tensor.dim(0), *told[1:]), lost=tensor.lost)


def _rest_left(facts: Facts, tensor: Tensor, told: tuple[Size, ...], place: int) -> Tensor:
    """Reshape with one ``-1`` elsewhere. A first size that nobody knows is that of the batch."""
    dims = tensor.dims
    first = told[0]
    if place > 0 and first != dims[0] and (isinstance(first, Opaque) or evaluate(dims[0], {}) is None):
        told = (dims[0], *told[1:])
    others = [size for number, size in enumerate(told) if number != place]
    rest = quotient(dims, others)
    return Tensor((*told[:place], rest, *told[place + 1 :]), lost=tensor.lost)
