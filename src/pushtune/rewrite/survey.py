"""What the finders of values share: catalogued calls, frozen places, and when a place matters."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass

from pushtune.model.analysis import Span
from pushtune.model.space import Condition, Domain, Value
from pushtune.rewrite.base import Context
from pushtune.rewrite.boosting import rounds_domain
from pushtune.rewrite.catalogue import grow
from pushtune.rewrite.epochs import budget_role, epochs_domain
from pushtune.rewrite.frozen import frozen_spans
from pushtune.rewrite.searches import Searches, read_searches
from pushtune.rewrite.uses import Target, find_targets
from pushtune.source import Module


@dataclass(frozen=True, eq=False)
class Region:
    """A piece of source that matters only under ``condition``: an optimizer that may be swapped."""

    module: Module
    node: ast.expr
    kept: tuple[ast.expr, ...]
    condition: Condition

    def holds(self, module: Module, node: ast.AST) -> bool:
        """Whether ``node`` lies in the region, and in no part that stays whatever is swapped."""
        around = (node, *module.around(node))
        return module is self.module and self.node in around and not any(part in around for part in self.kept)


@dataclass(frozen=True, eq=False)
class Survey:
    """The program as the finders of values see it."""

    context: Context
    targets: tuple[Target, ...]
    frozen: frozenset[Span]
    regions: tuple[Region, ...]
    epochs_tunable: bool
    searches: Searches
    budget: str = "epochs"

    def role(self, role: str) -> str:
        """Return the role in the search: what says how long is trained is the budget, ``epochs``."""
        return "epochs" if role == self.budget else role

    def domain(self, role: str, value: Value) -> Domain | None:
        """Return the values that suit a role, around the author's; None if there are none."""
        if role == "rounds" and role == self.budget:
            return rounds_domain(value) if self.epochs_tunable else None
        if role == "epochs":
            return epochs_domain(value) if self.epochs_tunable else None
        return grow(self.context.catalogue.growths[role], value)

    def condition(self, nodes: Iterable[tuple[Module, ast.AST]]) -> Condition | None:
        """Return under which condition a value matters that only ``nodes`` use."""
        nodes = list(nodes)
        for region in self.regions:
            if all(region.holds(module, node) for module, node in nodes):
                return region.condition
        return None


def take_survey(context: Context, regions: Iterable[Region], *, epochs_tunable: bool) -> Survey:
    """Look at every catalogued call of the program."""
    targets = tuple(target for target in find_targets(context) if _trains(context, target))
    frozen = frozen_spans(context, targets)
    searches = read_searches(context)
    return Survey(context, targets, frozen, tuple(regions), epochs_tunable, searches, budget_role(context))


def _trains(context: Context, target: Target) -> bool:
    """Whether anything trains what the call makes: Keras models need ``fit``, or a loop by hand."""
    training = context.training
    return target.entry.framework != "keras" or bool(training.fits) or training.custom_loop
