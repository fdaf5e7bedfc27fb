"""What a script shows of its values: each that is printed, logged or written, with the text before it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pushtune.analyse.reading import Called, Reading, values_of
from pushtune.source import Module

_LOGGERS = re.compile(
    r"^_*(?:log|logger|logging|tqdm|pbar|bar|progress_?bar|console|out|sys|f|file\d*|fh|fp)\w*$"
)
_LOG_METHODS = ("info", "debug", "warning", "print", "write", "log", "set_description", "set_postfix_str")
_KEYED_METHODS = ("log", "log_metrics", "log_dict", "set_postfix", "add_scalars", "dump", "update_metrics")
_NAMED_METHODS = ("add_scalar", "log_metric", "log_scalar", "scalar", "report_scalar")
_OWN_PRINTERS = re.compile(r"(?i)progress|print|log(?!it|in)|report|show|display|message|msg|echo")
"""Functions of the script's own that write the texts which they are given, by their names."""

_PRINTERS = ("builtins.print", "click.echo", "tqdm.write", "tqdm.tqdm.write", "rich.print", "pprint.pprint")
_KEPT = ("str", "repr", "float", "round", "int", "format")
_PERCENT = re.compile(r"%(?:\((\w+)\))?[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?[hlL]?([diouxXeEfFgGcrsa%])")
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}:!]*)(?:![rsa])?(?::(?:[^{}]|\{[^{}]*\})*)?\}")

Piece = str | ast.expr


@dataclass(frozen=True, eq=False)
class Slot:
    """One value that is shown. ``label`` is the text since the value before it, ``line`` all text before.

    ``as_text``: it is printed or written as text, and not handed to a logger of values.
    """

    call: Called
    value: ast.expr
    label: str
    line: str
    as_text: bool

    @property
    def module(self) -> Module:
        """The file that it stands in."""
        return self.call.module


def shown_values(reading: Reading) -> Iterator[Slot]:
    """Yield what every print, log call and write shows, in the order of the source."""
    for call in reading.calls:
        for pieces in _texts(call):
            yield from _slots(call, pieces, as_text=True)
        for pieces in _records(call):
            yield from _slots(call, pieces, as_text=False)


def _slots(call: Called, pieces: list[Piece], *, as_text: bool) -> Iterator[Slot]:
    label = line = ""
    for piece in pieces:
        if isinstance(piece, str):
            label += piece
            line += piece
        else:
            yield Slot(call, piece, label, line, as_text)
            label = ""


def _texts(call: Called) -> Iterator[list[Piece]]:
    """Yield the line of text that a call prints, as texts and values in turn."""
    if call.name in _PRINTERS or _logs_text(call):
        yield _joined(call.module, _plain_arguments(call))
    elif call.name.startswith("local:") and _OWN_PRINTERS.search(call.last):
        for argument in _plain_arguments(call):
            pieces = _pieces(call.module, argument)
            if len(pieces) > 1 and any(isinstance(piece, str) for piece in pieces):
                yield pieces


def _plain_arguments(call: Called) -> list[ast.expr]:
    return [item for item in call.node.args if not isinstance(item, ast.Starred)]


def _records(call: Called) -> Iterator[list[Piece]]:
    """Yield the names and values that a call hands to a logger of values."""
    arguments = _plain_arguments(call)
    if call.method in _NAMED_METHODS and len(arguments) >= 2:
        yield [*_pieces(call.module, arguments[0]), ": ", arguments[1]]
    if call.method in _KEYED_METHODS:
        for item in arguments:
            yield from _of_dict(call.module, item)
    if call.method == "set_postfix":
        for keyword in call.node.keywords:
            pair: list[Piece] = [f"{keyword.arg}: ", keyword.value]
            yield pair


def _logs_text(call: Called) -> bool:
    if call.name.startswith("logging.") and call.last in _LOG_METHODS:
        return True
    receiver = call.receiver
    if call.method not in _LOG_METHODS or receiver is None:
        return False
    name = receiver.attr if isinstance(receiver, ast.Attribute) else getattr(receiver, "id", "")
    opened = isinstance(receiver, ast.Call)
    return call.method == "write" or opened or bool(_LOGGERS.match(name.lower()))


