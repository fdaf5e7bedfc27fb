"""The models that a program makes outside of other models, and reading each of them from input to output."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pushtune.rewrite.torch.calling import CONTAINERS
from pushtune.rewrite.torch.expressions import truth
from pushtune.rewrite.torch.facts import Facts
from pushtune.rewrite.torch.frames import Frame, TooMuchError
from pushtune.rewrite.torch.interpreter import Interpreter
from pushtune.rewrite.torch.sizes import leaves
from pushtune.rewrite.torch.values import (
    DATA,
    Class,
    Container,
    Items,
    Layer,
    Method,
    Object,
    Table,
    Tensor,
    Value,
)
from pushtune.source import Module

Root = Object | Container | Layer


def read_roots(interpreter: Interpreter) -> tuple[Root, ...]:
    """Read every model of the program; what was learned is in ``interpreter.facts``.

    A model that cannot be read to its end leaves its numbers loose.
    """
    roots: list[Root] = []
    for module, call in (*_constructions(interpreter, True), *_constructions(interpreter, False)):
        if call in interpreter.facts.made:
            continue
        root = _guarded(interpreter, module, call)
        if root is not None and not any(root is other for other in roots):
            roots.append(root)
    roots += _made_elsewhere(interpreter)
    for root in roots:
        name_parts(root, "")
    for root in _standing_alone(roots):
        _flow(interpreter, root)
    _used_outside(interpreter, roots)
    _loosen_unused(interpreter.facts)
    return tuple(roots)


def _made_elsewhere(interpreter: Interpreter) -> Iterator[Root]:
    """Yield the networks that are handed to a library as classes: it makes them with their defaults."""
    for module in interpreter.tracer.calls.program.modules:
        for node in list(module.scopes):
            if not isinstance(node, ast.ClassDef) or node in interpreter.facts.networks:
                continue
            calls = interpreter.tracer.calls
            if not (calls.escapes(node) and calls.reached(module, node.body[0])):
                continue
            if interpreter.is_network(module, node):
                try:
                    yield interpreter.instantiate(Frame(module, outside=True), Class(module, node), [], {})
                except (TooMuchError, RecursionError):
                    interpreter.facts.distrust()


def _guarded(interpreter: Interpreter, module: Module, call: ast.Call) -> Root | None:
    try:
        root = interpreter.outside_value(module, call)
    except (TooMuchError, RecursionError):
        interpreter.facts.distrust()
        return None
    return root if isinstance(root, (Object, Container, Layer)) else None


def _constructions(interpreter: Interpreter, classes: bool) -> Iterator[tuple[Module, ast.Call]]:
    """Yield the calls, outside of networks, that make objects of the program's networks, or else layers."""
    for module in interpreter.tracer.calls.program.modules:
        for call in module.calls:
            if not interpreter.tracer.calls.reached(module, call) or _in_network(interpreter, module, call):
                continue
            if _is_ruled_out(interpreter, module, call):
                continue
            definition = interpreter.tracer.calls.resolve(module, call.func)
            if isinstance(definition, ast.ClassDef):
                if classes and _makes_network(interpreter, definition):
                    yield module, call
            elif not classes and (_makes_layers(interpreter, module, call) or _adds_layers(call)):
                yield module, call


def _makes_network(interpreter: Interpreter, definition: ast.ClassDef) -> bool:
    home = next(m for m in interpreter.tracer.calls.program.modules if definition in m.scopes)
    return interpreter.is_network(home, definition)


def _makes_layers(interpreter: Interpreter, module: Module, call: ast.Call) -> bool:
    name = interpreter.names.call(module, call) or ""
    prefix, _, last = name.rpartition(".")
    plain = prefix == "torch.nn" and last[:1].isupper() and not last.endswith("Loss")
    return plain and (last in CONTAINERS or last not in ("Parameter", "DataParallel"))


def _adds_layers(call: ast.Call) -> bool:
    """Whether the call may put a layer into a container: ``model.add_module("fc", nn.Linear(64, 10))``."""
    return isinstance(call.func, ast.Attribute) and call.func.attr in ("add_module", "append", "extend")


def _is_ruled_out(interpreter: Interpreter, module: Module, call: ast.Call) -> bool:
    """Whether ``call`` stands in a branch that the author's own values do not take."""
    inner: ast.AST = call
    for outer in module.around(call):
        if isinstance(outer, ast.If) and inner is not outer.test:
            told = truth(interpreter.evaluate(Frame(module, outside=True), outer.test))
            if told is not None and told != (inner in outer.body):
                return True
        inner = outer
    return False


def _in_network(interpreter: Interpreter, module: Module, node: ast.AST) -> bool:
    return any(
        isinstance(outer, ast.ClassDef) and interpreter.is_network(module, outer)
        for outer in module.around(node)
    )


