"""What a script wants of the machine: a GPU, an account, a variable of the environment."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

from pushtune.analyse.guards import is_conditional, is_guarded
from pushtune.analyse.reading import Called, Reading
from pushtune.analyse.tables import table
from pushtune.model.analysis import Caution
from pushtune.source import Module

_KEY_WORDS = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|USERNAME")
_GPU_TEST = "cuda|gpu|device|accelerator"
_GPU_VALUES = ("cuda", "gpu", "gpu_hist")
_GPU_KEYWORDS = ("device", "map_location", "accelerator", "tree_method", "device_type", "task_type")
_GPU_DEVICES = ("/dev/nvidia0", "/dev/kfd", "/dev/dxg")


def has_gpu() -> bool:
    """Whether this machine shows a device that a training framework could use."""
    return any(Path(device).exists() for device in _GPU_DEVICES)


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
        if is_conditional(call.module, call.node) or is_guarded(call.module, call.node, _GPU_TEST):
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
        if _mode(call) in ("offline", "disabled"):
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


def _mode(call: Called) -> object:
    value = call.argument(-1, "mode")
    return value.value if isinstance(value, ast.Constant) else None
