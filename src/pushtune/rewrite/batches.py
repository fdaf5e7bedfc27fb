"""Where the batches of a training loop come from: what its steps are made on is what trains."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pushtune.source import Module, Program
from pushtune.source.tracing import Tracer

_STEPS = ("apply_gradients", "train_on_batch", "minimize")
_THROUGH = ("enumerate", "zip", "tqdm", "iter")
_DEPTH = 4


def batch_sources(program: Program, tracer: Tracer) -> Iterator[tuple[Module, ast.expr]]:
    """Yield what the loops run over whose turns train, with their files."""
    for module in program.modules:
        for node in module.parents:
            if isinstance(node, (ast.For, ast.AsyncFor)) and _trains(tracer, module, node, _DEPTH, set()):
                yield from ((module, expression) for expression in _iterated(node.iter))


def _iterated(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.Call) and _called(node) in _THROUGH:
        for argument in node.args:
            yield from _iterated(argument)
    else:
        yield node


def _trains(tracer: Tracer, module: Module, node: ast.AST, depth: int, seen: set[ast.AST]) -> bool:
    """Whether ``node`` holds a step of training, or calls a local function that does."""
    for inner in ast.walk(node):
        if not isinstance(inner, ast.Call):
            continue
        if isinstance(inner.func, ast.Attribute) and inner.func.attr in _STEPS:
            return True
        definition = tracer.calls.resolve(module, inner.func) if depth else None
        if definition is not None and definition not in seen:
            seen.add(definition)
            if _trains(tracer, tracer.program.homes[definition], definition, depth - 1, seen):
                return True
    return False


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))