def name_parts(value: Value, path: str) -> None:
    """Give every part of a model its dotted name, as ``named_modules`` would."""
    if isinstance(value, (Object, Container, Layer)):
        if value.path is not None:
            return
        value.path = path
        if isinstance(value, Layer):
            return
        parts = value.attributes if isinstance(value, Object) else value.items
        for name, held in parts.items():
            name_parts(held, f"{path}.{name}" if path else name)


def _standing_alone(roots: list[Root]) -> list[Root]:
    """Return the models that are no part of another one."""
    inside = {id(part) for root in roots for part in _parts(root, set()) if part is not root}
    return [root for root in roots if id(root) not in inside]


def _parts(value: Value, seen: set[int]) -> Iterator[Value]:
    if id(value) in seen:
        return
    seen.add(id(value))
    yield value
    held: list[Value] = []
    if isinstance(value, Object):
        held = list(value.attributes.values())
    elif isinstance(value, (Container, Table)):
        held = list(value.items.values())
    elif isinstance(value, Items):
        held = value.items
    elif isinstance(value, Layer):
        held = list(value.arguments.values())
    for part in held:
        yield from _parts(part, seen)


def _flow(interpreter: Interpreter, root: Root) -> None:
    """Read how data flows through a model, and note what gives its result its size."""
    facts = interpreter.facts
    frame = Frame(interpreter.tracer.calls.program.entry, outside=True)
    try:
        if isinstance(root, Object):
            given, keywords = _inputs(root)
            result = interpreter.call(frame, root, given, keywords)
        else:
            result = interpreter.call(frame, root, [DATA], {})
    except (TooMuchError, RecursionError):
        facts.distrust()
        return
    _note_output(facts, result)


def _inputs(root: Object) -> tuple[list[Value], dict[str, Value]]:
    """Return data for each parameter of ``forward`` that has no default."""
    forward = next(
        (item for item in root.node.body if isinstance(item, ast.FunctionDef) and item.name == "forward"),
        None,
    )
    if forward is None:
        return [DATA], {}
    arguments = forward.args
    plain = [*arguments.posonlyargs, *arguments.args][1:]
    needed = len(plain) - len(arguments.defaults)
    return [DATA] * max(needed, 1 if plain else 0), {}


def _note_output(facts: Facts, result: Value) -> None:
    if isinstance(result, Tensor):
        facts.outputs.update(leaf for dim in result.dims for leaf in leaves(dim))
    elif isinstance(result, (Items, Table)):
        # Of several results, what a layer behind takes in again is a code between layers, not the output.
        parts = result.items if isinstance(result, Items) else result.items.values()
        for part in parts:
            if isinstance(part, Tensor) and part.dims:
                facts.side_outputs.update(leaves(part.dims[-1]))


def _used_outside(interpreter: Interpreter, roots: list[Root]) -> None:
    """Read the calls that code outside of models makes of them: ``model.decode(torch.randn(64, 20))``."""
    for module in interpreter.tracer.calls.program.modules:
        for call in module.calls:
            if _in_network(interpreter, module, call) or not interpreter.tracer.calls.reached(module, call):
                continue
            if not isinstance(call.func, (ast.Name, ast.Attribute)):
                continue
            try:
                _use(interpreter, module, call, roots)
            except (TooMuchError, RecursionError):
                interpreter.facts.distrust()


def _use(interpreter: Interpreter, module: Module, call: ast.Call, roots: list[Root]) -> None:
    frame = Frame(module, outside=True)
    func = call.func
    owner = interpreter.evaluate(frame, func.value if isinstance(func, ast.Attribute) else func)
    own = any(owner is root for root in roots)
    method = isinstance(func, ast.Attribute) and own and _has_method(interpreter, frame, owner, func.attr)
    if not own or not (method or isinstance(func, ast.Name)) or len(call.args) == 0:
        return
    given = [interpreter.outside_value(module, argument) for argument in call.args]
    told = [value if isinstance(value, (Tensor, Items)) else DATA for value in given]
    if any(isinstance(value, Items) or (isinstance(value, Tensor) and value.dims) for value in told):
        callee = interpreter.member(frame, owner, func.attr) if isinstance(func, ast.Attribute) else owner
        interpreter.call(frame, callee, told, {}, call)


def _has_method(interpreter: Interpreter, frame: Frame, owner: Value, name: str) -> bool:
    return isinstance(owner, Object) and not isinstance(interpreter.member(frame, owner, name), Method)


def _loosen_unused(facts: Facts) -> None:
    """A layer that was made but through which no data was seen to flow is not understood."""
    for call, layers in facts.made.items():
        if call not in facts.applied:
            for layer in layers:
                facts.loosen(*layer.arguments.values())
