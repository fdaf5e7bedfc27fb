"""Sizes as PyTorch code computes them: numbers that stand in the source, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import prod
from typing import Literal

from pushtune.model.analysis import Span, Style

Env = Mapping[Span, int]
"""The numbers that differ from the author's, by the place where they stand."""

OpaqueSource = Literal["data", "lost"]


class Term:
    """What every size can be asked. No dataclass, so that each kind of size keeps its own equality."""

    @cached_property
    def leaves(self) -> frozenset[Leaf]:
        """Every number of the source that takes part; found once, as deep models share their sizes."""
        own: frozenset[Leaf] = frozenset([self]) if isinstance(self, Leaf) else frozenset()
        return own.union(*(part.leaves for part in parts_of(self)))

    @cached_property
    def places(self) -> frozenset[Span]:
        """Where those numbers stand."""
        return frozenset(leaf.span for leaf in self.leaves)

    @cached_property
    def today(self) -> int | None:
        """The author's number, found once; None where it hangs on something that nobody knows."""
        return self.number if isinstance(self, (Leaf, Fixed, Opaque)) else _computed(self, {})


@dataclass(frozen=True)
class Leaf(Term):
    """A number that literally stands at ``span``; ``style`` and ``name`` tell how it comes to its use."""

    span: Span
    number: int
    style: Style = field(default="literal", compare=False)
    name: str = field(default="", compare=False)

    @property
    def named(self) -> bool:
        """Whether the author gave it a name."""
        return self.style != "literal"


@dataclass(frozen=True)
class Fixed(Term):
    """A number that stands nowhere in the source."""

    number: int


@dataclass(frozen=True, eq=False)
class Opaque(Term):
    """A size that comes with the data, or that reading lost track of. ``number`` where a run told it."""

    source: OpaqueSource
    number: int | None = None


@dataclass(frozen=True)
class Product(Term):
    """The product of ``factors``."""

    factors: tuple[Size, ...]


@dataclass(frozen=True)
class Sum(Term):
    """The sum of ``parts``; those in ``minus`` are subtracted."""

    parts: tuple[Size, ...]
    minus: tuple[Size, ...] = ()


@dataclass(frozen=True)
class Quotient(Term):
    """``over // under``."""

    over: Size
    under: Size


@dataclass(frozen=True)
class Window(Term):
    """What a window that slides over ``size`` leaves.

    Formula: ``(size + 2 padding - dilation (kernel - 1) - 1) // stride + 1``, as in the documentation of
    ``torch.nn.Conv2d``; rounded up where ``up`` is set (``ceil_mode``).
    """

    size: Size
    kernel: Size
    stride: Size
    padding: Size
    dilation: Size
    up: bool = False


@dataclass(frozen=True)
class Grown(Term):
    """What a transposed convolution makes of ``size``.

    Formula: ``(size - 1) stride - 2 padding + dilation (kernel - 1) + extra + 1``, as in the documentation of
    ``torch.nn.ConvTranspose2d``.
    """

    size: Size
    kernel: Size
    stride: Size
    padding: Size
    dilation: Size
    extra: Size


Size = Leaf | Fixed | Opaque | Product | Sum | Quotient | Window | Grown


def evaluate(size: Size, env: Env) -> int | None:
    """Return the number under ``env``; None where it hangs on something that nobody knows."""
    if isinstance(size, Leaf):
        return env.get(size.span, size.number)
    return size.today if size.places.isdisjoint(env) else _computed(size, env)


def _computed(size: Term, env: Env) -> int | None:
    numbers = [evaluate(part, env) for part in parts_of(size)]
    known = [number for number in numbers if number is not None]
    return _compute(size, known) if len(known) == len(numbers) else None


def _compute(size: Term, numbers: Sequence[int]) -> int | None:
    if isinstance(size, Product):
        return prod(numbers)
    if isinstance(size, Sum):
        return sum(numbers[: len(size.parts)]) - sum(numbers[len(size.parts) :])
    if isinstance(size, Quotient):
        return numbers[0] // numbers[1] if numbers[1] else None
    if isinstance(size, Window):
        side, kernel, stride, padding, dilation = numbers
        reach = side + 2 * padding - dilation * (kernel - 1) - 1
        return None if not stride else (-(-reach // stride) if size.up else reach // stride) + 1
    side, kernel, stride, padding, dilation, extra = numbers
    return (side - 1) * stride - 2 * padding + dilation * (kernel - 1) + extra + 1


def parts_of(size: Term) -> tuple[Size, ...]:
    """Return what ``size`` is computed from, in the order of its fields."""
    if isinstance(size, Product):
        return size.factors
    if isinstance(size, Sum):
        return (*size.parts, *size.minus)
    if isinstance(size, Quotient):
        return (size.over, size.under)
    if isinstance(size, Window):
        return (size.size, size.kernel, size.stride, size.padding, size.dilation)
    if isinstance(size, Grown):
        return (size.size, size.kernel, size.stride, size.padding, size.dilation, size.extra)
    return ()


def walk(size: Size) -> Iterator[Size]:
    """Yield ``size`` and all that it is computed from."""
    yield size
    for part in parts_of(size):
        yield from walk(part)


def leaves(size: Size) -> frozenset[Leaf]:
    """Return every number of the source that takes part in ``size``."""
    return size.leaves


def opaques(size: Size) -> tuple[Opaque, ...]:
    """Return every part of ``size`` that reading cannot tell."""
    return tuple(part for part in walk(size) if isinstance(part, Opaque))


def ratio(size: Size, env: Env) -> Fraction | None:
    """Return how many times the author's size it is under ``env``; None where that cannot be told.

    What nobody knows is the same before and after as long as nothing that it hangs on changes.
    """
    if size.places.isdisjoint(env):
        return Fraction(1)
    before, after = evaluate(size, {}), evaluate(size, env)
    if before and after is not None:
        return Fraction(after, before)
    if isinstance(size, Product):
        ratios = [ratio(factor, env) for factor in size.factors]
        told = [one for one in ratios if one is not None]
        return prod(told, start=Fraction(1)) if len(told) == len(ratios) else None
    if isinstance(size, Quotient):
        over, under = ratio(size.over, env), ratio(size.under, env)
        return over / under if over is not None and under else None
    return None


def product(sizes: Sequence[Size]) -> Size:
    """Return the product, flat and without ones."""
    flat: list[Size] = []
    for size in sizes:
        flat += size.factors if isinstance(size, Product) else [size]
    factors = tuple(size for size in flat if size != Fixed(1))
    return factors[0] if len(factors) == 1 else Product(factors) if factors else Fixed(1)


def quotient(over: Sequence[Size], under: Sequence[Size]) -> Size:
    """Return the product of ``over`` divided by that of ``under``, what stands in both cut out."""
    top, bottom = factors_of(product(over)), factors_of(product(under))
    for factor in list(bottom):
        if factor in top:
            top.remove(factor)
            bottom.remove(factor)
    if not bottom:
        return product(top)
    return Quotient(product(top), product(bottom))


def factors_of(size: Size) -> list[Size]:
    """Return the factors of a product; any other size is its own only factor."""
    return list(size.factors) if isinstance(size, Product) else [size]
