"""Values in configuration files that the script reads: YAML, JSON, TOML, INI."""

from __future__ import annotations

import ast

from pushtune.source.program import Module
from pushtune.source.tracing.base import Follower, Found, Hop
from pushtune.source.tracing.paths import document_path, hydra_path


def follow_document(tracer: Follower, module: Module, node: ast.Call, hop: Hop, depth: int) -> list[Found]:
    """Return the root of the file that the call reads and parses; nothing if it is no such call."""
    path = document_path(tracer, module, node, depth)
    if tracer.names.call(module, node) == "omegaconf.OmegaConf.load":
        hop = hop.as_number("float")  # it reads 1e-3 as a number, as YAML 1.2 does
    return _root(tracer, path, hop) if path is not None else []


def configured(tracer: Follower, module: Module, function: ast.AST, name: str, hop: Hop) -> Found | None:
    """Return the root of the file that ``@hydra.main`` hands to the first parameter of ``function``."""
    arguments = getattr(function, "args", None)
    if not isinstance(arguments, ast.arguments) or not arguments.args or arguments.args[0].arg != name:
        return None
    for decorator in getattr(function, "decorator_list", ()):
        if isinstance(decorator, ast.Call) and tracer.names.call(module, decorator) == "hydra.main":
            path = hydra_path(module, decorator)
            return next(
                iter(_root(tracer, path, hop.to("config", name).as_number("float")) if path else []), None
            )
    return None


def _root(tracer: Follower, path: str, hop: Hop) -> list[Found]:
    for home in tracer.program.documents:
        if home.path == path and home.document is not None:
            return [Found(home, home.document.root, hop)]
    return []
