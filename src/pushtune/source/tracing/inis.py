"""Values that ``configparser`` reads: ``config.getfloat("train", "lr")``, ``config["train"]["lr"]``."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pushtune.source.documents import is_ini
from pushtune.source.program import Module
from pushtune.source.tracing.base import Follower, Found, Hop
from pushtune.source.tracing.literals import literal_value
from pushtune.source.tracing.paths import ini_paths, is_ini_parser
from pushtune.source.tracing.tables import entry

_GETTERS = {"get": "", "getint": "int", "getfloat": "float"}


def follow_ini(tracer: Follower, module: Module, node: ast.Call, hop: Hop, depth: int) -> list[Found]:
    """Return the root of the one file that the parser which ``node`` makes reads, or the value it gets."""
    if not any(is_ini(home.path) for home in tracer.program.documents):
        return []
    if is_ini_parser(tracer, module, node):
        paths = set(ini_paths(tracer))
        homes = [home for home in tracer.program.documents if {home.path} == paths]
        return [Found(home, home.document.root, hop) for home in homes if home.document is not None]
    return list(_got(tracer, module, node, hop, depth))


def _got(tracer: Follower, module: Module, node: ast.Call, hop: Hop, depth: int) -> Iterator[Found]:
    """Yield what ``config.getint("train", "epochs")`` or ``section.getint("epochs")`` gives."""
    called = node.func
    if not isinstance(called, ast.Attribute) or called.attr not in _GETTERS:
        return
    keys = [literal_value(argument) for argument in node.args]
    step = hop.as_number(_GETTERS[called.attr])
    for end in tracer.follow(module, called.value, step, depth - 1):
        document = end.module.document
        if document is None or not is_ini(end.module.path):
            continue
        places = [end]
        for key in keys[: 2 if end.node is document.root else 1]:
            name = "" if key is None else str(key[0])
            places = [
                found for place in places for found in entry(tracer, place, name, place.hop.name, depth) or ()
            ]
        yield from places
