"""Loops that try one value after the other by hand: what they run over is searched already."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pushtune.source.calls import CallIndex
from pushtune.source.program import Module

_TRAINING = ("fit", "fit_generator", "backward", "compile", "train_on_batch", "minimize", "apply_gradients")
_SCORING = ("cross_val_score", "cross_validate", "train")
_DEPTH = 4
_LOOPS = (ast.For, ast.AsyncFor, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def is_sweep(calls: CallIndex, module: Module, target: ast.AST) -> bool:
    """Whether the loop whose variable ``target`` is trains a model in each turn, now or later."""
    loop = next((outer for outer in module.around(target) if isinstance(outer, _LOOPS)), None)
    if loop is None:
        return False
    return any(_trains(calls, module, turn, _DEPTH, set()) for turn in (loop, *_later(module, loop)))


def _later(module: Module, loop: ast.AST) -> Iterator[ast.AST]:
    """Yield the loops over what the comprehension ``loop`` made: ``models = [Model(c) for c in costs]``."""
    statement = module.statement(loop)
    if isinstance(loop, (ast.ListComp, ast.DictComp)) and isinstance(statement, ast.Assign):
        for target in statement.targets:
            for read in module.loads.get(target.id, ()) if isinstance(target, ast.Name) else ():
                if module.scope_of(read) is module.scope_of(target):
                    yield from _over(module, read)


def _over(module: Module, read: ast.Name) -> Iterator[ast.AST]:
    for outer in module.around(read):
        if isinstance(outer, (ast.For, ast.AsyncFor)) and read in ast.walk(outer.iter):
            yield outer


def _trains(calls: CallIndex, module: Module, node: ast.AST, depth: int, seen: set[ast.AST]) -> bool:
    for call in _calls_in(node):
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        if name in _SCORING or (name in _TRAINING and isinstance(call.func, ast.Attribute)):
            return True
        definition = calls.resolve(module, call.func) if depth else None
        if definition is not None and definition not in seen:
            seen.add(definition)
            if _trains(calls, calls.program.homes[definition], definition, depth - 1, seen):
                return True
    return False


def _calls_in(node: ast.AST) -> Iterator[ast.Call]:
    return (inner for inner in ast.walk(node) if isinstance(inner, ast.Call))
