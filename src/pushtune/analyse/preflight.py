"""What a script needs before it can run at all: arguments, a GPU, an account, files beside it, Python 3.

Each rule is a function; all are in one list. What it downloads is in ``preflight_network``.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from pushtune.analyse.preflight_network import is_conditional, needs_network
from pushtune.analyse.reading import Called, Reading
from pushtune.analyse.requirements import requirements
from pushtune.analyse.tables import table
from pushtune.model.analysis import Caution
from pushtune.source import Module

_KEY_WORDS = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|USERNAME")
_GPU_TEST = "cuda|gpu|device|accelerator"
_GPU_VALUES = ("cuda", "gpu", "gpu_hist")
_GPU_KEYWORDS = ("device", "map_location", "accelerator", "tree_method", "device_type", "task_type")
_GPU_DEVICES = ("/dev/nvidia0", "/dev/kfd", "/dev/dxg")


def preflight(reading: Reading) -> Iterator[Caution]:
    """Yield what would keep the script from running on this machine, as far as reading can tell."""
    for rule in RULES:
        yield from rule(reading)


def has_gpu() -> bool:
    """Whether this machine shows a device that a training framework could use."""
    return any(Path(device).exists() for device in _GPU_DEVICES)


def python_2(reading: Reading) -> Iterator[Caution]:
    """Names of Python 2 in a script that Python 3 can parse."""
    rows: dict[str, list[str]] = table("removed")["python2"]
    for module in reading.program.modules:
        for line, word in sorted(_words_of_python_2(module, rows)):
            text = f"{word} is Python 2; `2to3 -w {module.path}` turns the script into Python 3"
            yield Caution("python-2", line, text)
            return


def _words_of_python_2(module: Module, rows: dict[str, list[str]]) -> Iterator[tuple[int, str]]:
    for name in rows["names"]:
        for node in module.loads.get(name, ()):
            if module.scope_of(node).find(name) is None and not _is_tried(module, node):
                yield node.lineno, name
    for name in rows["methods"]:
        yield from ((node.lineno, f".{name}()") for node in module.attributes.get(name, ()))
    for statement in module.parents:
        if isinstance(statement, ast.Import) and not _is_tried(module, statement):
            yield from (
                (statement.lineno, f"module {a.name}") for a in statement.names if a.name in rows["modules"]
            )
        elif (
            isinstance(statement, ast.ImportFrom)
            and statement.module in rows["modules"]
            and not _is_tried(module, statement)
        ):
            yield statement.lineno, f"module {statement.module}"


def _is_tried(module: Module, node: ast.AST) -> bool:
    return any(isinstance(outer, ast.Try) for outer in module.around(node))


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
    value = call.argument(-1, keyword)
    return value.value if isinstance(value, ast.Constant) else None


def _reads_argv(reading: Reading) -> Iterator[Caution]:
    for module in reading.program.modules[:1]:
        nodes = [*module.attributes.get("argv", ()), *module.loads.get("argv", ())]
        for node in sorted(nodes, key=lambda node: node.lineno):
            around = module.parents.get(node)
            index = around.slice if isinstance(around, ast.Subscript) and around.value is node else None
            number = index.value if isinstance(index, ast.Constant) else None
            if isinstance(number, int) and number >= 1 and not _is_guarded(module, node, "argv|args"):
                text = f"the script needs arguments (sys.argv[{number}]); give them with --args '…'"
                yield Caution("needs-arguments", node.lineno, text)
                return


def _is_guarded(module: Module, node: ast.AST, words: str) -> bool:
    """Whether the script looks before it leaps: an ``if`` that speaks of it, or a ``try``."""
    for outer in module.around(node):
        if isinstance(outer, (ast.If, ast.IfExp)) and re.search(
            words, ast.unparse(outer.test), re.IGNORECASE
        ):
            return True
        if isinstance(outer, ast.Try):
            return True
    return False


def needs_gpu(reading: Reading) -> Iterator[Caution]:
    """A GPU that is asked for and not looked for first. Nothing where this machine has one."""
    if has_gpu():
        return
    found = sorted(_gpu_uses(reading), key=lambda item: item[0])
    if found:
        line, what = found[0]
        fix = "run it where one is, or take the device from torch.cuda.is_available()"
        yield Caution("needs-gpu", line, f"{what} needs a GPU, and this machine shows none: {fix}")


def _gpu_uses(reading: Reading) -> Iterator[tuple[int, str]]:
    for call in reading.calls:
        if is_conditional(call.module, call.node) or _is_guarded(call.module, call.node, _GPU_TEST):
            continue
        if call.method == "cuda" and not call.name:
            yield call.line, ".cuda()"
        elif call.name in ("torch.cuda.set_device", "torch.cuda.FloatTensor", "torch.cuda.current_device"):
            yield call.line, f"{call.name}()"
        elif call.name == "torch.cuda.is_available" and isinstance(
            call.module.parents.get(call.node), ast.Assert
        ):
            yield call.line, "assert torch.cuda.is_available()"
        else:
            yield from ((call.line, text) for text in _gpu_arguments(call))
    for node in reading.program.entry.parents:
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value in _GPU_KEYWORDS and _is_gpu(value):
                    yield key.lineno, f"{key.value}={ast.unparse(value)}"


def _gpu_arguments(call: Called) -> Iterator[str]:
    places = call.name == "torch.device" or (call.method == "to" and not call.name)
    if places and call.node.args and _is_gpu(call.node.args[0]):
        yield f"{call.last}({ast.unparse(call.node.args[0])})"
    if (
        call.method == "add_argument"
        and "device" in ast.unparse(call.node)
        and _is_gpu(call.argument(-1, "default"))
    ):
        yield f"the default of {ast.unparse(call.node.args[0])}"
    for keyword in call.node.keywords:
        if keyword.arg in _GPU_KEYWORDS and call.method != "add_argument" and _is_gpu(keyword.value):
            yield f"{keyword.arg}={ast.unparse(keyword.value)}"


def _is_gpu(value: ast.expr | None) -> bool:
    text = value.value if isinstance(value, ast.Constant) else None
    return isinstance(text, str) and text.lower().partition(":")[0] in _GPU_VALUES


def needs_account(reading: Reading) -> Iterator[Caution]:
    """Services that ask who it is, where nothing in the environment says it."""
    rows: dict[str, tuple[list[str], str]] = table("preflight")["accounts"]
    for call in reading.calls:
        row = rows.get(call.name)
        if (
            row is None
            or any(os.environ.get(name) for name in row[0])
            or is_conditional(call.module, call.node)
        ):
            continue
        if _constant(call, "mode") in ("offline", "disabled"):
            continue
        yield Caution("needs-key", call.line, f"{call.name} needs an account: {row[1]}")


def needs_variable(reading: Reading) -> Iterator[Caution]:
    """``os.environ["X"]`` of a variable that is not set here: a trial's environment is this one."""
    for module in reading.program.modules:
        for node in module.attributes.get("environ", ()):
            around = module.parents.get(node)
            if not (isinstance(around, ast.Subscript) and isinstance(around.ctx, ast.Load)):
                continue
            name = around.slice.value if isinstance(around.slice, ast.Constant) else None
            if not isinstance(name, str) or name in os.environ or name in _set_here(module):
                continue
            if not is_conditional(module, node):
                code = "needs-key" if _KEY_WORDS.search(name.upper()) else "needs-variable"
                text = f"the script reads the environment variable {name}, which is not set: export {name}=…"
                yield Caution(code, node.lineno, text)


