"""On which part of the data a shown value was measured: its words, how it came about, where it is shown."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pushtune.analyse.reading import Called, Reading, values_of
from pushtune.analyse.shown import Slot
from pushtune.analyse.splits import split_of_name, split_of_text
from pushtune.model.analysis import Split
from pushtune.source import Module

_DEPTH = 4
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_LOOPS = (ast.For, ast.AsyncFor)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_HELD_OUT: tuple[Split, ...] = ("test", "validation", "train")
_PURPOSES: dict[str, Split] = {
    "test": "test", "testing": "test", "evaluate": "test", "eval": "test", "evaluation": "test",
    "validate": "validation", "validation": "validation", "val": "validation", "valid": "validation",
    "train": "train", "training": "train",
}  # fmt: skip


class Splits:
    """Answers for one script. What it finds out about callers and held-out data it finds out once."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._calls: dict[str, list[Called]] = {}
        for call in reading.calls:
            self._calls.setdefault(call.last, []).append(call)
        self._functions: dict[str, list[ast.AST]] = {}
        for node in (node for module in reading.program.modules for node in module.scopes):
            if isinstance(node, _FUNCTIONS):
                self._functions.setdefault(node.name, []).append(node)
        descended = {_root(call.receiver) for call in reading.methods("backward")} - {""}
        self._backward = descended.union(*(_summands(m, descended) for m in reading.program.modules))
        self._has_held_out = any(_mentions_held_out(module) for module in reading.program.modules)

    def of(self, slot: Slot) -> Split:
        """Return the split of a shown value; ``unknown`` is an answer."""
        told = split_of_text(slot.label)
        told = told if told != "unknown" else self._written(slot.value)
        told = told if told != "unknown" else split_of_text(slot.line)
        if told != "unknown":
            return told
        return self._behind(slot.module, slot.value) or self._around(slot)

    def _behind(self, module: Module, value: ast.expr) -> Split | None:
        if self._is_descended(module, value):
            return "train"
        return self._of_data(module, value, _DEPTH + 1, set())

    def _is_descended(self, module: Module, value: ast.expr) -> bool:
        """Whether it is the loss whose gradient the training follows, or a part of that loss."""
        return _root(value) in self._backward and not self._is_assigned_anew(module, value)

    def _is_assigned_anew(self, module: Module, value: ast.expr) -> bool:
        """Whether a held-out loop gives the same name a value: the loss of ``test`` is none of ``train``."""
        function = _function_around(module, value)
        return function is not None and not any(
            _root(call.receiver) == _root(value) and _function_around(call.module, call.node) is function
            for call in self._calls.get("backward", ())
        )

    def _around(self, slot: Slot) -> Split:
        """Say what the place tells: the function's name, ``no_grad``, a program without held-out data."""
        for outer in slot.module.around(slot.call.node):
            if isinstance(outer, _FUNCTIONS):
                told = _purpose(outer.name)
                if told is not None:
                    return told
            if isinstance(outer, ast.With) and any(
                "no_grad" in ast.dump(i.context_expr) for i in outer.items
            ):
                return "test"
        return "unknown" if self._has_held_out else "train"

    @staticmethod
    def _written(value: ast.expr) -> Split:
        """Return what the words inside the expression say: ``test_acc``, ``losses["val"]``."""
        methods = {id(node.func) for node in ast.walk(value) if isinstance(node, ast.Call)}
        told: set[Split] = set()
        for node in ast.walk(value):
            text = node.id if isinstance(node, ast.Name) else ""
            # tensor.eval() computes, model.train() sets a mode: neither speaks of data.
            if isinstance(node, ast.Attribute) and not (
                id(node) in methods and node.attr in ("eval", "train")
            ):
                text = node.attr
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
            told.add(split_of_name(text) if text else "unknown")
        # What speaks of both (for phase in ["train", "val"]) ends with the one that is held out.
        return next((split for split in _HELD_OUT if split in told), "unknown")

    def _flow(
        self, module: Module, value: ast.AST, at: ast.AST, depth: int, seen: set[tuple[int, str]]
    ) -> Split | None:
        """Follow the names of ``value`` to what was measured: loops over data, arguments, calls."""
        names = [
            node for node in ast.walk(value) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        ]
        for name in names if depth > 0 else ():
            scope = module.scope_of(name)
            found = scope.find(name.id)
            if found is None or (id(found[0]), name.id) in seen:
                continue
            seen.add((id(found[0]), name.id))
            for source in self._sources(module, name, at):
                told = self._of_source(module, source, depth, seen)
                if told is not None:
                    return told
        return None

    def _sources(self, module: Module, name: ast.Name, at: ast.AST) -> Iterator[ast.AST]:
        """Yield what gives ``name`` its value, statements and parameters, the nearest above ``at`` first."""
        found = module.scope_of(name).find(name.id)
        nodes = [binding.node for binding in found[1]] if found else []
        line = getattr(at, "lineno", 0)
        above = [node for node in nodes if getattr(node, "lineno", 0) <= line]
        yield from sorted(above or nodes, key=lambda node: -getattr(node, "lineno", 0))
        # correct.append(…), losses[i] = …: what is put into it counts as well.
        for call in self._reading.calls:
            into = call.receiver if call.method in ("append", "update", "extend", "add") else None
            if call.module is module and isinstance(into, ast.Name) and into.id == name.id:
                yield call.node

    def _of_source(
        self, module: Module, node: ast.AST, depth: int, seen: set[tuple[int, str]]
    ) -> Split | None:
        if isinstance(node, ast.arg):
            return self._of_parameter(module, node, depth)
        statement = module.statement(node) if not isinstance(node, ast.stmt) else node
        value = node if isinstance(node, ast.Call) else getattr(statement, "value", None)
        if isinstance(value, ast.expr) and self._is_descended(module, value):
            return "train"
        for outer in (statement, *module.around(statement)):
            if isinstance(outer, _LOOPS):
                told = self._of_data(module, outer.iter, depth, seen)
                if told is not None:
                    return told
            if isinstance(outer, _FUNCTIONS):
                break
        return self._of_data(module, value, depth, seen) if isinstance(value, ast.expr) else None

    def _of_data(
        self, module: Module, value: ast.expr, depth: int, seen: set[tuple[int, str]]
    ) -> Split | None:
        told = self._written(value)
        if told != "unknown":
            return told
        if _of_history(module, value):
            return "train"
        called = [node.func for node in ast.walk(value) if isinstance(node, ast.Call)]
        for function in called:
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            purpose = self._looped_in(name) or _purpose(name)
            if purpose is not None:
                return purpose
        return self._flow(module, value, value, depth - 1, seen)

    def _looped_in(self, name: str) -> Split | None:
        """Return what data a function of the script's own goes through, if its loops say so."""
        for function in self._functions.get(name, ()):
            loops = [node for node in ast.walk(function) if isinstance(node, _LOOPS)]
            told = [self._written(loop.iter) for loop in loops]
            found = next((split for split in told if split != "unknown"), None)
            if found is not None:
                return found
        return None

    def _of_parameter(self, module: Module, node: ast.arg, depth: int) -> Split | None:
        """Return what the callers give: of several the one that is held out."""
        function = module.parents.get(module.parents.get(node, node))
        if not isinstance(function, _FUNCTIONS):
            return None
        names = [item.arg for item in (*function.args.posonlyargs, *function.args.args)]
        place = names.index(node.arg) if node.arg in names else -1
        bound = isinstance(module.parents.get(function), ast.ClassDef)
        told: set[Split] = set()
        for call in self._calls.get(function.name, ()):
            given = call.argument(place - bound if place >= bound else -1, node.arg)
            if given is not None:
                told.add(self._of_data(call.module, given, depth - 1, set()) or "unknown")
        return next((split for split in _HELD_OUT if split in told), None)


