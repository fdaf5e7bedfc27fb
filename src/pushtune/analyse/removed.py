"""What today's releases no longer have (``tables/removed.toml``), each with its successor."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pushtune.analyse.reading import Called, Reading
from pushtune.analyse.tables import table
from pushtune.model.analysis import Caution
from pushtune.source import Module


def removed_api(reading: Reading) -> Iterator[Caution]:
    """Yield one caution for each line that today's Keras, TensorFlow or scikit-learn would refuse."""
    seen: set[tuple[str, str]] = set()
    for caution, key in _all(reading):
        if key not in seen:
            seen.add(key)
            yield caution


def _all(reading: Reading) -> Iterator[tuple[Caution, tuple[str, str]]]:
    for module in reading.program.modules:
        for line, name in _imported_names(module):
            yield from _named(module, line, name)
    for call in reading.calls:
        if call.spelled:
            yield from _named(call.module, call.line, call.spelled)
        for old, new in _by_method(call, reading):
            yield _caution(call.line, old, new), (call.module.path, f"{old}:{call.line}")


def _imported_names(module: Module) -> Iterator[tuple[int, str]]:
    for node in module.parents:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield node.lineno, node.module if alias.name == "*" else f"{node.module}.{alias.name}"


def _named(module: Module, line: int, name: str) -> Iterator[tuple[Caution, tuple[str, str]]]:
    rows: dict[str, str] = table("removed")["names"]
    parts = name.split(".")
    for length in range(len(parts), 1, -1):
        old = ".".join(parts[:length])
        if old in rows:
            yield _caution(line, name, rows[old]), (module.path, old)
            return


def _by_method(call: Called, reading: Reading) -> Iterator[tuple[str, str]]:
    rows = table("removed")
    if call.method in rows["methods"] and not call.name:
        yield f".{call.method}(…)", f".{rows['methods'][call.method]}"
    made = call.name or reading.maker(call.module, call.receiver)
    if made and not made.startswith("keras."):
        return
    for row in rows["keywords"].values():
        if call.last in row["callables"]:
            for keyword in call.node.keywords:
                if keyword.arg in row and keyword.arg != "callables":
                    yield f"{call.last}({keyword.arg}=…)", str(row[keyword.arg])
    yield from _bad_path(call, made)


def _bad_path(call: Called, made: str) -> Iterator[tuple[str, str]]:
    """Keras 3 refuses file names without the ending of their format, and does so after the training."""
    path = call.argument(0, "filepath")
    if not (isinstance(path, ast.Constant) and isinstance(path.value, str)):
        return
    only_weights = isinstance(call.argument(-1, "save_weights_only"), ast.Constant)
    of_model = made.startswith("keras.") or "." not in path.value.rpartition("/")[2]
    if call.method == "save_weights" and not path.value.endswith(".weights.h5"):
        yield f"save_weights({path.value!r})", "a file name that ends in .weights.h5"
    elif call.method == "save" and of_model and not path.value.endswith((".keras", ".h5", ".hdf5")):
        yield f"save({path.value!r})", "a file name that ends in .keras"
    elif call.last == "ModelCheckpoint" and only_weights and not path.value.endswith(".weights.h5"):
        yield f"ModelCheckpoint({path.value!r})", "a file name that ends in .weights.h5"
    elif call.last == "ModelCheckpoint" and not path.value.endswith((".keras", ".h5")):
        yield f"ModelCheckpoint({path.value!r})", "a file name that ends in .keras"


def _caution(line: int, old: str, new: str) -> Caution:
    return Caution("removed-api", line, f"current releases have no {old}; instead: {new}")
