"""Records of arguments that no call makes: ``HfArgumentParser`` fills them with what a call would give."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pushtune.source import Module, Names
from pushtune.source.subclasses import library_bases
from pushtune.source.tracing import Tracer
from pushtune.source.tracing.parsed import PARSERS, record_classes


def parsed_calls(names: Names, tracer: Tracer) -> Iterator[tuple[Module, ast.Call, str]]:
    """Yield what the parsers of the program do, as calls: ``TrainingArguments(learning_rate=…)``.

    With the parser's file, and the canonical name of the library's class. Such a call stands where the
    parser is made. Its arguments are the fields that the script's own class declares, and the options that
    the command line gives.
    """
    for module in tracer.program.modules:
        for parser in module.calls:
            if names.call(module, parser) not in PARSERS or not tracer.calls.reached(module, parser):
                continue
            for record in record_classes(parser):
                for name in _library_names(names, tracer, module, record):
                    yield module, _as_call(tracer, module, parser, record), name


def _library_names(names: Names, tracer: Tracer, module: Module, record: ast.Name) -> Iterator[str]:
    definition = tracer.calls.resolve(module, record)
    if not isinstance(definition, ast.ClassDef):
        name = names.qualify(module, record)
        yield from [] if name is None else [name]
        return
    for home, owner in tracer.calls.ancestry(tracer.program.homes[definition], definition):
        yield from library_bases(names, home, owner)


def _as_call(tracer: Tracer, module: Module, parser: ast.Call, record: ast.Name) -> ast.Call:
    definition = tracer.calls.resolve(module, record)
    fields: dict[str, None] = {}
    if isinstance(definition, ast.ClassDef):
        for _, owner in tracer.calls.ancestry(tracer.program.homes[definition], definition):
            for item in owner.body:
                if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and item.value:
                    fields.setdefault(item.target.id)
    for argument in tracer.program.script.args:
        if argument.startswith("--"):
            fields.setdefault(argument[2:].partition("=")[0].replace("-", "_"))
    keywords = [ast.keyword(name, _field(record, name)) for name in fields]
    return ast.copy_location(ast.Call(parser.func, [], keywords), parser)


def _field(record: ast.Name, name: str) -> ast.Attribute:
    return ast.copy_location(ast.Attribute(record, name, ast.Load()), record)
