"""Options that choose a way through the program, and are the same in every run: switches, names, paths.

``--quick`` that is not given, ``--model`` with its default "mlp": what stands under ``if args.quick:`` or
``if args.model == "deep":`` is then never run. Numbers are left out, as they are what is tuned.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

Fixed = bool | str | None

_PARSING = ("parse_args", "parse_known_args", "parse_intermixed_args")
_PLAIN = ("--", "parse_args", "-")
_MISSING = object()


class Parsed(Protocol):
    """What is read of a file: its nodes with the node around each, its calls and attributes by name."""

    @property
    def parents(self) -> Mapping[ast.AST, ast.AST]:
        """Every node but the file itself, with the node around it."""

    @property
    def called(self) -> Mapping[str, Sequence[ast.Call]]:
        """The calls by the last part of what they call."""

    @property
    def attributes(self) -> Mapping[str, Sequence[ast.Attribute]]:
        """The attributes, read or stored, by name."""


@dataclass(frozen=True)
class _Known:
    """The options by name, the names that hold the parsed options, and how long ``sys.argv`` is."""

    values: Mapping[str, Fixed]
    holders: frozenset[str]
    arguments: int | None


class Switches:
    """What the options are that one run of a program fixes. ``files`` may be filled until it is asked."""

    def __init__(self, files: Sequence[Parsed], args: Sequence[str]) -> None:
        self._files = files
        self._args = args

    def value(self, node: ast.expr) -> ast.Constant | None:
        """Return what ``args.quick``, or ``len(sys.argv)``, is in every run; None where that is not known."""
        if isinstance(node, ast.Call):
            counts = ast.unparse(node) == "len(sys.argv)" and self._known.arguments is not None
            return ast.Constant(self._known.arguments) if counts else None
        if not isinstance(node, ast.Attribute) or node.attr not in self._known.values:
            return None
        holder = getattr(node.value, "attr", getattr(node.value, "id", ""))
        return ast.Constant(self._known.values[node.attr]) if holder in self._known.holders else None

    @cached_property
    def _known(self) -> _Known:
        return _read(self._files, self._args)


NO_SWITCHES = Switches((), ())
"""What is known of a file that is no program's."""


def _read(files: Sequence[Parsed], args: Sequence[str]) -> _Known:
    """Return what the parsers of a program make of the command line ``args``."""
    argv = [(file, node) for file in files for node in file.attributes.get("argv", ())]
    count = None if any(_is_changed(file, node) for file, node in argv) else len(args) + 1
    parsing = [(file, call) for file in files for method in _PARSING for call in file.called.get(method, ())]
    if not parsing or any(call.args or call.keywords for _, call in parsing):
        return _Known({}, frozenset(), count)
    changed = {
        str(k.arg) for file in files for call in file.called.get("set_defaults", ()) for k in call.keywords
    }
    found: dict[str, Fixed] = {}
    for call in (call for file in files for call in file.called.get("add_argument", ())):
        name, value = _option(call, args)
        if value is _MISSING or (name in found and found[name] != value) or _is_stored(files, name):
            changed.add(name)
        found[name] = value  # type: ignore[assignment]
    values = {name: value for name, value in found.items() if name not in changed}
    makers = {name for file, call in parsing for name in _functions_around(file.parents, call)}
    holders = {name for file in files for method in (*_PARSING, *makers) for name in _holders(file, method)}
    return _Known(values, frozenset(holders), count)


def _option(call: ast.Call, args: Sequence[str]) -> tuple[str, object]:
    """Return the attribute that the option is stored under, and its value, ``_MISSING`` if not fixed."""
    flags = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    name = _destination(flags, given.get("dest"))
    if not flags or None in given or not all(flag.startswith("-") for flag in flags):
        return name, _MISSING
    action = getattr(given.get("action"), "value", None)
    told = _told(flags, args)
    if action in ("store_true", "store_false") and not {"default", "const"} & set(given):
        return name, told is None if action == "store_false" else told is not None
    if action not in (None, "store") or "nargs" in given or ("action" in given and action is None):
        return name, _MISSING
    return name, _text(given, told)


def _text(given: Mapping[str | None, ast.expr], told: str | None) -> object:
    kind = given.get("type")
    if told is not None:
        plain = kind is None or getattr(kind, "id", "") == "str"
        return told if plain and told not in _PLAIN else _MISSING
    default = given.get("default", ast.Constant(None))
    required = getattr(given.get("required"), "value", False)
    if required or not isinstance(default, ast.Constant):
        return _MISSING
    if getattr(kind, "id", "") in ("int", "float") or not isinstance(default.value, (bool, str, type(None))):
        return _MISSING
    changes_text = isinstance(default.value, str) and kind is not None and getattr(kind, "id", "") != "str"
    return _MISSING if changes_text else default.value


def _told(flags: Sequence[str], args: Sequence[str]) -> str | None:
    """Return what ``args`` say after one of ``flags``: a dash where that cannot be told, None if nothing."""
    for place, text in enumerate(args):
        name, equals, value = text.partition("=")
        if name in flags:
            return value if equals else next(iter(args[place + 1 : place + 2]), "-")
        if any(_abbreviates(text, flag) for flag in flags):
            return "-"
    return None


def _abbreviates(text: str, flag: str) -> bool:
    name = text.partition("=")[0]
    if name.startswith("--"):
        return len(name) > 2 and flag.startswith(name)
    return len(flag) == 2 and text.startswith(flag) and len(text) > 2


def _destination(flags: Sequence[str], given: ast.expr | None) -> str:
    if isinstance(given, ast.Constant):
        return str(given.value)
    long = [flag for flag in flags if flag.startswith("--")]
    return (long or list(flags) or [""])[0].lstrip("-").replace("-", "_")


def _holders(file: Parsed, method: str) -> Iterator[str]:
    """Yield the names that are given what the calls of ``method`` return, or the first part of it."""
    for call in file.called.get(method, ()):
        statement = file.parents.get(call)
        for target in statement.targets if isinstance(statement, ast.Assign) else ():
            first = target.elts[0] if isinstance(target, ast.Tuple) and target.elts else target
            yield getattr(first, "id", getattr(first, "attr", ""))


def _functions_around(parents: Mapping[ast.AST, ast.AST], node: ast.AST) -> Iterator[str]:
    at: ast.AST | None = node
    while at is not None:
        if isinstance(at, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield at.name
        at = parents.get(at)


def _is_stored(files: Sequence[Parsed], name: str) -> bool:
    return any(not isinstance(node.ctx, ast.Load) for file in files for node in file.attributes.get(name, ()))


def _is_changed(file: Parsed, node: ast.Attribute) -> bool:
    """Whether ``sys.argv``, at ``node``, is set, or something is done to it."""
    outer = file.parents.get(node)
    if isinstance(outer, ast.Subscript) and outer.value is node:
        return not isinstance(outer.ctx, ast.Load)
    return not isinstance(node.ctx, ast.Load) or isinstance(outer, ast.Attribute)
