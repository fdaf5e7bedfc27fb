"""Reading a model's code without running it: what it is made of, and how a tensor flows through."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from pushtune.model.analysis import LayerShape, Style
from pushtune.rewrite.torch.calling import Call, apply_container, apply_made_layer, call_external, call_method
from pushtune.rewrite.torch.expressions import EXPRESSIONS, called, weight_of
from pushtune.rewrite.torch.facts import Facts
from pushtune.rewrite.torch.frames import Frame, TooMuchError
from pushtune.rewrite.torch.sizes import Leaf
from pushtune.rewrite.torch.statements import STATEMENTS
from pushtune.rewrite.torch.tensors import call_tensor_function, shape_of
from pushtune.rewrite.torch.values import (
    LOST,
    Class,
    Container,
    External,
    Function,
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
from pushtune.source import Module, Names
from pushtune.source.tracing import Found, Origin, Tracer

NETWORKS = ("torch.nn.Module", "lightning.LightningModule")
_STEPS = 60_000
_DEPTH = 40


class Interpreter:
    """See ``Reader``. One for all models of a program; objects made outside of models are made once."""

    def __init__(self, names: Names, tracer: Tracer, shapes: Sequence[LayerShape] = ()) -> None:
        self.names = names
        self.tracer = tracer
        self.facts = Facts(shapes={shape.name: shape for shape in shapes})
        self._steps = 0
        self._outside: dict[ast.AST, Value] = {}
        self._open: set[ast.AST] = set()

    def evaluate(self, frame: Frame, node: ast.expr) -> Value:
        """See ``Reader``. Raises ``TooMuchError`` when the code does not come to an end."""
        self._steps += 1
        if self._steps > _STEPS or frame.depth > _DEPTH:
            raise TooMuchError
        read = EXPRESSIONS.get(type(node))
        if frame.outside and isinstance(node, ast.Call):
            # A call outside of models makes one thing, however often it is come across.
            if node not in self._outside:
                self._outside[node] = LOST
                self._outside[node] = called(self, frame, node)
            return self._outside[node]
        return LOST if read is None else read(self, frame, node)

    def execute(self, frame: Frame, body: Sequence[ast.stmt]) -> bool:
        """See ``Reader``."""
        for statement in body:
            self._steps += 1
            read = STATEMENTS.get(type(statement))
            if read is not None and read(self, frame, statement):
                return True
        return False

    def call(
        self,
        frame: Frame,
        callee: Value,
        given: Sequence[Value],
        keywords: Mapping[str, Value],
        node: ast.Call | None = None,
    ) -> Value:
        """See ``Reader``."""
        if isinstance(callee, External):
            if callee.name == "builtins.super" and frame.owner is not None and frame.home is not None:
                return Super(frame.owner, frame.home)
            return call_external(Call(self, frame, given, keywords, node), callee.name)
        if isinstance(callee, Method):
            return call_method(Call(self, frame, given, keywords, node), callee)
        if isinstance(callee, Function):
            return self._run(frame, callee, given, keywords)
        if isinstance(callee, Class):
            return self.instantiate(frame, callee, given, keywords)
        if isinstance(callee, Layer):
            return apply_made_layer(self, callee, given, keywords)
        if isinstance(callee, Container):
            return apply_container(self, frame, callee, given)
        if isinstance(callee, Object):
            method = self._method(callee, "forward" if callee.is_network else "__call__")
            return self._run(frame, method, given, keywords) if method is not None else LOST
        self.facts.loosen(*(value for value in given if isinstance(value, (Tensor, Items))))
        return LOST

    def instantiate(
        self, frame: Frame, made: Class, given: Sequence[Value], keywords: Mapping[str, Value]
    ) -> Object:
        """Return an object of a class of the program, its ``__init__`` read."""
        result = Object(made.module, made.node, self.is_network(made.module, made.node))
        if result.is_network:
            self.facts.networks.add(made.node)
        method = self._method(result, "__init__")
        if method is not None:
            self._run(frame, method, given, keywords)
        else:
            self._fill_fields(result, given, keywords)
        return result

    def is_network(self, module: Module, node: ast.ClassDef) -> bool:
        """Whether the class is a ``torch.nn.Module``, directly or through its bases."""
        bases = (
            self.names.qualify(home, base) or ""
            for home, owner in self._lineage(module, node)
            for base in owner.bases
        )
        return any(base in NETWORKS or _is_layer(base) for base in bases)

    def member(self, frame: Frame, value: Value, name: str, node: ast.Attribute | None = None) -> Value:
        """See ``Reader``."""
        if isinstance(value, Object):
            return self._of_object(frame, value, name)
        if isinstance(value, Tensor):
            return _of_tensor(self.facts, value, name)
        if isinstance(value, Layer):
            found = weight_of(value) if name == "weight" else value.arguments.get(name)
            return Method(value, name) if found is None else found
        if isinstance(value, Container):
            return value.items.get(name, Method(value, name))
        if isinstance(value, External):
            return External(f"{value.name}.{name}")
        if isinstance(value, Super):
            inherited = self._inherited(value, name)
            return inherited if inherited is not None else Method(value, name)
        if isinstance(value, Lost):
            found = self._traced(frame, node) if node is not None else LOST
            return Method(value, name) if isinstance(found, Lost) else found
        return Method(value, name)

    def found_outside(self, frame: Frame, node: ast.expr) -> Value:
        """See ``Reader``."""
        module = frame.module
        definition = self.tracer.calls.resolve(module, node)
        of_module = isinstance(node, ast.Name) or (
            isinstance(node, ast.Attribute) and self.tracer.calls.module_named(module, node.value) is not None
        )
        if isinstance(definition, (ast.FunctionDef, ast.ClassDef)) and of_module:
            home = self._home(definition)
            return (
                Class(home, definition)
                if isinstance(definition, ast.ClassDef)
                else Function(home, definition)
            )
        qualified = self.names.qualify(module, node)
        if qualified is not None and not qualified.startswith("local:"):
            return External(qualified)
        found = self._traced(frame, node)
        if isinstance(found, Lost) and isinstance(node, ast.Name) and frame.outside:
            return self._latest(frame, node)
        return found

    def splatted(self, frame: Frame, callee: Value, table: ast.expr) -> dict[str, Value]:
        """See ``Reader``."""
        if isinstance(callee, Class):
            made = Object(callee.module, callee.node, is_network=False)
            function = self._method(made, "__init__")
        else:
            function = callee if isinstance(callee, Function) else None
        found: dict[str, Value] = {}
        for parameter, _ in _defaults(function.node.args) if function is not None else ():
            origins = self.tracer.trace_entry(frame.module, table, parameter.arg)
            if origins:
                plain = len(origins) == 1 and len(origins[0].spans) == 1
                found[parameter.arg] = _of_origin(origins[0]) if plain else LOST
        return found

    def outside_value(self, module: Module, node: ast.expr) -> Value:
        """Return what an expression outside of all models stands for. Each is read once."""
        if node in self._open:
            return LOST
        if node not in self._outside:
            self._open.add(node)
            self._outside[node] = self.evaluate(Frame(module, outside=True), node)
            self._open.discard(node)
        return self._outside[node]

    def _run(
        self, frame: Frame, function: Function, given: Sequence[Value], keywords: Mapping[str, Value]
    ) -> Value:
        inner = Frame(function.module, dict(function.closure), depth=frame.depth + 1, home=function.home)
        if frame.depth > _DEPTH:
            raise TooMuchError
        if isinstance(function.owner, Object):
            given = [function.owner, *given]
            inner.owner = function.owner
        self._bind_parameters(inner, function, given, keywords)
        if isinstance(function.node, ast.Lambda):
            return self.evaluate(inner, function.node.body)
        self.execute(inner, function.node.body)
        kept = [value for value in inner.returned if not isinstance(value, Lost)]
        return kept[-1] if kept else LOST

    def _bind_parameters(
        self, inner: Frame, function: Function, given: Sequence[Value], keywords: Mapping[str, Value]
    ) -> None:
        arguments = function.node.args
        plain = [*arguments.posonlyargs, *arguments.args]
        for parameter, default in _defaults(arguments):
            if default is not None:
                held = self.evaluate(Frame(function.module, depth=inner.depth), default)
                inner.names[parameter.arg] = self._named(held, f"{_title(function)}.{parameter.arg}")
            else:
                inner.names[parameter.arg] = LOST
        for parameter, value in zip(plain, given, strict=False):
            inner.names[parameter.arg] = value
        known = {parameter.arg for parameter, _ in _defaults(arguments)}
        inner.names.update({name: value for name, value in keywords.items() if name in known})
        if arguments.vararg is not None:
            inner.names[arguments.vararg.arg] = Items(list(given[len(plain) :]), is_tuple=True)
        if arguments.kwarg is not None:
            rest: dict[object, Value] = {name: value for name, value in keywords.items() if name not in known}
            inner.names[arguments.kwarg.arg] = Table(rest)

    def _fill_fields(self, made: Object, given: Sequence[Value], keywords: Mapping[str, Value]) -> None:
        """Set the fields of a data class: what is given, or else the default."""
        fields = [
            (statement.target.id, statement.value)
            for statement in made.node.body
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
        ]
        for name, default in fields:
            if default is not None:
                held = self.evaluate(Frame(made.module), default)
                made.attributes[name] = self._named(held, f"{made.node.name}.{name}")
        made.attributes.update(zip((name for name, _ in fields), given, strict=False))
        made.attributes.update(keywords)

    @staticmethod
    def _named(value: Value, name: str, style: Style = "default") -> Value:
        if isinstance(value, Number) and isinstance(value.size, Leaf) and not value.size.named:
            return Number(Leaf(value.size.span, value.size.number, style, name))
        return value

    def _of_object(self, frame: Frame, value: Object, name: str) -> Value:
        if name in value.attributes:
            return value.attributes[name]
        method = self._method(value, name)
        if method is not None:
            decorators = getattr(method.node, "decorator_list", [])
            plain = [ast.unparse(decorator).rpartition(".")[2] for decorator in decorators]
            if "property" in plain or "cached_property" in plain:
                return self._run(frame, method, [], {})
            if "staticmethod" in plain:
                return Function(method.module, method.node, None, method.home)
            return method
        for module, owner in self._lineage(value.module, value.node):
            for binding in module.scopes[owner].bindings.get(name, ()):
                if binding.kind == "assign" and binding.value is not None:
                    held = self.evaluate(Frame(module), binding.value)
                    return self._named(held, f"{owner.name}.{name}", "constant")
        if value.is_network:
            return LOST if name in ("training", "hparams") else Method(value, name)
        return LOST

    def _method(self, value: Object, name: str) -> Function | None:
        return self._find_method(value, self._lineage(value.module, value.node), name)

    @staticmethod
    def _find_method(
        value: Object, lineage: Iterator[tuple[Module, ast.ClassDef]], name: str
    ) -> Function | None:
        for module, owner in lineage:
            for item in owner.body:
                if isinstance(item, ast.FunctionDef) and item.name == name:
                    return Function(module, item, value, owner)
        return None

    def _inherited(self, value: Super, name: str) -> Function | None:
        lineage = list(self._lineage(value.owner.module, value.owner.node))
        places = [place for place, (_, owner) in enumerate(lineage) if owner is value.home]
        return self._find_method(value.owner, iter(lineage[places[0] + 1 :]), name) if places else None

    def _lineage(self, module: Module, node: ast.ClassDef) -> Iterator[tuple[Module, ast.ClassDef]]:
        """Yield the class and its bases in the program, nearest first."""
        pending, seen = [(module, node)], {node}
        while pending:
            home, owner = pending.pop(0)
            yield home, owner
            for base in owner.bases:
                definition = self.tracer.calls.resolve(home, base)
                if isinstance(definition, ast.ClassDef) and definition not in seen:
                    seen.add(definition)
                    pending.append((self._home(definition), definition))

    def _home(self, definition: ast.AST) -> Module:
        return next(module for module in self.tracer.calls.program.modules if definition in module.scopes)

    def _traced(self, frame: Frame, node: ast.expr) -> Value:
        origins = self.tracer.trace(frame.module, node)
        if len(origins) == 1 and len(origins[0].spans) == 1:
            return _of_origin(origins[0])
        if origins:
            return LOST
        ends = [end for end in self.tracer.ends(frame.module, node) if end.node is not node]
        return self._end(ends[0]) if len(ends) == 1 else LOST

    def _end(self, end: Found) -> Value:
        if isinstance(end.node, (ast.Name, ast.Attribute, ast.Subscript)):
            return LOST
        return self._named_parts(self.outside_value(end.module, end.node), end.hop.name)

    def _named_parts(self, value: Value, name: str) -> Value:
        if isinstance(value, Items):
            parts = [self._named_parts(item, f"{name}_{place}") for place, item in enumerate(value.items)]
            return Items(parts, value.is_tuple)
        return self._named(value, name, "constant")

    def _latest(self, frame: Frame, node: ast.Name) -> Value:
        """Return what a name holds that is set several times: an object or a tensor, from the place above."""
        found = frame.module.scope_of(node).find(node.id)
        if found is None:
            return LOST
        inside = found[0] is frame.module.scope_of(node)
        values = [
            binding.value
            for binding in found[1]
            if binding.kind == "assign"
            and binding.value is not None
            and (not inside or getattr(binding.node, "lineno", 0) < node.lineno)
        ]
        value = self.outside_value(frame.module, values[-1]) if values else LOST
        return value if isinstance(value, (Object, Tensor, Container, Layer, Items)) else LOST


def _is_layer(name: str) -> bool:
    return name.startswith("torch.nn.") and name.count(".") == 2 and name[9:10].isupper()


def _title(function: Function) -> str:
    """Return what a function's defaults are called after: its class, or itself."""
    name = getattr(function.node, "name", "lambda")
    return function.home.name if function.home is not None and name == "__init__" else name


def _of_origin(origin: Origin) -> Value:
    if isinstance(origin.value, int) and not isinstance(origin.value, bool):
        return Number(Leaf(origin.spans[0], origin.value, origin.style, origin.name))
    return Plain(origin.value)


def _of_tensor(facts: Facts, value: Tensor, name: str) -> Value:
    if name == "shape":
        return shape_of(value)
    if name in ("data", "grad", "real"):
        return value
    if name in ("T", "mT"):
        return call_tensor_function(facts, "t", [value], {})
    return Method(value, name)


def _defaults(arguments: ast.arguments) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    plain = [*arguments.posonlyargs, *arguments.args]
    filled: list[ast.expr | None] = [None] * (len(plain) - len(arguments.defaults))
    yield from zip(plain, [*filled, *arguments.defaults], strict=True)
    yield from zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
