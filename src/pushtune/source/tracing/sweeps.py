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
    """Whether the loop whose variable ``target`` is trains a model in each turn."""
    loop = next((outer for outer in module.around(target) if isinstance(outer, _LOOPS)), None)
    return loop is not None and _trains(calls, module, loop, _DEPTH, set())


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