def _purpose(name: str) -> Split | None:
    """Return what a function is for by its name: ``test``, ``evaluate_model``, ``train_epoch``."""
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    return next((_PURPOSES[word] for word in words if word in _PURPOSES), None)


def _of_history(module: Module, value: ast.expr) -> bool:
    """Whether an entry of what Keras' ``fit`` recorded is read; those on held-out data begin with ``val``."""
    for node in ast.walk(value):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            kept = [node.value, *values_of(module, node.value)]
            if any(isinstance(item, ast.Attribute) and item.attr == "history" for item in kept):
                return isinstance(node.slice.value, str)
    return False


def _root(node: ast.expr | None) -> str:
    """Return the name that an expression is made from by methods and items: ``loss`` of ``loss.item()``."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _summands(module: Module, names: set[str]) -> set[str]:
    """Return the variables that ``names`` are summed from: ``loss = reconstruction + divergence``."""
    sums = (
        node.value
        for node in module.parents
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp)
        if any(isinstance(target, ast.Name) and target.id in names for target in node.targets)
    )
    return {name.id for value in sums for name in ast.walk(value) if isinstance(name, ast.Name)}


def _function_around(module: Module, node: ast.AST) -> ast.AST | None:
    return next((outer for outer in module.around(node) if isinstance(outer, _FUNCTIONS)), None)


def _mentions_held_out(module: Module) -> bool:
    """Whether anything in the file speaks of data that the model is not fitted on."""
    for node in module.parents:
        if isinstance(node, ast.Name):
            text = node.id
        elif isinstance(node, ast.Attribute):
            text = node.attr
        elif isinstance(node, (ast.arg, ast.keyword)):
            text = node.arg or ""
            if text == "train" and isinstance(node, ast.keyword):
                return True
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 40:
            text = node.value
        else:
            continue
        if split_of_name(text) in ("test", "validation") or "cross_val" in text:
            return True
    return False
