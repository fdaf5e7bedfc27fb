"""Settings that are handed to an experiment tracker and read back from it: ``wandb.config.lr``."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pushtune.source.program import Module
from pushtune.source.tracing.base import Follower, Found, Hop

_STARTS = "wandb.init"
_SWEEPS = "wandb.agent"
"""Where an agent chooses the settings, the script searches by itself: what it starts with is not read."""


def follow_tracked(
    tracer: Follower, module: Module, node: ast.Attribute, hop: Hop, depth: int
) -> Iterator[Found]:
    """Yield the table that ``wandb.init(config=…)`` was given, where ``node`` is what it keeps of it."""
    if node.attr != "config" or not _is_kept(tracer, module, node):
        return
    starts = list(_calls(tracer, _STARTS))
    if any(True for _ in _calls(tracer, _SWEEPS)):
        return
    step = hop if len(starts) == 1 else hop.maybe()
    for home, call in starts:
        for keyword in call.keywords:
            if keyword.arg == "config":
                yield from tracer.follow(home, keyword.value, step, depth - 1)


def _is_kept(tracer: Follower, module: Module, node: ast.Attribute) -> bool:
    """Whether ``node`` is ``wandb.config``, or ``run.config`` of what ``wandb.init`` returned."""
    if tracer.names.qualify(module, node) == "wandb.config":
        return True
    if not isinstance(node.value, ast.Name):
        return False
    return any(
        isinstance(value, ast.Call) and tracer.names.call(module, value) == _STARTS
        for value in _bound(module, node.value)
    )


def _bound(module: Module, name: ast.Name) -> Iterator[ast.expr]:
    """Yield what the name is assigned, and what ``with … as name`` opens."""
    found = module.scope_of(name).find(name.id)
    for binding in found[1] if found is not None else ():
        if binding.value is not None:
            yield binding.value
        outer = module.parents.get(binding.node)
        if isinstance(outer, ast.withitem):
            yield outer.context_expr


def _calls(tracer: Follower, name: str) -> Iterator[tuple[Module, ast.Call]]:
    last = name.rpartition(".")[2]
    for module in tracer.program.modules:
        for call in module.called.get(last, ()):
            if tracer.names.call(module, call) == name:
                yield module, call
