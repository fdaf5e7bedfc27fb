"""Insert a Dropout into a PyTorch ``Sequential``, behind the activation of a hidden layer.

Models that are classes with a ``forward`` of their own are left alone: where a layer would have to be called
cannot be seen in one place.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pushtune.model.analysis import Edit, Knob, Move
from pushtune.model.space import Domain, Parameter, Value
from pushtune.rewrite.base import Change, Context, Site
from pushtune.rewrite.moves.dropout import HIGHEST_RATE
from pushtune.source import Module

_ACTIVATIONS = frozenset(
    f"torch.nn.{name}" for name in ("ReLU", "LeakyReLU", "ELU", "SELU", "GELU", "SiLU", "PReLU", "Tanh")
)
_NORMALISED = ("torch.nn.BatchNorm1d", "torch.nn.LayerNorm")
_BY_NUMBER = re.compile(r"(\w+)\[\s*-?\d+\s*\]")


@dataclass(frozen=True, eq=False)
class TorchDropoutSite:
    """One place for a Dropout: behind ``element``, the activation of a hidden layer."""

    name: str
    module: Module
    element: ast.expr
    prefix: str
    title: str

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The rate; 0 inserts nothing."""
        return (Parameter(self.name, "move.dropout", Domain("float", 0.0, HIGHEST_RATE), 0.0),)

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """None: there is no such value in the source yet."""
        return ()

    @property
    def moves(self) -> tuple[Move, ...]:
        """The insertion."""
        what = f"insert Dropout behind {self.title}: rate up to {HIGHEST_RATE}, none today"
        return (Move(self.name, self.module.path, self.element.lineno, what),)

    def changes(self, values: Mapping[str, Value]) -> Iterable[Change]:
        """Insert the layer behind the activation."""
        rate = values.get(self.name, 0.0)
        if isinstance(rate, (int, float)) and rate > 0:
            end = self.module.source.bounds(self.module.span(self.element))[1]
            place = self.module.source.between(end, end)
            yield Edit(place, f", {self.prefix}.Dropout({rate:.3g})")


def find_torch_dropouts(context: Context) -> Iterator[Site]:
    """Yield one site for each hidden layer of a written-out ``Sequential`` without a Dropout behind it."""
    number = 0
    for module in context.program.modules:
        for call in module.calls:
            if (
                context.names.call(module, call) != "torch.nn.Sequential"
                or call not in context.ties.facts.made
            ):
                continue
            if not isinstance(call.func, ast.Attribute) or _is_indexed(module, call):
                continue
            prefix = ast.unparse(call.func.value)
            for element, title in _hidden(context, module, call):
                number += 1
                yield TorchDropoutSite(f"hidden_{number}.dropout_after", module, element, prefix, title)


def _hidden(context: Context, module: Module, call: ast.Call) -> Iterator[tuple[ast.expr, str]]:
    """Yield the activation of each hidden fully connected layer, and how the layers are called."""
    names = [
        (context.names.call(module, element) or "") if isinstance(element, ast.Call) else ""
        for element in call.args
    ]
    for place, name in enumerate(names):
        if name not in _ACTIVATIONS or "Dropout" in "".join(names[place + 1 : place + 2]):
            continue
        before = [one for one in names[:place] if one not in _NORMALISED]
        behind = [one for one in names[place + 1 :] if one]
        if before and before[-1] == "torch.nn.Linear" and "torch.nn.Linear" in behind:
            yield call.args[place], f"Linear-{name.rpartition('.')[2]}"


def _is_indexed(module: Module, call: ast.Call) -> bool:
    """Whether layers of the ``Sequential`` are asked for by their number."""
    parent = module.parents.get(call)
    target = parent.targets[0] if isinstance(parent, ast.Assign) else None
    name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
    return name in _BY_NUMBER.findall(module.source.text)