def _joined(module: Module, arguments: list[ast.expr]) -> list[Piece]:
    found: list[Piece] = []
    for item in arguments:
        found += [*_pieces(module, item), " "]
    # logging.info("acc %f", acc): the first text is a template for the rest.
    first = found[0] if found else ""
    if isinstance(first, str) and _PERCENT.search(first) and len(arguments) > 1:
        return _percent(first, arguments[1:])
    return found


def _of_dict(module: Module, item: ast.expr) -> Iterator[list[Piece]]:
    for value in (item, *values_of(module, item)):
        if isinstance(value, ast.Dict):
            for key, held in zip(value.keys, value.values, strict=True):
                if key is not None:
                    yield [*_pieces(module, key), ": ", held]


def _pieces(module: Module, node: ast.expr, depth: int = 3) -> list[Piece]:
    """Return the texts and values that an expression becomes as text, in turn."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.JoinedStr):
        return [piece for item in node.values for piece in _pieces(module, item, depth)]
    if isinstance(node, ast.FormattedValue):
        return _pieces(module, node.value, depth) or [node.value]
    if isinstance(node, ast.Dict):
        return [piece for line in _of_dict(module, node) for piece in line]
    if isinstance(node, ast.BinOp):
        return _operated(module, node, depth)
    if isinstance(node, ast.Call):
        return _called(module, node, depth)
    return (_through_name(module, node, depth) if depth else None) or [node]


def _operated(module: Module, node: ast.BinOp, depth: int) -> list[Piece]:
    left = _pieces(module, node.left, depth)
    if isinstance(node.op, ast.Mod) and len(left) == 1 and isinstance(left[0], str):
        return _percent(left[0], node.right.elts if isinstance(node.right, ast.Tuple) else [node.right])
    right = _pieces(module, node.right, depth)
    if isinstance(node.op, ast.Add) and any(isinstance(piece, str) for piece in (*left, *right)):
        return [*left, *right]
    return [node]


def _called(module: Module, node: ast.Call, depth: int) -> list[Piece]:
    if isinstance(node.func, ast.Name) and node.func.id in _KEPT and node.args:
        return _pieces(module, node.args[0], depth)
    if isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        template = _pieces(module, node.func.value, depth)
        if len(template) == 1 and isinstance(template[0], str):
            return _braces(template[0], node)
    return [node]


def _through_name(module: Module, node: ast.expr, depth: int) -> list[Piece] | None:
    """Follow a name to the text that it holds: ``line = f"acc {acc}"; print(line)``."""
    for value in values_of(module, node):
        if isinstance(value, (ast.JoinedStr, ast.Constant, ast.BinOp, ast.Call, ast.Dict)):
            found = _pieces(module, value, depth - 1)
            if any(isinstance(piece, str) for piece in found):
                return found
    return None


def _percent(template: str, values: list[ast.expr]) -> list[Piece]:
    found: list[Piece] = []
    at, waiting = 0, list(values)
    for match in _PERCENT.finditer(template):
        if match.group(2) == "%":
            continue
        found.append(template[at : match.start()])
        at = match.end()
        held = _keyed(values, match.group(1)) if match.group(1) else waiting.pop(0) if waiting else None
        if held is not None:
            found.append(held)
    return [*found, template[at:]]


def _keyed(values: list[ast.expr], name: str) -> ast.expr | None:
    for table in values:
        if isinstance(table, ast.Dict):
            for key, held in zip(table.keys, table.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == name:
                    return held
    return None


def _braces(template: str, call: ast.Call) -> list[Piece]:
    found: list[Piece] = []
    at = count = 0
    for match in _BRACES.finditer(template):
        name = match.group(1)
        if name is None:
            continue
        found.append(template[at : match.start()])
        at = match.end()
        place = re.match(r"\w*", name)
        key = place.group() if place else ""
        held = _argument(call, key or str(count))
        count += not key
        if held is not None:
            found.append(held)
    return [*found, template[at:]]


def _argument(call: ast.Call, key: str) -> ast.expr | None:
    if key.isdigit():
        return call.args[int(key)] if int(key) < len(call.args) else None
    return next((item.value for item in call.keywords if item.arg == key), None)
