"""The records of tracing, and what its ways need of one another."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from pushtune.model.analysis import Span, Style
from pushtune.model.space import Value
from pushtune.source.calls import CallIndex
from pushtune.source.flow import Reach
from pushtune.source.names import Names
from pushtune.source.program import Module, Program
from pushtune.source.scopes import Binding, Scope
from pushtune.source.tracing.given import CommandLine


@dataclass(frozen=True)
class Hop:
    """The last step on the way to a value: its style, its name in the source, and whether it is sure.

    ``number`` is what the way turns a text into (``int``, ``float`` or nothing). ``trail`` are the
    bindings passed, so that no way goes round in circles. ``choices`` are the only values that the way
    lets through; nothing where it lets through any.
    """

    style: Style = "literal"
    name: str = ""
    certain: bool = True
    number: str = ""
    trail: frozenset[ast.AST] = frozenset()
    choices: tuple[Value, ...] = ()

    def to(self, style: Style, name: str, *, certain: bool = True) -> Hop:
        """Return the next step; what was unsure stays so."""
        return replace(self, style=style, name=name, certain=self.certain and certain)

    def maybe(self) -> Hop:
        """Return the same step on a way that is not always taken."""
        return replace(self, certain=False)

    def over(self, node: ast.AST) -> Hop:
        """Return the same step, with ``node`` passed."""
        return replace(self, trail=self.trail | {node})

    def as_number(self, kind: str) -> Hop:
        """Return the same step on a way that turns texts into numbers."""
        return replace(self, number=kind) if kind in ("int", "float") else self


@dataclass(frozen=True, eq=False)
class Found:
    """The expression at the end of the way: a literal, a call, a dictionary, anything that is no name."""

    module: Module
    node: ast.expr
    hop: Hop


@dataclass(frozen=True)
class Origin:
    """Where a value literally stands. Several spans (a square tuple) all hold the same value.

    Two origins with the same spans are the same place, however they were reached. A number may stand in
    the source as a text (``int(os.environ.get("N", "3"))``): then ``value`` is the number. ``choices``
    are the only values that may stand there, where there are such.
    """

    style: Style
    name: str
    value: Value
    spans: tuple[Span, ...]
    certain: bool = True
    choices: tuple[Value, ...] = ()


class Follower(Protocol):
    """What each way of travelling needs to go on. ``depth`` counts down; at 0 the way ends."""

    names: Names
    calls: CallIndex
    given: Mapping[str, str]
    program: Program

    @property
    def command_line(self) -> CommandLine:
        """What the command line gives."""

    def follow(self, module: Module, node: ast.expr, hop: Hop, depth: int) -> Iterator[Found]:
        """Yield the ends of the ways from ``node``; none where the value cannot be told."""

    def bound(self, module: Module, scope: Scope, binding: Binding, hop: Hop, depth: int) -> Iterator[Found]:
        """Yield the ends of the ways from what ``binding`` binds."""

    def bound_ways(
        self, module: Module, scope: Scope, reach: Reach, end: ast.expr, hop: Hop, depth: int
    ) -> Iterator[Found]:
        """Yield the ends of the ways from each binding that reaches; ``end`` stands for unknown ones."""

    def passed(self, module: Module, binding: Binding, hop: Hop) -> Iterator[tuple[Module, ast.expr, Hop]]:
        """Yield the expressions that a parameter may hold, each with its file and the step to it."""

    def returned(self, module: Module, call: ast.Call) -> list[tuple[Module, ast.expr]]:
        """Return the expressions that the local function which ``call`` calls may give back."""

    def member(self, found: Found, name: str, base: str, depth: int) -> list[Found] | None:
        """Return what the attribute or entry ``name`` of the object ``found`` holds; None if not known."""
