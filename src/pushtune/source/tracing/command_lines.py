"""Classes that a library's command line makes itself: ``LightningCLI(Net, Data)``, ``fire.Fire(Main)``."""

from __future__ import annotations

import ast

from pushtune.source.program import Module
from pushtune.source.tracing.base import Follower

_MAKERS = ("CLI", "auto_cli", "Fire")
"""Endings of the callables that make the classes which they are given, with their parameters' defaults."""

_FILES = ("--config", "-c")
"""Options with which anything may be given, in a file."""


def made_by_command_line(tracer: Follower, module: Module, function: ast.AST, name: str) -> bool:
    """Whether ``function`` is the ``__init__`` of a class that is made so, with the default of ``name``."""
    owner = module.parents.get(function)
    if any(option in _FILES or option.endswith("." + name) for option in tracer.given):
        return False
    if not isinstance(owner, ast.ClassDef) or getattr(function, "name", "") != "__init__":
        return False
    return any(_is_made_from(home, node) for home, node in tracer.calls.mentions(owner))


def _is_made_from(module: Module, node: ast.AST) -> bool:
    """Whether ``node`` is given to what makes classes of the command line's options."""
    call = module.parents.get(node)
    call = module.parents.get(call) if isinstance(call, ast.keyword) else call
    if not isinstance(call, ast.Call) or call.func is node:
        return False
    return str(getattr(call.func, "attr", getattr(call.func, "id", ""))).endswith(_MAKERS)
