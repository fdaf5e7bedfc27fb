"""Values that stand on the command line: what an option, a parameter or ``sys.argv[1]`` is given there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from pushtune.source.tracing.base import Follower, Found, Hop
from pushtune.source.tracing.declared import choices_of, kind_of

_READERS = ("fire", "typer", "tyro", "plac", "defopt")
"""Libraries that hand the options to the parameters that are called so."""


def given_value(tracer: Follower, call: ast.Call, hop: Hop) -> Iterator[Found]:
    """Yield the value that the command line gives to the option which ``call`` declares, if it is certain."""
    module, kind, choices = tracer.program.command_line, kind_of(call), choices_of(call)
    node = tracer.command_line.value(call)
    if module is not None and node is not None and kind is not None and choices is not None:
        yield Found(module, node, replace(hop.as_number(kind), choices=choices))


def named_value(tracer: Follower, name: str, kind: str, hop: Hop) -> Iterator[Found]:
    """Yield the value that ``--name`` is given for a parameter, where a library reads the command line."""
    module, node = tracer.program.command_line, tracer.command_line.named(name)
    if module is not None and node is not None and _is_read_by_library(tracer):
        yield Found(module, node, hop.to("argparse", name, certain=False).as_number(kind))


def follow_argument(tracer: Follower, number: int, hop: Hop) -> Iterator[Found]:
    """Yield what ``sys.argv[number]`` holds, where the script is given so many arguments."""
    module, node = tracer.program.command_line, tracer.command_line.argument(number - 1)
    if module is not None and node is not None:
        yield Found(module, node, hop.to("argparse", hop.name or f"argv_{number}"))


def _is_read_by_library(tracer: Follower) -> bool:
    return any(
        binding.target.partition(".")[0] in _READERS
        for module in tracer.program.modules
        for bindings in module.scope.bindings.values()
        for binding in bindings
    )
