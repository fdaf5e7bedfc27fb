"""Reading configuration files: from bytes to a literal whose places are those in the file."""

from __future__ import annotations

import ast
import codecs
import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from pushtune.model.analysis import COMMAND_LINE, ScriptFile, Span
from pushtune.source.documents.base import Document, Format, Leaf, Path
from pushtune.source.documents.command_line import CommandLineFormat
from pushtune.source.documents.inis import IniFormat
from pushtune.source.documents.jsons import JsonFormat
from pushtune.source.documents.tomls import TomlFormat
from pushtune.source.documents.yamls import YamlFormat
from pushtune.source.text import SourceText

FORMATS: Mapping[str, Format] = {
    ".yaml": YamlFormat(),
    ".yml": YamlFormat(),
    ".json": JsonFormat(),
    ".toml": TomlFormat(),
    ".ini": IniFormat(),
    ".cfg": IniFormat(),
}
"""Every format of configuration, by the ending of the file's name."""

_COMMAND_LINE = CommandLineFormat()

LARGEST = 256 * 1024
"""Bytes; what is larger is data, not configuration."""


def format_of(path: str) -> Format:
    """Return the format of a configuration file, or of the command line; ``KeyError`` for other names."""
    return _COMMAND_LINE if path == COMMAND_LINE else FORMATS[PurePosixPath(path).suffix.lower()]


def is_document(path: str) -> bool:
    """Whether the file is configuration (or stands for the command line), by its name."""
    return path == COMMAND_LINE or PurePosixPath(path).suffix.lower() in FORMATS


def is_ini(path: str) -> bool:
    """Whether the file is one that ``configparser`` reads, by its name."""
    return isinstance(FORMATS.get(PurePosixPath(path).suffix.lower()), IniFormat)


def read_document(file: ScriptFile) -> Document | None:
    """Read ``file``; None for one that is too large, is not UTF-8, or is not in its format."""
    data = file.data
    bom = data.startswith(codecs.BOM_UTF8)
    if len(data) > LARGEST or bom:
        return None
    form = format_of(file.path)
    try:
        text = data.decode("utf-8")
        content = form.load(text)
        leaves = {leaf.path: leaf for leaf in form.leaves(text)}
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or "\x0c" in text or "\x85" in text or "\u2028" in text:
        return None  # places are counted in lines, which formats end differently at these
    return _document(file.path, text, form, content, leaves)


def read_command_line(args: Sequence[str]) -> Document | None:
    """Return the arguments as a document: a list of texts. None where there are none, or of broken bytes.

    ``root`` holds each argument, and behind them the values within arguments: the ``3`` of ``--n=3``.
    """
    text = shlex.join(args)
    try:
        text.encode()
    except UnicodeEncodeError:
        return None
    if not args:
        return None
    plain = SourceText(COMMAND_LINE, text, "utf-8", False, ast.Module([], []))
    leaves = _COMMAND_LINE.leaves(text)
    items: list[ast.expr] = [_placed(plain, ast.Constant(leaf.value), leaf) for leaf in leaves]
    root = _placed(plain, ast.List(items, ast.Load()), None)
    tree = ast.Module([ast.copy_location(ast.Expr(root), root)], [])
    source = SourceText(COMMAND_LINE, text, "utf-8", False, tree)
    spans = {source.between(leaf.start, leaf.end): leaf for leaf in leaves}
    return Document(source, _COMMAND_LINE, root, spans)


def _document(path: str, text: str, form: Format, content: Any, leaves: Mapping[Path, Leaf]) -> Document:
    plain = SourceText(path, text, "utf-8", False, ast.Module([], []))
    root = _literal(plain, content, (), leaves)
    tree = ast.Module([ast.copy_location(ast.Expr(root), root)], [])
    source = SourceText(path, text, "utf-8", False, tree)
    spans: dict[Span, Leaf] = {source.between(leaf.start, leaf.end): leaf for leaf in leaves.values()}
    return Document(source, form, root, spans)


def _literal(source: SourceText, value: Any, path: Path, leaves: Mapping[Path, Leaf]) -> ast.expr:
    """Return ``value`` as a literal. What has no place of its own stands, as no literal, at the beginning."""
    node: ast.expr
    if isinstance(value, dict):
        keys: list[ast.expr | None] = [_placed(source, ast.Constant(key), None) for key in value]
        node = ast.Dict(keys, [_literal(source, item, (*path, key), leaves) for key, item in value.items()])
    elif isinstance(value, list):
        items = [_literal(source, item, (*path, number), leaves) for number, item in enumerate(value)]
        node = ast.List(items, ast.Load())
    elif path in leaves:
        return _placed(source, ast.Constant(value), leaves[path])
    else:
        node = ast.Constant(...)
    return _placed(source, node, None)


def _placed(source: SourceText, node: ast.expr, leaf: Leaf | None) -> ast.expr:
    """Give ``node`` the place of ``leaf``, in bytes as ``ast`` counts."""
    ends = (leaf.start, leaf.end) if leaf is not None else (0, 0)
    (line, column), (end_line, end_column) = (source.position(end) for end in ends)
    node.lineno, node.end_lineno = line, end_line
    node.col_offset = len(source.lines[line - 1][:column].encode())
    node.end_col_offset = len(source.lines[end_line - 1][:end_column].encode())
    return node