def _set_here(module: Module) -> set[str]:
    found = set()
    for node in module.attributes.get("environ", ()):
        around = module.parents.get(node)
        stored = isinstance(around, ast.Subscript) and not isinstance(around.ctx, ast.Load)
        if stored and isinstance(around, ast.Subscript) and isinstance(around.slice, ast.Constant):
            found.add(str(around.slice.value))
    return found


def missing_sibling(reading: Reading) -> Iterator[Caution]:
    """Imports that are neither a file beside the script nor a package that anybody knows."""
    unknown = {item.module for item in requirements(reading.program) if not item.certain}
    old = set(table("removed")["python2"]["modules"])
    for module in reading.program.modules:
        for node in module.parents:
            if not isinstance(node, (ast.Import, ast.ImportFrom)) or _is_tried(module, node):
                continue
            for name in _missing_names(reading, module, node, unknown - old):
                text = f"{name} is imported, but no file of that name is here and no known package brings it"
                yield Caution(
                    "missing-sibling", node.lineno, f"{text}: put {_file_of(name)} beside the script"
                )


def _file_of(name: str) -> str:
    return name.lstrip(".").replace(".", "/") + ".py"


def _missing_names(
    reading: Reading, module: Module, node: ast.Import | ast.ImportFrom, unknown: set[str]
) -> list[str]:
    if isinstance(node, ast.ImportFrom) and node.level:
        return [] if _relative_exists(reading, module, node) else [node.module or node.names[0].name]
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    return [name for name in names if name.split(".")[0] in unknown and not _importable(name.split(".")[0])]


def _relative_exists(reading: Reading, module: Module, node: ast.ImportFrom) -> bool:
    folder = (Path(reading.program.script.root) / module.path).parent
    for _ in range(node.level - 1):
        folder = folder.parent
    place = folder / (node.module or node.names[0].name).replace(".", "/")
    return place.is_dir() or place.with_name(place.name + ".py").exists() or (folder / "__init__.py").exists()


def _importable(name: str) -> bool:
    """Whether pushtune's own interpreter could import it: often it is the trials' too."""
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


RULES: tuple[Callable[[Reading], Iterator[Caution]], ...] = (
    python_2,
    missing_sibling,
    needs_arguments,
    needs_gpu,
    needs_account,
    needs_variable,
    needs_network,
)
"""All of them, the gravest first."""
