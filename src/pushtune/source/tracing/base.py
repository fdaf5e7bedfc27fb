"""The records of tracing, and what its ways need of one another."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from pushtune.model.analysis import Span, Style
from pushtune.model.space import Value
from pushtune.source.calls import CallIndex
from pushtune.source.names import Names
from pushtune.source.program import Module
from pushtune.source.scopes import Binding, Scope


@dataclass(frozen=True)
class Hop:
    """The last step on the way to a value: its style, its name in the source, and whether it is sure."""

    style: Style = "literal"
    name: str = ""
    certain: bool = True

    def to(self, style: Style, name: str, *, certain: bool = True) -> Hop:
        """Return the next step; what was unsure stays so."""
        return Hop(style, name, self.certain and certain)


@dataclass(frozen=True, eq=False)
class Found:
    """The expression at the end of the way: a literal, a call, a dictionary, anything that is no name."""

    module: Module
    node: ast.expr
    hop: Hop


@dataclass(frozen=True)
class Origin:
    """Where a value literally stands. Several spans (a square tuple) all hold the same value.

    Two origins with the same spans are the same place, however they were reached.
    """

    style: Style
    name: str
    value: Value
    spans: tuple[Span, ...]
    certain: bool = True


class Follower(Protocol):
    """What each way of travelling needs to go on. ``depth`` counts down; at 0 the way ends."""

    names: Names
    calls: CallIndex
    given: Mapping[str, str]

    def follow(self, module: Module, node: ast.expr, hop: Hop, depth: int) -> Iterator[Found]:
        """Yield the ends of the ways from ``node``; none where the value cannot be told."""

    def bound(self, module: Module, scope: Scope, binding: Binding, hop: Hop, depth: int) -> Iterator[Found]:
        """Yield the ends of the ways from what ``binding``, the only one of its name, binds."""
