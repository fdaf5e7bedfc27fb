"""Arguments that a script cannot run without, where none are given."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pushtune.analyse.guards import is_guarded
from pushtune.analyse.reading import Called, Reading
from pushtune.model.analysis import Caution


def needs_arguments(reading: Reading) -> Iterator[Caution]:
    """Options without a default, and ``sys.argv[1]``, where no arguments are given."""
    given = {word.partition("=")[0] for word in reading.program.script.args}
    missing = [item for item in _required(reading) if not given & set(item[1])]
    if any(not item[1][0].startswith("-") for item in missing) and given:
        missing = [item for item in missing if item[1][0].startswith("-")]
    if missing and _parses(reading):
        names = ", ".join(item[1][-1] for item in missing)
        first = missing[0][1][-1]
        example = f"{first} VALUE" if first.startswith("-") else first.upper()
        text = f"the script needs arguments: {names}; give them with --args '{example}'"
        yield Caution("needs-arguments", missing[0][0], text)
    elif not given:
        yield from _reads_argv(reading)


def _parses(reading: Reading) -> bool:
    """Whether the command line is parsed: ``parse_args([])`` and click's functions are told apart."""
    parsing = list(reading.methods("parse_args", "parse_known_args"))
    return not parsing or any(not call.node.args or _is_argv(call) for call in parsing)


def _is_argv(call: Called) -> bool:
    return "argv" in ast.unparse(call.node)


def _required(reading: Reading) -> Iterator[tuple[int, list[str]]]:
    for call in reading.calls:
        names = [a.value for a in call.node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        if call.method == "add_argument" and names:
            positional = not names[0].startswith("-")
            free = (
                _constant(call, "nargs") in ("?", "*") or call.argument(-1, "default", "action") is not None
            )
            if _constant(call, "required") is True or (positional and not free):
                yield call.line, names
        elif call.name in ("click.option", "click.argument") and names:
            needed = call.name == "click.argument" and _constant(call, "nargs") != -1
            needed = needed and _constant(call, "required") is not False
            if call.argument(-1, "default") is None and (needed or _constant(call, "required") is True):
                yield call.line, names


def _constant(call: Called, keyword: str) -> object:
    """Return the constant that ``call`` gives for ``keyword``, else None."""
    value = call.argument(-1, keyword)
    return value.value if isinstance(value, ast.Constant) else None


def _reads_argv(reading: Reading) -> Iterator[Caution]:
    for module in reading.program.modules[:1]:
        nodes = [*module.attributes.get("argv", ()), *module.loads.get("argv", ())]
        for node in sorted(nodes, key=lambda node: node.lineno):
            around = module.parents.get(node)
            index = around.slice if isinstance(around, ast.Subscript) and around.value is node else None
            number = index.value if isinstance(index, ast.Constant) else None
            if isinstance(number, int) and number >= 1 and not is_guarded(module, node, "argv|args"):
                text = f"the script needs arguments (sys.argv[{number}]); give them with --args '…'"
                yield Caution("needs-arguments", node.lineno, text)
                return
