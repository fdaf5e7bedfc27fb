"""Options that a program declares (argparse, click, absl), and whether it reads the command line as it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pushtune.model.space import Value
from pushtune.source.calls import CallIndex
from pushtune.source.names import Names
from pushtune.source.program import Module
from pushtune.source.scopes import FUNCTIONS
from pushtune.source.tracing.given import Option
from pushtune.source.tracing.literals import literal_value

NUMBERS = ("int", "float")
_SWITCHES = ("store_true", "store_false", "store_const", "append_const", "count", "help", "version")
_CLICK_NUMBERS = {"INT": "int", "FLOAT": "float", "IntRange": "int", "FloatRange": "float"}
_TAKEN = {
    "DEFINE_bool": 0, "DEFINE_boolean": 0, "DEFINE_integer": 1, "DEFINE_float": 1, "DEFINE_string": 1,
    "DEFINE_enum": 1,
}  # fmt: skip
_PARSING = ("parse_args", "parse_known_args", "parse_intermixed_args")
_DEPTH = 4


def declared_options(names: Names, calls: CallIndex) -> Iterator[Option]:
    """Yield every option and positional argument that can be declared, in source order."""
    for module in names.program.modules:
        for call in module.calls:
            method = getattr(call.func, "attr", getattr(call.func, "id", ""))
            if method == "add_argument" and calls.reached(module, call):
                yield _of_argparse(call)
            elif method in ("option", "argument") and isinstance(module.parents.get(call), FUNCTIONS):
                yield _of_click(call, method)
            elif method.startswith("DEFINE_"):
                name = (texts(call) or [""])[0]
                yield Option(call, (f"--{name}", f"-{name}"), _TAKEN.get(method), abbreviates=False)


def texts(call: ast.Call) -> list[str]:
    """Return the texts among the positional arguments of ``call``: flags, or a name."""
    return [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]


def kind_of(call: ast.Call) -> str | None:
    """Return what the option's text is turned into: ``int``, ``float``, or nothing (``""``).

    None where something else is done to it (``type=parse_list``).
    """
    given = _keyword(call, "type")
    called = given.func if isinstance(given, ast.Call) else given
    name = getattr(called, "attr", getattr(called, "id", ""))
    if given is None:
        return _kind_of_default(call)
    if name in ("str", "STRING", "Choice"):
        return ""
    if name in NUMBERS:
        return str(name)
    return _CLICK_NUMBERS.get(str(name))


def choices_of(call: ast.Call) -> tuple[Value, ...] | None:
    """Return the values that the option may have, nothing where any may; None where that is not known."""
    given = _keyword(call, "choices")
    kind = _keyword(call, "type")
    if isinstance(kind, ast.Call) and getattr(kind.func, "attr", "") == "Choice" and kind.args:
        given = kind.args[0]
    if given is None:
        return ()
    values = [literal_value(item) for item in getattr(given, "elts", ())]
    known = [value[0] for value in values if value is not None]
    return tuple(known) if known and len(known) == len(values) else None


def reads_as_given(names: Names) -> bool:
    """Whether nothing shows that options come from elsewhere than the command line, or from a changed one."""
    for module in names.program.modules:
        for method in _PARSING:
            for call in module.called.get(method, ()):
                source = [*call.args[:1], *(k.value for k in call.keywords if k.arg == "args")]
                if source and not _is_command_line(module, source[0], _DEPTH):
                    return False
        if any(_changes(module, node) for node in module.attributes.get("argv", ())):
            return False
    return True


def _of_argparse(call: ast.Call) -> Option:
    names = texts(call)
    flags = tuple(name for name in names if name.startswith("-"))
    nargs, action = _keyword(call, "nargs"), _keyword(call, "action")
    doing = "store" if action is None else getattr(action, "value", getattr(action, "attr", None))
    takes: int | None = None
    if doing in _SWITCHES or doing == "BooleanOptionalAction":
        takes = 0
    elif doing == "store" and all(k.arg is not None for k in call.keywords):
        optional = flags and isinstance(nargs, ast.Constant) and nargs.value == "?"
        takes = 1 if nargs is None or optional else None
    return Option(call, flags, takes)


def _of_click(call: ast.Call, method: str) -> Option:
    flags = tuple(name for name in texts(call) if name.startswith("-")) if method == "option" else ()
    switch = any("/" in flag for flag in flags) or any(
        isinstance(value, ast.Constant) and value.value is True
        for value in (_keyword(call, "is_flag"), _keyword(call, "count"))
    )
    several = any(
        _keyword(call, name) is not None for name in ("nargs", "multiple", "flag_value", "callback")
    )
    names = tuple(part for flag in flags for part in flag.split("/"))
    return Option(call, names, 0 if switch else None if several else 1, abbreviates=False)


def _kind_of_default(call: ast.Call) -> str:
    """Return the type that click and absl take from the default, or from the name of what declares it."""
    method = getattr(call.func, "attr", "")
    if method in ("DEFINE_integer", "DEFINE_float"):
        return "int" if method == "DEFINE_integer" else "float"
    default = literal_value(_keyword(call, "default") or ast.Constant(None))
    kind = "" if default is None else type(default[0]).__name__
    return kind if method == "option" and kind in NUMBERS else ""


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _is_command_line(module: Module, node: ast.expr, left: int) -> bool:
    """Whether ``node`` is ``None``, ``sys.argv[1:]``, or what ``parse_known_args`` did not know."""
    if ast.unparse(node) in ("None", "sys.argv[1:]", "argv[1:]"):
        return True
    found = module.scope_of(node).find(node.id) if isinstance(node, ast.Name) else None
    binding = found[1][0] if found is not None and len(found[1]) == 1 else None
    if binding is None or left == 0:
        return False
    if binding.kind == "unpack":
        return isinstance(binding.value, ast.Call) and getattr(binding.value.func, "attr", "") in _PARSING
    # Of a parameter this is the default: what a plain run reads. What callers hand on is the exception.
    return binding.value is not None and _is_command_line(module, binding.value, left - 1)


def _changes(module: Module, node: ast.Attribute) -> bool:
    """Whether ``sys.argv`` is set, or changed where it stands."""
    outer = module.parents.get(node)
    if not isinstance(node.ctx, ast.Load) or (
        isinstance(outer, ast.Subscript) and outer.value is node and not isinstance(outer.ctx, ast.Load)
    ):
        return True
    changes = ("append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse")
    return isinstance(outer, ast.Attribute) and outer.attr in changes
