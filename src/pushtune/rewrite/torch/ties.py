"""Which numbers of a PyTorch script are one width, which follow from others, and which must stay."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from pushtune.errors import InfeasibleError
from pushtune.model.analysis import Span
from pushtune.rewrite.torch.facts import Facts
from pushtune.rewrite.torch.sizes import Env, Size, evaluate, leaves, ratio
from pushtune.rewrite.torch.solving import Derived, Solver, spans_of

Places = Mapping[Span, Sequence[int]]
"""For the place of a number, which of several statements about sizes speak of it."""


@dataclass(frozen=True, eq=False)
class Ties:
    """What is known of the sizes of all models of a program. Empty where there is none."""

    facts: Facts
    solver: Solver

    @property
    def networks(self) -> Set[ast.ClassDef]:
        """The classes of models that were read."""
        return self.facts.networks

    @cached_property
    def followed(self) -> frozenset[Span]:
        """Every number that a layer was given."""
        sizes = [
            value.size
            for layers in self.facts.made.values()
            for layer in layers
            for held in layer.arguments.values()
            for value in (held.items if hasattr(held, "items") and isinstance(held.items, list) else [held])
            if hasattr(value, "size")
        ]
        return frozenset(spans_of(sizes))

    @cached_property
    def named(self) -> frozenset[Span]:
        """Numbers that reach layers under a name."""
        found: set[Span] = set()
        for equation in self.facts.equations:
            found |= {x.span for x in leaves(equation.declared) | leaves(equation.flow) if x.named}
        found |= {
            leaf.span for leaf in (*self.facts.widths, *self.facts.consumed, *self.facts.loose) if leaf.named
        }
        return frozenset(found)

    def spans(self, span: Span) -> tuple[Span, ...]:
        """Return every place that holds the same number as ``span``."""
        return self._groups.get(span, (span,))

    @cached_property
    def _groups(self) -> dict[Span, tuple[Span, ...]]:
        """The places of each number that stands at several, by each of them."""
        groups: dict[Span, list[Span]] = {}
        for span in sorted(self.solver.parents):
            groups.setdefault(self.solver.root(span), []).append(span)
        return {span: tuple(members) for members in groups.values() for span in members}

    @cached_property
    def _computed(self) -> frozenset[Span]:
        """The places of numbers that follow from others."""
        return frozenset(one.span for one in self.solver.derived)

    @cached_property
    def _hanging(self) -> dict[Span, list[Derived]]:
        """What follows at once from the number at a place."""
        hanging: dict[Span, list[Derived]] = {}
        for one in self.solver.derived:
            for leaf in leaves(one.size):
                hanging.setdefault(leaf.span, []).append(one)
        return hanging

    def is_frozen(self, span: Span) -> bool:
        """Whether the number belongs to the data or the task, or follows from others."""
        members = set(self.spans(span))
        return bool(members & self.solver.frozen) or bool(members & self._computed)

    def is_loose(self, span: Span) -> bool:
        """Whether something hangs on the number that reading could not follow."""
        return bool(set(self.spans(span)) & self.solver.loose)

    def is_consumed_by_name(self, span: Span) -> bool:
        """Whether a layer takes the same named number in again."""
        members = set(self.spans(span)) & self.named
        return bool(members & self._consumed)

    @cached_property
    def _consumed(self) -> frozenset[Span]:
        return frozenset(leaf.span for leaf in self.facts.consumed)

    def followers(self, span: Span) -> tuple[Derived, ...]:
        """Return the numbers that change when the one at ``span`` does, in source order."""
        changed = set(self.spans(span))
        found: dict[Span, Derived] = {}
        pending = list(self.spans(span))
        while pending:
            for one in self._hanging.get(pending.pop(), ()):
                fresh = [member for member in self.spans(one.span) if member not in changed]
                found |= {member: Derived(member, one.number, one.size, one.owner) for member in fresh}
                changed.update(fresh)
                pending += fresh
        return tuple(found[span] for span in sorted(found))

    def owners(self, span: Span) -> Iterator[str]:
        """Yield the names of the arguments that hold the number or follow from it."""
        for member in (*self.spans(span), *(one.span for one in self.followers(span))):
            yield from self.solver.owners.get(member, ())

    def settle(self, values: Mapping[Span, int]) -> dict[Span, int]:
        """Return ``values``, the same number at every place of a group, with all that follows from them.

        Raises ``InfeasibleError`` where a number that follows is none, or cannot be told.
        """
        env = {member: number for span, number in values.items() for member in self.spans(span)}
        for _ in range(len(self.solver.derived) + 1):
            before = dict(env)
            for one in self.solver.derived:
                env.update(self._follow(one, env))
            if env == before:
                return env
        raise InfeasibleError("the sizes of the layers hang on one another in a circle")

    def _follow(self, one: Derived, env: Env) -> dict[Span, int]:
        if one.size.places.isdisjoint(env):
            return {}
        times = ratio(one.size, env)
        if times is None or (one.number * times).denominator != 1 or one.number * times < 0:
            line = f"{one.span.file} line {one.span.line}"
            raise InfeasibleError(f"{line}: the size {one.number} cannot be computed for these values")
        return {member: int(one.number * times) for member in self.spans(one.span)}

    def verdict(self, values: Mapping[Span, int]) -> bool | None:
        """Return whether every layer still fits under ``values``; None where only a run can tell."""
        if self._moves_what_must_stay(values):
            return False
        try:
            env = self.settle(values)
        except InfeasibleError:
            return None if self._hangs_on_shapes(values) else False
        unsure = False
        for fits in (*self._checked(env), *self._windows(env), *self._divided(env)):
            if fits is False:
                return False
            unsure = unsure or fits is None
        return None if unsure else True

    def _moves_what_must_stay(self, values: Mapping[Span, int]) -> bool:
        """Whether a size of the data or the task would follow: ``view(-1, 1)`` behind an output."""
        return any(one.span in self.solver.frozen for span in values for one in self.followers(span))

    def _hangs_on_shapes(self, values: Mapping[Span, int]) -> bool:
        """Whether something that follows needs a size that a run would tell."""
        changed = {member for span in values for member in self.spans(span)}
        return any(
            changed & set(spans_of([one.size])) and evaluate(one.size, {}) is None
            for one in self.solver.derived
        )

    def _checked(self, env: Env) -> Iterator[bool | None]:
        for place in _touched(self._check_places, env):
            declared, flow = self.solver.checks[place]
            one, other = ratio(declared, env), ratio(flow, env)
            yield None if one is None or other is None else one == other

    def _windows(self, env: Env) -> Iterator[bool | None]:
        for place in _touched(self._window_places, env):
            number = evaluate(self.facts.windows[place], env)
            yield None if number is None else number >= 1

    def _divided(self, env: Env) -> Iterator[bool | None]:
        for place in _touched(self._divisor_places, env):
            divisor = self.facts.divisors[place]
            size, by = evaluate(divisor.size, env), evaluate(divisor.by, env)
            if size is not None and by:
                yield size % by == 0

    @cached_property
    def _check_places(self) -> Places:
        return _places(self.solver.checks)

    @cached_property
    def _window_places(self) -> Places:
        return _places((window,) for window in self.facts.windows)

    @cached_property
    def _divisor_places(self) -> Places:
        return _places((divisor.size, divisor.by) for divisor in self.facts.divisors)

    def mistakes(self) -> frozenset[str]:
        """Return where the numbers, as they stand, do not fit together."""
        windows = (window for window in self.facts.windows if (evaluate(window, {}) or 1) < 1)
        divided = (
            one for one in self.facts.divisors
            if (evaluate(one.size, {}) or 0) % (evaluate(one.by, {}) or 1)
        )  # fmt: skip
        found = set(self.solver.mistaken)
        found |= {"window" for _ in windows} | {"division" for _ in divided}
        return frozenset(found)


def _places(statements: Iterable[Sequence[Size]]) -> Places:
    """Index statements by the numbers in them: a deep model makes hundreds, one value touches few."""
    places: dict[Span, list[int]] = {}
    for place, sizes in enumerate(statements):
        for span in set(spans_of(sizes)):
            places.setdefault(span, []).append(place)
    return places


def _touched(places: Places, env: Env) -> list[int]:
    """Return which statements speak of a number that ``env`` changes, in their order."""
    return sorted({place for span in env for place in places.get(span, ())})


def refuse_mistaken(before: Ties, after: Ties) -> None:
    """Raise ``InfeasibleError`` if layers fit together in the author's script that no longer do."""
    broken = after.mistakes() - before.mistakes()
    if broken:
        raise InfeasibleError(f"the layers no longer fit together: {', '.join(sorted(broken))}")
