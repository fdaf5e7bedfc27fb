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
    return any(
        tracer.calls.resolve(home, argument) is owner
        for home in tracer.program.modules
        for called, calls in home.called.items()
        if called.endswith(_MAKERS)
        for call in calls
        for argument in (*call.args, *(keyword.value for keyword in call.keywords))
        if isinstance(argument, (ast.Name, ast.Attribute))
    )
