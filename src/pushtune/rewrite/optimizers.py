"""The optimizer of each ``compile``: its learning rate where it is left out, and the move that swaps it.

Both are one site, as both write the same piece of source.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pushtune.model.analysis import Knob, Move
from pushtune.model.space import Condition, Domain, Parameter, Value
from pushtune.rewrite.base import Change, Context, ImportLine, Rendered, Transform
from pushtune.rewrite.catalogue import CallableEntry, grow
from pushtune.rewrite.styles.text import written
from pushtune.rewrite.survey import Region
from pushtune.rewrite.uses import compile_calls, compile_optimizer, has_splat
from pushtune.source import Module
from pushtune.source.tracing import Found, literal_value

MODULE = "keras.optimizers"
_CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")


@dataclass(frozen=True, eq=False)
class Slot:
    """Where one ``compile`` gets its optimizer from: a string, or a call of an optimizer's class.

    ``author`` is the key of today's optimizer; ``rate`` the expression of a learning rate that is not a
    plain number (a schedule), which stays whatever the optimizer; ``clipping`` the keywords that stay.
    """

    owner: str
    module: Module
    node: ast.expr
    author: str
    entry: CallableEntry
    rate: ast.expr | None = None
    clipping: tuple[ast.keyword, ...] = ()

    @property
    def by_name(self) -> bool:
        """Whether the optimizer is given as a string."""
        return isinstance(self.node, ast.Constant)


@dataclass(frozen=True, eq=False)
class OptimizerSite:
    """One slot with its choices. ``prefix`` is what stands before a class's name (``keras.optimizers``)."""

    slot: Slot
    prefix: str
    import_line: str
    choice: Parameter
    rates: Mapping[str, Parameter]
    classes: Mapping[str, str]
    extras: Mapping[str, str]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The optimizer, then the learning rate of each one that needs its own."""
        return (self.choice, *self.rates.values())

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """The learning rate that ``compile("adam")`` leaves out."""
        rate = self.rates.get(self.slot.author)
        if rate is None:
            return ()
        span = self.slot.module.span(self.slot.node)
        return (
            Knob(rate.name, rate.role, span.file, span.line, rate.default, "implicit", rate.domain, (span,)),
        )

    @property
    def moves(self) -> tuple[Move, ...]:
        """Swap the optimizer."""
        others = ", ".join(str(value) for value in self.choice.domain.choices if value != self.slot.author)
        what = f"swap {self.slot.author} for {others}, each with its own learning rate"
        return (Move(self.choice.name, self.slot.module.path, self.slot.node.lineno, what),)

    def changes(self, values: Mapping[str, Value]) -> Iterator[Change]:
        """Write the chosen optimizer in place of the author's."""
        key = str(values.get(self.choice.name, self.slot.author))
        rate = self.rates.get(key)
        if key == self.slot.author and (rate is None or rate.name not in values):
            return
        value = None if rate is None else values.get(rate.name, rate.default)
        if self.import_line:
            yield ImportLine(self.slot.module.path, self.import_line)
        span = self.slot.module.span(self.slot.node)
        yield Transform(span, lambda rendered: self._text(key, rate, value, rendered))

    def _text(self, key: str, rate: Parameter | None, value: Value, rendered: Rendered) -> str:
        module = self.slot.module
        arguments = []
        if self.slot.rate is not None:
            arguments.append(f"learning_rate={rendered.of(module.span(self.slot.rate))}")
        elif rate is not None:
            arguments.append(f"learning_rate={written(value, rate.domain)}")
        arguments += [self.extras[key]] if key in self.extras and key != self.slot.author else []
        arguments += [rendered.of(module.span(keyword)) for keyword in self.slot.clipping]
        return f"{self.prefix}.{self.classes[key]}({', '.join(arguments)})"


def find_optimizers(context: Context) -> Iterator[OptimizerSite]:
    """Yield one site for each optimizer that a ``compile`` uses and that may be swapped."""
    seen: set[ast.expr] = set()
    for owner, method in compile_calls(context):
        slot = _slot(context, owner, method.module, method.call)
        if slot is None or slot.node in seen:
            continue
        seen.add(slot.node)
        spelled = _spelled(context, slot)
        if spelled is not None:
            yield _site(context, slot, *spelled)


def swap_regions(sites: list[OptimizerSite]) -> Iterator[Region]:
    """Yield the pieces of source that matter only while the author's optimizer stands."""
    for site in sites:
        slot = site.slot
        kept = tuple(k.value for k in slot.clipping) + ((slot.rate,) if slot.rate is not None else ())
        condition = Condition(site.choice.name, (slot.author,))
        yield Region(slot.module, slot.node, kept, condition)


