"""The move that swaps the optimizer of a PyTorch loop: ``optim.SGD(model.parameters(), lr=0.1)`` for Adam.

What the author gave besides the parameters and the learning rate belongs to the author's optimizer alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pushtune.model.analysis import Knob, Move
from pushtune.model.space import Condition, Domain, Parameter, Value
from pushtune.rewrite.base import Change, Context, Rendered, Transform
from pushtune.rewrite.liveness import is_live
from pushtune.rewrite.styles.text import written
from pushtune.rewrite.survey import Region
from pushtune.rewrite.uses import has_splat
from pushtune.source import Module

MODULE = "torch.optim"


@dataclass(frozen=True)
class Rule:
    """One optimizer on offer: its class, its usual learning rate and the range around it, other arguments."""

    name: str
    rate: float
    low: float
    high: float
    extra: str = ""


RULES: Mapping[str, Rule] = {
    "sgd": Rule("SGD", 0.01, 1e-4, 1.0, "momentum=0.9"),
    "adam": Rule("Adam", 0.001, 1e-5, 0.1),
    "adamw": Rule("AdamW", 0.001, 1e-5, 0.1),
    "rmsprop": Rule("RMSprop", 0.001, 1e-5, 0.1),
}
"""The optimizers that may take the author's place, with PyTorch's defaults where it has good ones."""

_OTHERS = ("adadelta", "adagrad", "adamax", "nadam", "radam")
_OWN_RATES = ("OneCycleLR", "CyclicLR", "param_groups")
"""What reads or sets the optimizer's own numbers, so that another one would not fit."""


@dataclass(frozen=True, eq=False)
class TorchOptimizerSite:
    """One optimizer that may be swapped. ``author`` is its key, ``prefix`` stands before a class's name."""

    module: Module
    call: ast.Call
    author: str
    prefix: str
    choice: Parameter
    rates: Mapping[str, Parameter]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The optimizer, then the learning rate of each other one."""
        return (self.choice, *self.rates.values())

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """None: the author's learning rate is found where it stands."""
        return ()

    @property
    def moves(self) -> tuple[Move, ...]:
        """Swap the optimizer."""
        others = ", ".join(self.rates)
        what = f"swap {self.author} for {others}, each with its own learning rate"
        return (Move(self.choice.name, self.module.path, self.call.lineno, what),)

    def changes(self, values: Mapping[str, Value]) -> Iterator[Change]:
        """Write the chosen optimizer in place of the author's, for the same parameters."""
        key = str(values.get(self.choice.name, self.author))
        if key == self.author:
            return
        rate = self.rates[key]
        text = written(values.get(rate.name, rate.default), rate.domain)
        rule = RULES[key]

        def build(rendered: Rendered) -> str:
            arguments = [rendered.of(self.module.span(_trained(self.call))), f"lr={text}"]
            arguments += [rule.extra] if rule.extra else []
            return f"{self.prefix}.{rule.name}({', '.join(arguments)})"

        yield Transform(self.module.span(self.call), build)

    def region(self) -> Region:
        """Return the piece of source that matters only while the author's optimizer stands."""
        condition = Condition(self.choice.name, (self.author,))
        return Region(self.module, self.call, (_trained(self.call),), condition)


def find_torch_optimizers(context: Context) -> Iterator[TorchOptimizerSite]:
    """Yield the optimizers of a PyTorch script that may be swapped."""
    text = "".join(module.source.text for module in context.program.modules)
    if any(name in text for name in _OWN_RATES):
        return
    number = 0
    for module in context.program.modules:
        for call in module.calls:
            site = _site(context, module, call, "optimizer" if number == 0 else f"optimizer_{number + 1}")
            if site is not None:
                number += 1
                yield site


def _site(context: Context, module: Module, call: ast.Call, name: str) -> TorchOptimizerSite | None:
    path, _, last = (context.names.call(module, call) or "").rpartition(".")
    author = last.lower()
    if path != MODULE or author not in (*RULES, *_OTHERS) or has_splat(call) or not call.args:
        return None
    own = call.func.value if isinstance(call.func, ast.Attribute) else None
    spelled = ast.unparse(own) if own is not None and context.names.qualify(module, own) == MODULE else None
    prefix = spelled or context.names.written(module, MODULE, call)
    if prefix is None or not is_live(context, module, call):
        return None
    others = [key for key in RULES if key != author]
    choice = Parameter(name, "move.optimizer", Domain("categorical", choices=(author, *others)), author)
    rates = {
        key: Parameter(
            f"{name}.lr_{key}", "learning_rate", Domain("float", RULES[key].low, RULES[key].high, True),
            RULES[key].rate, Condition(name, (key,)),
        )
        for key in others
    }  # fmt: skip
    return TorchOptimizerSite(module, call, author, prefix, choice, rates)


def _trained(call: ast.Call) -> ast.expr:
    """Return what the optimizer trains: its first argument."""
    return call.args[0]
