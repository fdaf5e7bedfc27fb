"""Command-line options: defaults given to argparse, click, and the flags of absl."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterator

from pushtune.model.analysis import Span
from pushtune.source.program import Module
from pushtune.source.tracing.base import Follower, Found, Hop
from pushtune.source.tracing.declared import kind_of, texts
from pushtune.source.tracing.given_values import given_value
from pushtune.source.tracing.tables import search

_FLAGS = ("absl.flags.FLAGS", "tensorflow.app.flags.FLAGS", "tensorflow.compat.v1.app.flags.FLAGS",
          "tensorflow.flags.FLAGS", "tensorflow.compat.v1.flags.FLAGS")  # fmt: skip


def is_parsed(tracer: Follower, found: Found) -> bool:
    """Whether ``found`` is what ``parser.parse_args()`` returned (or ``parse_known_args()[0]``)."""
    node = found.node
    if isinstance(node, ast.Subscript) and literal_index(node) == 0:
        node = node.value
        return _calls(node, "parse_known_args")
    return _calls(node, "parse_args", "parse_known_args")


def is_flags(tracer: Follower, module: Module, node: ast.expr) -> bool:
    """Whether ``node`` is the ``FLAGS`` of absl or of TensorFlow 1."""
    if not isinstance(node, (ast.Name, ast.Attribute)):
        return False
    name = tracer.names.qualify(module, node)
    return name is not None and (name in _FLAGS or name.endswith("flags.FLAGS"))


def literal_index(node: ast.Subscript) -> object:
    """Return the literal between the brackets, or None."""
    return node.slice.value if isinstance(node.slice, ast.Constant) else None


def follow_option(
    tracer: Follower, module: Module, name: str, base: str, hop: Hop, depth: int
) -> Iterator[Found]:
    """Yield what is stored as ``name``: what the command line gives, or else the default.

    Parsers of several files or sub-commands may each have such an option: then none of them is sure.
    """
    options = list(_options(tracer, module, name))
    step = hop.to("argparse", f"{base}.{name}", certain=len(options) == 1)
    if any(_is_given(tracer, texts(call)) or _is_position(tracer, call) for _, call in options):
        yield from given_value(tracer, options[0][1], step) if len(options) == 1 else ()
        return
    overridden = list(_set_defaults(tracer, name, step, depth))
    if overridden or not options:
        yield from overridden
        return
    if any(True for _ in _default_setters(tracer, name)):
        step = step.maybe()
    for home, call in options:
        for keyword in call.keywords:
            if keyword.arg == "default":
                yield from tracer.follow(home, keyword.value, step.as_number(kind_of(call) or ""), depth)


def follow_flag(tracer: Follower, name: str, hop: Hop, depth: int) -> Iterator[Found]:
    """Yield the default that ``flags.DEFINE_float("lr", 0.1, "…")`` gives, unless the command line does."""
    step = hop.to("argparse", f"FLAGS.{name}")
    for module in tracer.program.modules:
        for call in module.calls:
            called = getattr(call.func, "attr", getattr(call.func, "id", ""))
            if not called.startswith("DEFINE_") or texts(call)[:1] != [name]:
                continue
            if _is_given(tracer, [f"--{name}", f"-{name}"]):
                yield from given_value(tracer, call, step)
                continue
            defaults = [*call.args[1:2], *(k.value for k in call.keywords if k.arg == "default")]
            for value in defaults[:1]:
                yield from tracer.follow(module, value, step, depth)


def click_value(tracer: Follower, module: Module, function: ast.AST, name: str, hop: Hop) -> Found | None:
    """Return what a ``@click.option`` above ``function`` gives the parameter: as given, or its default."""
    for decorator in getattr(function, "decorator_list", ()):
        if not isinstance(decorator, ast.Call) or not _calls(decorator, "option", "argument"):
            continue
        if not texts(decorator) or _destination(decorator) != name:
            continue
        step = hop.to("argparse", name)
        if tracer.command_line.gives(decorator) or _is_given(tracer, texts(decorator)):
            return next(given_value(tracer, decorator, step), None)
        for keyword in decorator.keywords:
            if keyword.arg == "default":
                return Found(module, keyword.value, step)
    return None


def given_options(tracer: Follower, without: Container[Span]) -> list[str]:
    """Return the options that the command line sets, as the parser calls them.

    Those are left out whose value, on the command line, stands at one of the spans ``without``.
    """
    return sorted(
        {
            next((flag for flag in texts(call) if flag.startswith("--")), texts(call)[0])
            for module in tracer.program.modules
            for call in module.calls
            if _calls(call, "add_argument", "option") and texts(call)
            if _is_given(tracer, [text for text in texts(call) if text.startswith("-")])
            if not _stands_at(tracer, call, without)
        }
    )


def _stands_at(tracer: Follower, call: ast.Call, spans: Container[Span]) -> bool:
    module, node = tracer.program.command_line, tracer.command_line.value(call)
    return module is not None and node is not None and module.span(node) in spans


def is_given(tracer: Follower, name: str) -> bool:
    """Whether the command line sets the option that is called like the parameter ``name``."""
    return _is_given(tracer, [f"--{name}", f"--{name.replace('_', '-')}"])


def _is_given(tracer: Follower, flags: list[str]) -> bool:
    """Whether the command line sets one of ``flags``, also abbreviated (``--ep 3``) or joined (``-e3``)."""
    for given in tracer.given:
        for flag in flags:
            if given == flag or (given.startswith("--") and len(given) > 2 and flag.startswith(given)):
                return True
            if len(flag) == 2 and not given.startswith("--") and given.startswith(flag):
                return True
    return False


def _is_position(tracer: Follower, call: ast.Call) -> bool:
    """Whether ``call`` adds a positional argument that the command line gives, or must give."""
    flags = texts(call)
    if not flags or flags[0].startswith("-"):
        return False
    optional = any(
        keyword.arg == "nargs"
        and isinstance(keyword.value, ast.Constant)
        and keyword.value.value in ("?", "*")
        for keyword in call.keywords
    )
    return not optional or any(not given.startswith("-") for given in tracer.program.script.args)


def _options(tracer: Follower, module: Module, name: str) -> Iterator[tuple[Module, ast.Call]]:
    """Yield the ``add_argument`` calls for ``name``: those of ``module``, or else those of other files."""
    for places in ((module,), tracer.program.modules):
        found = [
            (home, call)
            for home in places
            for call in home.called.get("add_argument", ())
            if _calls(call, "add_argument") and texts(call) and _destination(call) == name
            and tracer.calls.reached(home, call)
        ]  # fmt: skip
        if found:
            yield from found
            return


def _default_setters(tracer: Follower, name: str) -> Iterator[tuple[Module, ast.Call]]:
    """Yield the ``set_defaults`` calls that may set ``name``."""
    for module in tracer.program.modules:
        for call in module.called.get("set_defaults", ()):
            if _calls(call, "set_defaults") and any(k.arg in (name, None) for k in call.keywords):
                yield module, call


def _set_defaults(tracer: Follower, name: str, hop: Hop, depth: int) -> Iterator[Found]:
    """Yield what ``parser.set_defaults`` sets ``name`` to: it wins over the option's own default."""
    for module, call in _default_setters(tracer, name):
        for keyword in call.keywords:
            if keyword.arg == name:
                yield from tracer.follow(module, keyword.value, hop, depth)
            elif keyword.arg is None:
                yield from search(tracer, module, keyword.value, name, hop, depth) or ()


def _calls(node: ast.AST, *methods: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in methods


def _destination(call: ast.Call) -> str:
    """Return the attribute under which the option is stored: ``dest``, or its first long flag."""
    for keyword in call.keywords:
        if keyword.arg == "dest" and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
    flags = texts(call)
    bare = [flag for flag in flags if not flag.startswith("-")]
    long = [flag for flag in flags if flag.startswith("--")]
    return (bare or long or flags or [""])[0].lstrip("-").replace("-", "_")
