"""Records that ``transformers.HfArgumentParser`` fills: from the command line, or else from their fields."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pushtune.source.program import Module
from pushtune.source.tracing.base import Follower, Found, Hop

PARSERS = ("transformers.HfArgumentParser", "transformers.hf_argparser.HfArgumentParser", "trl.TrlParser")
_PARSED = ("parse_args_into_dataclasses", "parse_args_and_config")


def parsed_record(tracer: Follower, found: Found, number: int) -> list[Found] | None:
    """Return the class of the record ``number`` among those that the call ``found`` gives back."""
    node = found.node
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    if node.func.attr not in _PARSED:
        return None
    for end in tracer.follow(found.module, node.func.value, found.hop, 4):
        if isinstance(end.node, ast.Call) and tracer.names.call(end.module, end.node) in PARSERS:
            classes = record_classes(end.node)
            if number < len(classes):
                return [Found(end.module, classes[number], found.hop)]
    return None


def record_classes(parser: ast.Call) -> list[ast.Name]:
    """Return the names of the classes that the parser fills, in its order."""
    named = [k.value for k in parser.keywords if k.arg == "dataclass_types"]
    given = (named or parser.args[:1] or [ast.Constant(None)])[0]
    classes = given.elts if isinstance(given, (ast.Tuple, ast.List)) else [given]
    return [item for item in classes if isinstance(item, ast.Name)] if _all_names(classes) else []


def follow_given_field(tracer: Follower, module: Module, node: ast.Attribute, hop: Hop) -> Iterator[Found]:
    """Yield what the command line gives the field of a record: ``node`` is ``Arguments.learning_rate``.

    Nothing where ``Arguments`` does not stand where a parser is told its records.
    """
    line = tracer.program.command_line
    if line is None or not is_record(tracer, module, node.value):
        return
    value = tracer.command_line.named(node.attr)
    if value is not None:
        text = value.value if isinstance(value, ast.Constant) else ""
        yield Found(line, value, hop.to("argparse", node.attr).as_number(_kind(str(text))))


def is_record(tracer: Follower, module: Module, node: ast.expr) -> bool:
    """Whether ``node`` stands among the classes that a parser is told."""
    parent = module.parents.get(node)
    if isinstance(parent, (ast.Tuple, ast.List)):
        parent = module.parents.get(parent)
    return isinstance(parent, ast.Call) and tracer.names.call(module, parent) in PARSERS


def _all_names(classes: list[ast.expr]) -> bool:
    return all(isinstance(item, ast.Name) for item in classes)


def _kind(text: str) -> str:
    """Return what ``text`` can be read as: ``int``, ``float``, or nothing."""
    for kind, read in (("int", int), ("float", float)):
        try:
            read(text)
        except ValueError:
            continue
        return kind
    return ""
