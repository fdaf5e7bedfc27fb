"""Where code is read: the names that are bound there, and what readers of expressions need of one another."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pushtune.rewrite.torch.facts import Facts
from pushtune.rewrite.torch.values import Object, Value
from pushtune.source import Module, Names
from pushtune.source.tracing import Tracer


class TooMuchError(Exception):
    """The code does more than will be read; what was met so far is not to be trusted."""


@dataclass(eq=False)
class Frame:
    """One function being read. ``outside`` marks code that is not run from a model's own methods.

    ``home`` is the class whose method it is, ``owner`` its ``self``. ``jump`` says how the innermost loop's
    body was left: by ``continue`` or ``break``, or (empty) neither.
    """

    module: Module
    names: dict[str, Value] = field(default_factory=dict)
    outside: bool = False
    home: ast.ClassDef | None = None
    owner: Object | None = None
    returned: list[Value] = field(default_factory=list)
    depth: int = 0
    jump: str = ""


class Reader(Protocol):
    """Reads code without running it; what it learns about sizes goes to ``facts``."""

    facts: Facts
    names: Names
    tracer: Tracer

    def evaluate(self, frame: Frame, node: ast.expr) -> Value:
        """Return what ``node`` stands for in ``frame``."""

    def execute(self, frame: Frame, body: Sequence[ast.stmt]) -> bool:
        """Read the statements of ``body`` in order; return whether they are sure to leave it early."""

    def call(
        self,
        frame: Frame,
        callee: Value,
        given: Sequence[Value],
        keywords: Mapping[str, Value],
        node: ast.Call | None = None,
    ) -> Value:
        """Return what calling ``callee`` gives. ``node`` is the call, where there is one in the source."""

    def member(self, frame: Frame, value: Value, name: str, node: ast.Attribute | None = None) -> Value:
        """Return the attribute ``name`` of ``value``."""

    def splatted(self, frame: Frame, callee: Value, table: ast.expr) -> dict[str, Value]:
        """Return what ``**table``, which no frame holds, brings for the parameters of ``callee``."""

    def found_outside(self, frame: Frame, node: ast.expr) -> Value:
        """Return what a name or an attribute stands for that no frame binds: constants, options, imports."""
