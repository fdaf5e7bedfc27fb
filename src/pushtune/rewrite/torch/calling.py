"""What calls give: layers and containers that are made and applied, functions, methods, builtins."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pushtune.rewrite.torch.arguments import POSITIONS, size_of
from pushtune.rewrite.torch.expressions import elements, key_of
from pushtune.rewrite.torch.frames import Frame, Reader
from pushtune.rewrite.torch.layers import apply_layer, declare_layer
from pushtune.rewrite.torch.sizes import Fixed, Leaf, evaluate
from pushtune.rewrite.torch.tensors import call_tensor_function
from pushtune.rewrite.torch.values import (
    LOST,
    NONE,
    Container,
    Items,
    Layer,
    Lost,
    Method,
    Number,
    Object,
    Plain,
    Super,
    Table,
    Tensor,
    Value,
)

CONTAINERS = ("Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict")
_WRAPPERS = (
    "torch.nn.DataParallel", "torch.nn.parallel.DistributedDataParallel", "torch.compile", "torch.jit.script",
    "copy.deepcopy", "copy.copy", "torch.nn.utils.weight_norm", "torch.nn.utils.spectral_norm",
    "torch.nn.utils.parametrizations.weight_norm", "torch.nn.utils.parametrizations.spectral_norm",
    "torch.nn.Parameter", "torch.autograd.Variable", "torch.nn.parameter.Parameter",
)  # fmt: skip
_HARMLESS = ("builtins", "math", "numpy", "random", "time", "os", "logging", "warnings", "sys")
_SAME = frozenset(
    (
        "to", "cuda", "cpu", "train", "eval", "double", "float", "half", "apply", "share_memory", "compile",
        "requires_grad_", "type", "bfloat16", "xpu", "module",
    )
)  # fmt: skip
"""Methods of a model that give the model itself back."""


@dataclass(frozen=True)
class Call:
    """One call: who reads it, what it is given, and where it stands."""

    reader: Reader
    frame: Frame
    given: Sequence[Value]
    keywords: Mapping[str, Value]
    node: ast.Call | None

    def get(self, place: int, name: str = "") -> Value | None:
        """Return an argument by name or by place."""
        return self.keywords.get(name, self.given[place] if place < len(self.given) else None)


def call_external(call: Call, name: str) -> Value:
    """Return what calling something of a library gives."""
    last = name.rpartition(".")[2]
    if name in _WRAPPERS:
        return call.get(0) or LOST
    builtin = _BUILTINS.get(name)
    if builtin is not None:
        return builtin(call)
    if name.startswith("torch.nn.init."):
        return call.get(0) or NONE
    if name.startswith("torch.nn.") and name.count(".") == 2 and last[:1].isupper():
        return _make(call, name, last)
    if name.startswith("torch."):
        return call_tensor_function(call.reader.facts, last, call.given, call.keywords)
    if name.split(".")[0] not in _HARMLESS:
        call.reader.facts.loosen(*call.given, *call.keywords.values())
    else:
        call.reader.facts.loosen(*(value for value in call.given if isinstance(value, Tensor)))
    return LOST


def _make(call: Call, name: str, last: str) -> Value:
    if last in CONTAINERS:
        return _contain(call, last)
    if call.node is None or last.endswith("Loss"):
        return LOST
    arguments = dict(zip(POSITIONS.get(last, ("p",)), call.given, strict=False))
    nodes = dict(zip(POSITIONS.get(last, ()), call.node.args, strict=False))
    nodes.update({keyword.arg: keyword.value for keyword in call.node.keywords if keyword.arg})
    arguments.update(call.keywords)
    layer = Layer(name, call.frame.module, call.node, arguments, nodes)
    declare_layer(call.reader.facts, layer)
    call.reader.facts.make(call.node, layer)
    return layer


def _contain(call: Call, kind: str) -> Value:
    given = list(call.given)
    if call.node is not None:
        call.reader.facts.make(call.node)
    if len(given) == 1 and isinstance(given[0], Table):
        return Container(kind, {str(key): value for key, value in given[0].items.items()})
    if len(given) == 1 and kind != "Sequential":
        given = elements(given[0]) or []
    elif len(given) == 1 and isinstance(given[0], Items):
        given = given[0].items
    container = Container(kind, {str(place): value for place, value in enumerate(given)})
    container.lost = any(isinstance(value, Lost) for value in given) and kind != "Sequential"
    return container


def apply_container(reader: Reader, frame: Frame, container: Container, given: Sequence[Value]) -> Value:
    """Return what a ``Sequential`` makes of its input, one layer after the other."""
    if container.kind != "Sequential":
        reader.facts.loosen(*given)
        return LOST
    value: Value = given[0] if given else LOST
    for held in container.items.values():
        value = reader.call(frame, held, [value], {})
    return value


def apply_made_layer(
    reader: Reader, layer: Layer, given: Sequence[Value], keywords: Mapping[str, Value]
) -> Value:
    """Return what ``layer`` makes of what it is given; keywords come behind, in order."""
    reader.facts.applied.add(layer.call)
    for held in layer.arguments.values():
        if isinstance(held, Layer):
            reader.facts.applied.add(held.call)
    more = [
        value
        for name, value in keywords.items()
        if name in ("input", "query", "key", "hx", "src", "tgt", "memory")
    ]
    return apply_layer(reader.facts, layer, [*given, *more])


def call_method(call: Call, method: Method) -> Value:
    """Return what calling a method gives."""
    owner, name = method.owner, method.name
    if isinstance(owner, Tensor):
        return call_tensor_function(call.reader.facts, name, [owner, *call.given], call.keywords)
    if isinstance(owner, (Object, Container, Layer)):
        return _of_network(call, owner, name)
    if isinstance(owner, Items):
        return _of_list(call, owner, name)
    if isinstance(owner, Table):
        return _of_table(call, owner, name)
    if isinstance(owner, Super):
        call.reader.facts.loosen(*call.given, *call.keywords.values())
        return NONE
    if isinstance(owner, Lost) and name.startswith("new_"):
        return call_tensor_function(call.reader.facts, "new_zeros", call.given, call.keywords)
    if isinstance(owner, Plain):
        return LOST
    call.reader.facts.loosen(*call.given, *call.keywords.values())
    return LOST


def _of_network(call: Call, owner: Object | Container | Layer, name: str) -> Value:
    if name in _SAME:
        return owner
    if name in ("forward", "__call__"):
        return call.reader.call(call.frame, owner, call.given, call.keywords, call.node)
    if name in ("add_module", "register_module", "register_buffer", "register_parameter"):
        key, value = call.get(0, "name"), call.get(1, "module") or call.get(1, "tensor")
        named = key_of(key) if key is not None else None
        if isinstance(owner, Object) and isinstance(named, str):
            owner.attributes[named] = value or LOST
        elif isinstance(owner, Container):
            owner.items[str(named)] = value or LOST
        return NONE
    if isinstance(owner, Container):
        return _of_container(call, owner, name)
    if name in ("children", "modules") and isinstance(owner, Object):
        return Items([v for v in owner.attributes.values() if isinstance(v, (Object, Container, Layer))])
    return LOST


def _of_container(call: Call, owner: Container, name: str) -> Value:
    first = call.get(0)
    if name == "append" and first is not None:
        owner.items[str(len(owner.items))] = first
        return owner
    if name in ("extend", "update") and first is not None:
        held = first.items.values() if isinstance(first, (Table, Container)) else elements(first)
        owner.lost = owner.lost or held is None
        for value in held or ():
            owner.items[str(len(owner.items))] = value
        return owner
    if name in ("children", "values", "modules"):
        return Items(list(owner.items.values()))
    if name in ("items", "named_children"):
        return Items([Items([Plain(key), value], is_tuple=True) for key, value in owner.items.items()])
    if name in ("insert", "pop"):
        owner.lost = True
    return LOST


def _of_list(call: Call, owner: Items, name: str) -> Value:
    first = call.get(0)
    if name == "append" and first is not None:
        owner.items.append(first)
    elif name in ("extend",) and first is not None:
        owner.items.extend(elements(first) or [LOST])
    elif name == "insert" and len(call.given) == 2:
        place = evaluate(size_of(call.given[0]) or Fixed(0), {})
        owner.items.insert(place or 0, call.given[1])
    elif name == "pop" and owner.items:
        place = evaluate(size_of(first) or Fixed(-1), {})
        return owner.items.pop(
            -1 if place is None or not -len(owner.items) <= place < len(owner.items) else place
        )
    elif name in ("copy", "reverse"):
        copied = list(owner.items)
        owner.items = list(reversed(copied)) if name == "reverse" else owner.items
        return Items(copied)
    return LOST


def _of_table(call: Call, owner: Table, name: str) -> Value:
    if name == "values":
        return Items(list(owner.items.values()))
    if name in ("keys", "items"):
        pairs = [(Plain(key), value) for key, value in owner.items.items()]
        return Items([Items([key, value], is_tuple=True) if name == "items" else key for key, value in pairs])
    if name == "get":
        key = call.get(0)
        found = owner.items.get(key_of(key)) if key is not None else None
        return found or (LOST if owner.splat else call.get(1) or NONE)
    if name == "update":
        other = call.get(0)
        owner.items.update(other.items if isinstance(other, Table) else {})
        owner.items.update(call.keywords)
        owner.splat = owner.splat or (other is not None and not isinstance(other, Table))
    return LOST


def _range(call: Call) -> Value:
    bounds = [evaluate(size_of(value) or Fixed(-1), {}) for value in call.given]
    if any(size_of(value) is None for value in call.given) or any(bound is None for bound in bounds):
        return LOST
    _note_repeat(call)
    numbers = range(*(bound or 0 for bound in bounds)) if bounds and 0 not in bounds[2:] else range(0)
    if len(bounds) == 1 and len(numbers) <= 64:
        return Items([Number(Fixed(number)) for number in numbers])
    return Items([Number(Fixed(number)) for number in numbers[:64]])


def _note_repeat(call: Call) -> None:
    """A number of turns that a model's own code takes while it is made is a depth, where it has a name.

    Turns that are only taken with data at hand are steps of a sequence, or how long an answer may be.
    """
    size = size_of(call.given[0]) if len(call.given) == 1 else None
    flowing = any(isinstance(value, Tensor) for value in call.frame.names.values())
    making = call.frame.owner is not None and call.frame.owner.is_network and not flowing
    if isinstance(size, Leaf) and size.named and making and call.node is not None:
        call.reader.facts.repeats.setdefault(size, (call.frame.module, call.node))


def _length(call: Call) -> Value:
    held = elements(call.given[0]) if call.given else None
    if isinstance(call.get(0), Tensor):
        tensor = call.given[0]
        assert isinstance(tensor, Tensor)
        return Number(tensor.dim(0))
    return LOST if held is None else Number(Fixed(len(held)))


def _same(call: Call) -> Value:
    return call.get(0) or LOST


def _listed(call: Call) -> Value:
    held = elements(call.given[0]) if call.given else []
    return LOST if held is None else Items(list(held))


def _zipped(call: Call) -> Value:
    columns = [elements(value) for value in call.given]
    if any(column is None for column in columns):
        return LOST
    rows = zip(*(column or [] for column in columns), strict=False)
    return Items([Items(list(row), is_tuple=True) for row in rows])


def _enumerated(call: Call) -> Value:
    held = elements(call.given[0]) if call.given else None
    if held is None:
        return LOST
    return Items([Items([Number(Fixed(place)), value], is_tuple=True) for place, value in enumerate(held)])


def _backwards(call: Call) -> Value:
    held = elements(call.given[0]) if call.given else None
    return LOST if held is None else Items(list(reversed(held)))


def _table(call: Call) -> Value:
    table = Table({name: value for name, value in call.keywords.items()})  # noqa: C416
    for pair in elements(call.given[0]) or [] if call.given else []:
        if isinstance(pair, Items) and len(pair.items) == 2:
            table.items[key_of(pair.items[0])] = pair.items[1]
    if call.given and isinstance(call.given[0], Table):
        table.items.update(call.given[0].items)
    return table


def _get_attribute(call: Call) -> Value:
    name = key_of(call.given[1]) if len(call.given) > 1 else None
    return call.reader.member(call.frame, call.given[0], name) if isinstance(name, str) else LOST


def _set_attribute(call: Call) -> Value:
    owner = call.get(0)
    name = key_of(call.given[1]) if len(call.given) > 2 else None
    if isinstance(owner, Object) and isinstance(name, str):
        owner.attributes[name] = call.given[2]
    return NONE


def _nothing(call: Call) -> Value:
    return NONE


_BUILTINS: Mapping[str, Callable[[Call], Value]] = {
    "builtins.range": _range,
    "builtins.len": _length,
    "builtins.int": _same,
    "builtins.list": _listed,
    "builtins.tuple": _listed,
    "builtins.iter": _same,
    "builtins.zip": _zipped,
    "builtins.enumerate": _enumerated,
    "builtins.reversed": _backwards,
    "builtins.dict": _table,
    "collections.OrderedDict": _table,
    "builtins.getattr": _get_attribute,
    "builtins.setattr": _set_attribute,
    "builtins.print": _nothing,
}
"""By full name."""
