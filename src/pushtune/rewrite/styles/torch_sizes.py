"""Widths, depths and kernels of PyTorch layers, each with every number that must change with it.

What belongs together is read by ``pushtune.rewrite.torch``; here it becomes knobs, where it is safe.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import gcd, lcm

from pushtune.errors import InfeasibleError
from pushtune.model.analysis import Caution, Edit, Knob, Move, Span
from pushtune.model.space import Domain, Parameter, Value
from pushtune.rewrite.base import Change, Context
from pushtune.rewrite.catalogue import Argument, CallableEntry, grow
from pushtune.rewrite.meanings import Reading
from pushtune.rewrite.styles.text import replacement
from pushtune.rewrite.survey import Survey
from pushtune.rewrite.torch import Ties
from pushtune.rewrite.torch.sizes import Leaf, evaluate
from pushtune.rewrite.torch.values import Number
from pushtune.rewrite.uses import Target, Use, uses_of
from pushtune.source import Module, Program
from pushtune.source.tracing import Origin

SIZED = ("units", "filters", "embedding_dim", "heads", "depth", "kernel_size")
"""Roles of arguments on which shapes hang."""

_MULTIPLES = (2, 4, 8, 16, 32, 64)


def is_sized(target: Target, argument: Argument) -> bool:
    """Whether a layer's shape, or that of its neighbours, hangs on the argument."""
    entry = target.entry
    return entry.framework == "torch" and entry.group == "layer" and argument.role in SIZED


@dataclass(frozen=True, eq=False)
class Group:
    """The uses of one number, and every place that holds it. ``spans`` begin with the knob's own."""

    uses: tuple[Use, ...]
    spans: tuple[Span, ...]
    direct: tuple[Span, ...]

    @property
    def number(self) -> int:
        """The author's number."""
        value = self.uses[0].origin.value
        assert isinstance(value, int)
        return value

    @property
    def roles(self) -> tuple[str, ...]:
        """All roles that the number plays."""
        return tuple(dict.fromkeys(use.role for use in self.uses))

    @property
    def named(self) -> bool:
        """Whether the author gave the number a name."""
        return any(use.origin.style != "literal" for use in self.uses)


@dataclass(frozen=True, eq=False)
class SizesSite:
    """All sizes of a script's PyTorch models: they hang together, so that they are written together."""

    program: Program
    ties: Ties
    sized: tuple[tuple[Parameter, Knob, tuple[Reading, ...], tuple[Span, ...]], ...]

    @property
    def readings(self) -> Mapping[str, tuple[Reading, ...]]:
        """Which arguments of which calls read each size."""
        return {parameter.name: readings for parameter, _, readings, _ in self.sized}

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """One dimension a size."""
        return tuple(parameter for parameter, _, _, _ in self.sized)

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """The sizes themselves."""
        return tuple(knob for _, knob, _, _ in self.sized)

    @property
    def moves(self) -> tuple[Move, ...]:
        """No structure."""
        return ()

    def changes(self, values: Mapping[str, Value]) -> Iterator[Change]:
        """Write the new sizes and all that follow. Raises ``InfeasibleError`` where layers would not fit."""
        wanted = {
            span: value
            for parameter, _, _, direct in self.sized
            for span in direct
            if isinstance(value := values.get(parameter.name), int)
        }
        env = self.ties.settle(wanted)
        if self.ties.verdict(wanted) is False:
            raise InfeasibleError("the layers' sizes would not fit together")
        for span, number in env.items():
            source = self.program.module(span.file).source
            yield Edit(span, replacement(source, span, number, Domain("int", number, number)))


