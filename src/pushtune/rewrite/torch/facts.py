"""What reading a model tells about its sizes: which are equal, which divide which, which are lost."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from pushtune.model.analysis import LayerShape
from pushtune.rewrite.torch.sizes import Fixed, Leaf, Size, leaves
from pushtune.rewrite.torch.values import Items, Layer, Number, Table, Tensor, Value
from pushtune.source import Module


@dataclass(frozen=True, eq=False)
class Equation:
    """``declared``, a size that the source writes down for what comes in, must be ``flow``, which does.

    ``node`` is the expression that declares it, where that stands at the place itself.
    """

    declared: Size
    flow: Size
    owner: str
    module: Module | None = None
    node: ast.expr | None = None


@dataclass(frozen=True, eq=False)
class Divisor:
    """``size`` must be a multiple of ``by``."""

    size: Size
    by: Size


@dataclass(eq=False)
class Facts:
    """Filled while models are read; see ``ties`` for what is made of it.

    ``widths`` are sizes that a layer gives its output, ``consumed`` those that a layer expects of its
    input. ``loose`` are numbers that something depends on which reading cannot follow, ``outputs`` those
    that give a model's result its size (``side_outputs``: one of several results). ``windows`` must not
    fall below 1; ``pads`` are paddings that are half of a kernel. ``made`` are the layers by the call that
    makes them, ``fresh`` those that were not distrusted so far, ``applied`` those calls through whose
    layers data was seen to flow. ``networks`` are the classes of models that were read. ``repeats`` are
    named numbers of turns that a model's own loops take, with the ``range``.
    """

    equations: list[Equation] = field(default_factory=list)
    divisors: list[Divisor] = field(default_factory=list)
    windows: list[Size] = field(default_factory=list)
    loose: set[Leaf] = field(default_factory=set)
    outputs: set[Leaf] = field(default_factory=set)
    side_outputs: set[Leaf] = field(default_factory=set)
    widths: set[Leaf] = field(default_factory=set)
    consumed: set[Leaf] = field(default_factory=set)
    pads: dict[Leaf, Size] = field(default_factory=dict)
    made: dict[ast.Call, list[Layer]] = field(default_factory=dict)
    repeats: dict[Leaf, tuple[Module, ast.Call]] = field(default_factory=dict)
    networks: set[ast.ClassDef] = field(default_factory=set)
    applied: set[ast.Call] = field(default_factory=set)
    shapes: dict[str, LayerShape] = field(default_factory=dict)
    fresh: list[Layer] = field(default_factory=list)

    def make(self, call: ast.Call, *layers: Layer) -> None:
        """Note that ``call`` makes layers."""
        self.made.setdefault(call, []).extend(layers)
        self.fresh += layers

    def equal(
        self,
        declared: Size,
        flow: Size,
        owner: str,
        module: Module | None = None,
        node: ast.expr | None = None,
    ) -> None:
        """Note that two sizes must agree; nothing to note where they are the same or both fixed."""
        if declared == flow or (isinstance(declared, Fixed) and not leaves(flow)):
            return
        self.equations.append(Equation(declared, flow, owner, module, node))

    def loosen(self, *values: Value | Size | None) -> None:
        """Note that reading lost track of something that these sizes give its shape."""
        for value in values:
            if isinstance(value, Tensor):
                self.loosen(*value.dims)
            elif isinstance(value, Items):
                self.loosen(*value.items)
            elif isinstance(value, Table):
                self.loosen(*value.items.values())
            elif isinstance(value, Number):
                self.loose |= leaves(value.size)
            elif isinstance(value, Size):
                self.loose |= leaves(value)

    def distrust(self) -> None:
        """Note that nothing is to be trusted of the layers met so far, each once however often it is said."""
        while self.fresh:
            self.loosen(*self.fresh.pop().arguments.values())
