"""Command-line options: defaults given to argparse and click."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pushtune.source.program import Module
from pushtune.source.tracing.base import Follower, Found, Hop


def is_parsed(tracer: Follower, found: Found) -> bool:
    """Whether ``found`` is what ``parser.parse_args()`` returned (or ``parse_known_args()[0]``)."""
    node = found.node
    if isinstance(node, ast.Subscript) and literal_index(node) == 0:
        node = node.value
        return _calls(node, "parse_known_args")
    return _calls(node, "parse_args", "parse_known_args")


def literal_index(node: ast.Subscript) -> object:
    """Return the literal between the brackets, or None."""
    return node.slice.value if isinstance(node.slice, ast.Constant) else None


def follow_option(
    tracer: Follower, module: Module, name: str, base: str, hop: Hop, depth: int
) -> Iterator[Found]:
    """Yield the default of the one option that is stored as ``name``, unless the command line gives it."""
    options = list(_options(module, name))
    if len(options) != 1 or _has_set_defaults(module):
        return
    call = options[0]
    if _is_given(tracer, _flags(call)) or not _flags(call)[0].startswith("-"):
        return
    for keyword in call.keywords:
        if keyword.arg == "default":
            yield from tracer.follow(module, keyword.value, hop.to("argparse", f"{base}.{name}"), depth)


def click_default(tracer: Follower, module: Module, function: ast.AST, name: str) -> ast.expr | None:
    """Return the default that a ``@click.option`` above ``function`` gives the parameter ``name``."""
    for decorator in getattr(function, "decorator_list", ()):
        if not isinstance(decorator, ast.Call) or not decorator.args or not _calls(decorator, "option"):
            continue
        flags = _flags(decorator)
        if _destination(decorator) != name or _is_given(tracer, flags):
            continue
        for keyword in decorator.keywords:
            if keyword.arg == "default":
                return keyword.value
    return None


def _is_given(tracer: Follower, flags: list[str]) -> bool:
    """Whether the command line sets one of ``flags``, also abbreviated (``--ep 3``) or joined (``-e3``)."""
    for given in tracer.given:
        for flag in flags:
            if given == flag or (given.startswith("--") and len(given) > 2 and flag.startswith(given)):
                return True
            if len(flag) == 2 and not given.startswith("--") and given.startswith(flag):
                return True
    return False


def _options(module: Module, name: str) -> Iterator[ast.Call]:
    for call in module.calls:
        if _calls(call, "add_argument") and _flags(call) and _destination(call) == name:
            yield call


def _has_set_defaults(module: Module) -> bool:
    return any(_calls(call, "set_defaults") for call in module.calls)


def _calls(node: ast.AST, *methods: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in methods


def _flags(call: ast.Call) -> list[str]:
    return [
        argument.value
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]


def _destination(call: ast.Call) -> str:
    """Return the attribute under which the option is stored: ``dest``, or its first long flag."""
    for keyword in call.keywords:
        if keyword.arg == "dest" and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
    flags = _flags(call)
    bare = [flag for flag in flags if not flag.startswith("-")]
    long = [flag for flag in flags if flag.startswith("--")]
    return (bare or long or flags or [""])[0].lstrip("-").replace("-", "_")