@dataclass(eq=False)
class _Finder:
    survey: Survey
    names: dict[str, int] = field(default_factory=dict)
    left_out: list[tuple[Use, str]] = field(default_factory=list)

    @property
    def context(self) -> Context:
        return self.survey.context

    @property
    def ties(self) -> Ties:
        return self.survey.context.ties

    def sites(self) -> Iterator[SizesSite]:
        """Yield the one site that there is, if any size may change."""
        groups = [group for group in self.groups() if self.may_change(group)]
        sized = [one for group in groups if (one := self.sized(group)) is not None]
        if sized:
            sized.sort(key=lambda one: self._place(one[1].spans[0]))
            yield SizesSite(self.context.program, self.ties, tuple(sized))

    @cached_property
    def heads(self) -> frozenset[Span]:
        """Every place that holds a number of heads which may itself be searched."""
        uses = (use for use in sized_uses(self.survey) if use.role == "heads")
        return frozenset(span for use in uses for span in use.origin.spans)

    def _place(self, span: Span) -> tuple[int, Span]:
        program = self.context.program
        return [module.path for module in (*program.modules, *program.documents)].index(span.file), span

    def groups(self) -> Iterator[Group]:
        """Yield the uses of each number together, whatever names and places bring it."""
        found: dict[tuple[Span, ...], list[Use]] = {}
        for use in sized_uses(self.survey):
            if _is_number(use.origin.value):
                places = {one for span in use.origin.spans for one in self.ties.spans(span)}
                found.setdefault(tuple(sorted(places)), []).append(use)
        for members, uses in found.items():
            first = next((use for use in uses if use.origin.style != "literal"), uses[0])
            own = first.origin.spans
            more = [span for span in members if span not in own]
            followers = [one.span for span in members for one in self.ties.followers(span)]
            spans = tuple(dict.fromkeys((*own, *more, *sorted(followers))))
            ordered = (first, *(use for use in uses if use is not first))
            yield Group(ordered, spans, tuple(members))

    def may_change(self, group: Group) -> bool:
        """Whether the number is the search's to set, and all that hangs on it is known."""
        if group.number == 1 and "depth" not in group.roles:
            return False  # a width of one is an answer, one head or one pixel no choice of size
        if any(use.origin.choices for use in group.uses):
            return False  # what else must change may not be among the option's choices
        frozen = self.survey.frozen
        if any(span in frozen or self.ties.is_frozen(span) for span in group.direct):
            return False
        known = all(span in self.ties.followed for use in group.uses for span in use.origin.spans)
        if known and not any(self.ties.is_loose(span) for span in group.direct):
            return True
        taken_in = any(self.ties.is_consumed_by_name(span) for span in group.direct)
        built = any(role in group.roles for role in ("depth", "heads"))
        free = group.named and "kernel_size" not in group.roles and (taken_in or built)
        if not free:
            self.left_out.append((group.uses[0], "what else must change with it cannot be told"))
        return free

    def sized(self, group: Group) -> tuple[Parameter, Knob, tuple[Reading, ...], tuple[Span, ...]] | None:
        """Return the number as a knob with the values that fit; None if only the author's fits."""
        domain, sure = self.domain(group)
        if domain is None or (not sure and self.context.observed is not None and not group.named):
            return None
        use = group.uses[0]
        origin = use.origin
        base = origin.name if origin.style != "literal" and origin.name else use.name
        self.names[base] = self.names.get(base, 0) + 1
        name = base if self.names[base] == 1 else f"{base}_{self.names[base]}"
        span = origin.spans[0]
        owners = [one.name for one in group.uses]
        owners += [owner for span in group.direct for owner in self.ties.owners(span)]
        tied = tuple(dict.fromkeys(owners))
        certain = sure and all(one.origin.certain for one in group.uses)
        condition = self.survey.condition((one.module, one.node) for one in group.uses)
        knob = Knob(
            name, use.role, span.file, span.line, group.number, origin.style, domain, group.spans,
            tied if len(tied) > 1 else (), certain,
        )  # fmt: skip
        parameter = Parameter(name, use.role, domain, group.number, condition)
        readings = tuple(Reading(one.target, one.argument) for one in group.uses)
        return parameter, knob, readings, group.direct

    def domain(self, group: Group) -> tuple[Domain | None, bool]:
        """Return the values that fit, and whether that is sure without a run."""
        if "kernel_size" in group.roles:
            return self._kernels(group)
        growths = self.context.catalogue.growths
        domains = [grow(growths[role], group.number) for role in group.roles]
        if (
            any(domain is None for domain in domains)
            or len({domain and domain.type for domain in domains}) > 1
        ):
            return None, True
        domain = domains[0]
        assert domain is not None
        if domain.type == "categorical":
            return self._fitting(group, domain)
        low = max(int(one.low or 1) for one in domains if one is not None)
        high = min(int(one.high or 1) for one in domains if one is not None)
        return self._range(group, Domain("int", min(low, group.number), max(high, group.number), domain.log))

    def _range(self, group: Group, domain: Domain) -> tuple[Domain | None, bool]:
        assert domain.low is not None
        assert domain.high is not None
        low, high, number = int(domain.low), int(domain.high), group.number
        by = self._must_divide(group)
        if by == 1:
            tried = {low, number - 1, number + 1, 2 * number, (low + high) // 2, high}
            verdicts = [self.verdict(group, one) for one in sorted(tried) if low <= one <= high]
            if False not in verdicts:
                return domain, None not in verdicts
        for step in (by, *(lcm(by, two) for two in _MULTIPLES if number % lcm(by, two) == 0)):
            found, sure = self._fitting(
                group, Domain("categorical", choices=_multiples(step, low, high, number))
            )
            if found is not None and step > 1 and len(found.choices) > 2:
                return found, sure
        self.left_out.append((group.uses[0], "other sizes would not fit the layers around it"))
        return None, True

    def _fitting(self, group: Group, domain: Domain) -> tuple[Domain | None, bool]:
        """Keep the choices that fit; heads must divide the width that they share."""
        if "heads" in group.roles:
            width = self._shared_width(group)
            domain = Domain(
                "categorical",
                choices=tuple(c for c in domain.choices if isinstance(c, int) and width % c == 0),
            )
        verdicts = {
            choice: True if choice == group.number else self.verdict(group, choice)
            for choice in domain.choices
            if isinstance(choice, int)
        }
        kept = tuple(choice for choice, fits in verdicts.items() if fits is not False)
        sure = all(verdicts[choice] for choice in kept)
        if len(kept) < 2:
            return None, True
        return Domain("categorical", choices=kept), sure

    def _kernels(self, group: Group) -> tuple[Domain | None, bool]:
        if group.number == 1 or group.roles != ("kernel_size",):
            return None, True  # a pointwise convolution is a projection, not a choice of size
        domain = grow(self.context.catalogue.growths["kernel_size"], group.number)
        assert domain is not None
        found, sure = self._fitting(group, domain)
        if found is None or (not sure and self.context.observed is not None):
            self.left_out.append((group.uses[0], "the sizes behind it would not fit"))
            return None, True
        return found, sure

    def verdict(self, group: Group, number: Value) -> bool | None:
        """Return whether everything fits with this number; None where only a run can tell."""
        assert isinstance(number, int)
        return self.ties.verdict(dict.fromkeys(group.direct, number))

    def _must_divide(self, group: Group) -> int:
        """Return what the number must be a multiple of, whatever the number of heads becomes."""
        step = 1
        for divisor in self.ties.facts.divisors:
            if isinstance(divisor.size, Leaf) and divisor.size.span in group.direct:
                by = evaluate(divisor.by, {}) or 1
                step = lcm(step, *self._heads(divisor.by, by, group.number))
        return step

    def _heads(self, by: object, number: int, width: int) -> list[int]:
        growth = grow(self.context.catalogue.growths["heads"], number)
        searched = isinstance(by, Leaf) and by.span in self.heads
        offered = growth.choices if searched and growth is not None else ()
        return [number, *(one for one in offered if isinstance(one, int) and width % one == 0)]

    def _shared_width(self, group: Group) -> int:
        """Return the greatest number that divides every width that these heads share."""
        widths = [
            evaluate(divisor.size, {}) or 0
            for divisor in self.ties.facts.divisors
            if isinstance(divisor.by, Leaf) and divisor.by.span in group.direct
        ]
        return gcd(*widths) if widths else 0


def sized_uses(survey: Survey) -> Iterator[Use]:
    """Yield where the sizes of layers stand, by tracing and by reading how the models are made."""
    for target in survey.targets:
        seen: set[tuple[str, Span]] = set()
        for use in uses_of(survey.context, target):
            if is_sized(target, use.argument):
                seen.update((use.argument.name, span) for span in use.origin.spans)
                yield use
        for use in _read_uses(survey, target):
            if (use.argument.name, use.origin.spans[0]) not in seen:
                seen.add((use.argument.name, use.origin.spans[0]))
                yield use
    yield from _structural_uses(survey)


def _read_uses(survey: Survey, target: Target) -> Iterator[Use]:
    """Yield what the layers that the call makes are given, however it came there."""
    for layer in survey.context.ties.facts.made.get(target.call, ()):
        for argument in target.entry.arguments:
            held = layer.arguments.get(argument.name)
            if is_sized(target, argument) and isinstance(held, Number) and isinstance(held.size, Leaf):
                leaf = held.size
                origin = Origin(leaf.style, leaf.name, leaf.number, (leaf.span,))
                yield Use(target, argument, origin, target.module, target.call)


def _structural_uses(survey: Survey) -> Iterator[Use]:
    """Yield named numbers that no layer is given, but that say how it is built: how deep, how many heads."""
    facts = survey.context.ties.facts
    for leaf, (module, call) in facts.repeats.items():
        yield _structural(module, call, leaf, Argument("repeats", "depth"))
    layers = [layer for made in facts.made.values() for layer in made]
    named = {divisor.by for divisor in facts.divisors if isinstance(divisor.by, Leaf) and divisor.by.named}
    for leaf in sorted(named, key=lambda one: one.span) if layers else ():
        if "head" in leaf.name.lower():
            yield _structural(layers[0].module, layers[0].call, leaf, Argument("heads", "heads"))


def _structural(module: Module, call: ast.Call, leaf: Leaf, argument: Argument) -> Use:
    entry = CallableEntry("torch.nn.Module", "torch", "layer", (argument,))
    origin = Origin(leaf.style, leaf.name, leaf.number, (leaf.span,))
    return Use(Target(module, call, entry, "model", False), argument, origin, module, call)


def _is_number(value: Value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _multiples(step: int, low: int, high: int, number: int) -> tuple[Value, ...]:
    """Return multiples of ``step`` between the bounds, growing by about a half each, and ``number``."""
    found = {number}
    size = float(max(low, step))
    while size <= high:
        found.add(max(step, round(size / step) * step))
        size *= 2**0.5
    return tuple(sorted(one for one in found if one <= max(high, number)))


def find(survey: Survey) -> Iterator[SizesSite]:
    """Yield the sizes of PyTorch layers."""
    yield from _Finder(survey).sites()


def claimed(survey: Survey) -> frozenset[Span]:
    """Return every place that a size of a PyTorch layer takes, offered or not."""
    return frozenset(span for use in sized_uses(survey) for span in use.origin.spans)


def cautions(survey: Survey) -> Iterator[Caution]:
    """Yield which sizes are left as they are, and why, where somebody might wonder."""
    finder = _Finder(survey)
    list(finder.sites())
    said: dict[str, list[Use]] = {}
    for use, why in finder.left_out:
        said.setdefault(why, []).append(use)
    for why, uses in said.items():
        names = ", ".join(dict.fromkeys(f"{use.name} ({use.origin.value})" for use in uses))
        yield Caution("sizes-kept", uses[0].origin.spans[0].line, f"{names}: stays as it is, as {why}")
