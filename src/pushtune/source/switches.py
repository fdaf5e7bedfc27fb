"""Options that choose a way through the program, and are the same in every run: switches, names, paths.

``--quick`` that is not given, ``--model`` with its default "mlp": what stands under ``if args.quick:`` or
``if args.model == "deep":`` is then never run. Numbers are left out, as they are what is tuned.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

Fixed = bool | str | None

_PARSING = ("parse_args", "parse_known_args", "parse_intermixed_args")
_PLAIN = ("--", "parse_args", "-")
_MISSING = object()


class Switches:
    """What the options are that one run of a program fixes, and the names that hold the parsed options."""

    def __init__(
        self, values: Mapping[str, Fixed], holders: frozenset[str], arguments: int | None = None
    ) -> None:
        self._values = values
        self._holders = holders
        self._arguments = arguments

    def value(self, node: ast.expr) -> ast.Constant | None:
        """Return what ``args.quick``, or ``len(sys.argv)``, is in every run; None where that is not known."""
        if isinstance(node, ast.Call):
            counts = self._arguments is not None and ast.unparse(node) == "len(sys.argv)"
            return ast.Constant(self._arguments) if counts else None
        if not isinstance(node, ast.Attribute) or node.attr not in self._values:
            return None
        holder = getattr(node.value, "attr", getattr(node.value, "id", ""))
        return ast.Constant(self._values[node.attr]) if holder in self._holders else None


NO_SWITCHES = Switches({}, frozenset())
"""What is known where nothing is parsed."""


def read_switches(parents: Mapping[ast.AST, ast.AST], args: Sequence[str]) -> Switches:
    """Return what the parsers of a program make of the command line ``args``.

    ``parents`` holds every node of all its files but the files themselves, with the node around it.
    """
    nodes = tuple(parents)
    count = None if any(_changes_arguments(node) for node in nodes) else len(args) + 1
    parsing = [node for node in nodes if isinstance(node, ast.Call) and _method(node) in _PARSING]
    if not parsing or any(call.args or call.keywords for call in parsing):
        return Switches({}, frozenset(), count)
    changed = {node.attr for node in nodes if isinstance(node, ast.Attribute) and _is_stored(node)}
    changed |= {str(k.arg) for node in nodes if isinstance(node, ast.Call) for k in _defaults_set(node)}
    found: dict[str, Fixed] = {}
    for node in nodes:
        if isinstance(node, ast.Call) and _method(node) == "add_argument":
            name, value = _option(node, args)
            if value is _MISSING or (name in found and found[name] != value):
                changed.add(name)
            found[name] = value  # type: ignore[assignment]
    values = {name: value for name, value in found.items() if name not in changed}
    return Switches(values, frozenset(_holders(parents, parsing)), count)


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


def _holders(parents: Mapping[ast.AST, ast.AST], parsing: Sequence[ast.Call]) -> Iterator[str]:
    """Yield the names that hold what a parser returned, also through a function that parses and returns."""
    makers = {name for call in parsing for name in _functions_around(parents, call)}
    for node in parents:
        called = node.value if isinstance(node, ast.Assign) else None
        if isinstance(called, ast.Call) and _method(called) in (*_PARSING, *makers):
            for target in getattr(node, "targets", ()):
                first = target.elts[0] if isinstance(target, ast.Tuple) and target.elts else target
                yield getattr(first, "id", getattr(first, "attr", ""))


def _functions_around(parents: Mapping[ast.AST, ast.AST], node: ast.AST) -> Iterator[str]:
    at: ast.AST | None = node
    while at is not None:
        if isinstance(at, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield at.name
        at = parents.get(at)


def _defaults_set(call: ast.Call) -> list[ast.keyword]:
    return call.keywords if _method(call) == "set_defaults" else []


def _is_stored(node: ast.Attribute) -> bool:
    return not isinstance(node.ctx, ast.Load)


def _changes_arguments(node: ast.AST) -> bool:
    """Whether ``sys.argv`` is set, or something is done to it where it stands."""
    if isinstance(node, ast.Attribute) and node.attr == "argv":
        return _is_stored(node)
    if isinstance(node, (ast.Attribute, ast.Subscript)) and getattr(node.value, "attr", "") == "argv":
        return isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load)
    return False


def _method(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))
