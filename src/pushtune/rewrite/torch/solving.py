"""From equations between sizes to groups of numbers that are one, and numbers that follow from others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pushtune.model.analysis import Span
from pushtune.rewrite.torch.facts import Equation, Facts
from pushtune.rewrite.torch.sizes import (
    Fixed,
    Leaf,
    Opaque,
    Quotient,
    Size,
    evaluate,
    factors_of,
    leaves,
    product,
)


@dataclass(frozen=True)
class Derived:
    """The number at ``span``, ``number`` today, is always that of ``size``."""

    span: Span
    number: int
    size: Size
    owner: str


@dataclass(eq=False)
class Solver:
    """Works through the equations. ``frozen`` belongs to data or task, ``loose`` is not understood."""

    facts: Facts
    parents: dict[Span, Span] = field(default_factory=dict)
    owners: dict[Span, list[str]] = field(default_factory=dict)
    derived: list[Derived] = field(default_factory=list)
    checks: list[tuple[Size, Size]] = field(default_factory=list)
    frozen: set[Span] = field(default_factory=set)
    loose: set[Span] = field(default_factory=set)
    mistaken: set[str] = field(default_factory=set)

    def solve(self) -> None:
        """Read all equations; what they say stands in the fields."""
        self.loose |= {leaf.span for leaf in self.facts.loose}
        self.frozen |= {leaf.span for leaf in self.facts.outputs}
        for pad, kernel in self.facts.pads.items():
            self._derive(pad, Quotient(kernel, Fixed(2)), "padding")
        pending = list(self.facts.equations)
        # What is plainly the same goes first, so that products can be compared by what is known to be one.
        pending.sort(key=lambda e: not (isinstance(e.declared, Leaf) and isinstance(e.flow, Leaf)))
        for equation in pending:
            self._note(equation)
            self.equate(equation.declared, equation.flow, equation.owner)
        consumed = {self.root(leaf.span) for leaf in self.facts.consumed}
        self.frozen |= {leaf.span for leaf in self.facts.side_outputs if self.root(leaf.span) not in consumed}

    def root(self, span: Span) -> Span:
        """Return the place that stands for all places that hold one number."""
        while self.parents.get(span, span) != span:
            span = self.parents[span]
        return span

    def equate(self, declared: Size, flow: Size, owner: str) -> None:
        """Note what must hold so that both sizes stay equal."""
        if self._same(declared, flow):
            return
        if self._unknown(declared, flow) or self._contradicts(declared, flow, owner):
            return
        if isinstance(declared, Leaf) and isinstance(flow, Leaf):
            self.parents.setdefault(declared.span, declared.span)
            self.parents.setdefault(flow.span, flow.span)
            self.parents[self.root(declared.span)] = self.root(flow.span)
        elif isinstance(declared, Fixed) or isinstance(flow, Fixed):
            if isinstance(declared, Leaf) or isinstance(flow, Leaf):
                self.frozen |= {leaf.span for leaf in leaves(declared) | leaves(flow)}
            else:
                self.checks.append((declared, flow))
        elif isinstance(declared, Leaf):
            self._derive(declared, flow, owner)
        elif isinstance(flow, Leaf):
            self._derive(flow, declared, owner)
        else:
            self._align(declared, flow, owner)

    def _note(self, equation: Equation) -> None:
        for leaf in leaves(equation.declared):
            self.owners.setdefault(leaf.span, []).append(equation.owner)

    def _same(self, one: Size, other: Size) -> bool:
        if isinstance(one, Leaf) and isinstance(other, Leaf):
            return self.root(one.span) == self.root(other.span)
        return one == other

    def _unknown(self, declared: Size, flow: Size) -> bool:
        """Deal with a side of which nothing is known: the data's own size, or one that was lost."""
        for side, other in ((flow, declared), (declared, flow)):
            if isinstance(side, Opaque):
                spans = {leaf.span for leaf in leaves(other)}
                if side.source == "data" and side is flow:
                    self.frozen |= spans
                else:
                    self.loose |= spans
                return True
        return False

    def _contradicts(self, declared: Size, flow: Size, owner: str) -> bool:
        """Whether the author's own numbers do not agree: then the code was not understood."""
        one, other = evaluate(declared, {}), evaluate(flow, {})
        if one is None or other is None or one == other:
            return False
        self.mistaken.add(owner)
        self.loose |= {leaf.span for leaf in leaves(declared) | leaves(flow)}
        self.frozen |= {leaf.span for leaf in leaves(declared) | leaves(flow) if not leaf.named}
        return True

    def _derive(self, leaf: Leaf, size: Size, owner: str) -> None:
        if leaf in leaves(size):
            self.checks.append((leaf, size))
        else:
            self.derived.append(Derived(leaf.span, leaf.number, size, owner))

    def _align(self, declared: Size, flow: Size, owner: str) -> None:
        """Pair the factors of two products: those already one, then those of one number, in order."""
        left, right = factors_of(declared), factors_of(flow)
        pairs: list[tuple[Size, Size]] = []
        for fits in (self._same, _alike):
            for factor in list(right):
                partner = next((one for one in left if fits(one, factor)), None)
                if partner is not None and (fits is self._same or leaves(factor)):
                    left.remove(partner)
                    right.remove(factor)
                    pairs.append((partner, factor))
        if len(left) == len(right) or (len(left) == 1 and right) or (len(right) == 1 and left):
            even = len(left) == len(right)
            pairs += zip(left, right, strict=True) if even else [(product(left), product(right))]
            for one, other in pairs:
                if len(factors_of(one)) > 1 and len(factors_of(other)) > 1:
                    self.checks.append((one, other))
                elif not self._both_composite(one, other):
                    self.equate(one, other, owner)
        else:
            self.checks.append((declared, flow))

    def _both_composite(self, one: Size, other: Size) -> bool:
        composite = not isinstance(one, (Leaf, Fixed, Opaque)) and not isinstance(
            other, (Leaf, Fixed, Opaque)
        )
        if composite and not self._same(one, other):
            self.checks.append((one, other))
        return composite


def _alike(one: Size, other: Size) -> bool:
    number = evaluate(one, {})
    return number is not None and number == evaluate(other, {})


def spans_of(sizes: Iterable[Size]) -> Iterator[Span]:
    """Yield the place of every number that takes part in ``sizes``."""
    for size in sizes:
        yield from size.places