def _slot(context: Context, owner: str, module: Module, call: ast.Call) -> Slot | None:
    given = compile_optimizer(call)
    ends = list(context.tracer.ends(module, given[0])) if given and not has_splat(call) else []
    if len(ends) != 1:
        return None
    end = ends[0]
    if isinstance(end.node, ast.Call):
        return _called(context, owner, end)
    literal = literal_value(end.node)
    if literal is None or not isinstance(literal[0], str) or not _is_private(end, given[0]):
        return None
    entry = _entries(context).get(literal[0].lower())
    return Slot(owner, end.module, end.node, literal[0].lower(), entry) if entry is not None else None


def _is_private(end: Found, expression: ast.expr) -> bool:
    """Whether nothing but ``compile`` reads the string, so that an object may take its place."""
    if end.node is expression:
        return True
    return end.hop.style == "constant" and len(end.module.loads.get(end.hop.name, ())) == 1


def _called(context: Context, owner: str, end: Found) -> Slot | None:
    call = end.node
    assert isinstance(call, ast.Call)
    name = context.names.call(end.module, call) or ""
    module, _, last = name.rpartition(".")
    entry = context.catalogue.callables.get(name)
    if module != MODULE or entry is None or entry.group != "optimizer" or has_splat(call):
        return None
    named = [keyword.value for keyword in call.keywords if keyword.arg in ("learning_rate", "lr")]
    rates = named or call.args[:1]
    plain = bool(rates) and bool(context.tracer.trace(end.module, rates[0]))
    clipping = tuple(keyword for keyword in call.keywords if keyword.arg in _CLIPPING)
    rate = rates[0] if rates and not plain else None
    return Slot(owner, end.module, call, last.lower(), entry, rate, clipping)


def _entries(context: Context) -> Mapping[str, CallableEntry]:
    """Return the optimizers that ``compile`` knows by name."""
    return {
        entry.name.rpartition(".")[2].lower(): entry
        for entry in context.catalogue.callables.values()
        if entry.group == "optimizer" and entry.name.rpartition(".")[0] == MODULE
    }


def _spelled(context: Context, slot: Slot) -> tuple[str, str] | None:
    """Return how the optimizers' module is written at the slot, and the import that this needs (or "")."""
    prefix = context.names.written(slot.module, MODULE, slot.node)
    if prefix is not None:
        return prefix, ""
    taken = any("keras" in scope.bindings for scope in slot.module.scopes.values())
    if taken or not slot.module.source.tree.body:
        return None
    return MODULE, _import_line(slot.module)


def _import_line(module: Module) -> str:
    """Return the import of Keras in the flavour that the file itself uses."""
    targets = [
        *module.scope.stars,
        *(b.target for found in module.scope.bindings.values() for b in found if b.kind == "import"),
    ]
    roots = [target.split(".")[0] for target in targets]
    if "tf_keras" in roots:
        return "import tf_keras as keras"
    return (
        "from tensorflow import keras" if "tensorflow" in roots and "keras" not in roots else "import keras"
    )


def _site(context: Context, slot: Slot, prefix: str, import_line: str) -> OptimizerSite:
    table = context.catalogue.optimizers
    choices = (slot.author, *(key for key in table if key != slot.author))
    choice = Parameter(
        f"{slot.owner}.optimizer", "move.optimizer", Domain("categorical", choices=choices), slot.author
    )
    rates: dict[str, Parameter] = {}
    if slot.by_name:
        rates |= _author_rate(context, slot, choice)
    if slot.rate is None:
        for key in choices[1:]:
            rule = table[key]
            domain = Domain("float", rule["low"], rule["high"], True)
            condition = Condition(choice.name, (key,))
            name = f"{slot.owner}.learning_rate_{key}"
            rates[key] = Parameter(name, "learning_rate", domain, rule["rate"], condition)
    classes = {key: rule["name"] for key, rule in table.items()}
    classes[slot.author] = slot.entry.name.rpartition(".")[2]
    extras = {key: rule["extra"] for key, rule in table.items() if "extra" in rule}
    return OptimizerSite(slot, prefix, import_line, choice, rates, classes, extras)


def _author_rate(context: Context, slot: Slot, choice: Parameter) -> Mapping[str, Parameter]:
    """Return the learning rate that the author's string leaves at its default."""
    default = next(a.default for a in slot.entry.arguments if a.name == "learning_rate")
    domain = grow(context.catalogue.growths["learning_rate"], default)
    assert domain is not None
    condition = Condition(choice.name, (slot.author,))
    name = f"{slot.owner}.learning_rate"
    return {slot.author: Parameter(name, "learning_rate", domain, default, condition)}
