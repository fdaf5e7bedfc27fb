"""What today's releases no longer have (``tables/removed.toml``), each with its successor."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from pushtune.analyse.reading import Called, Reading
from pushtune.analyse.tables import table
from pushtune.model.analysis import Caution
from pushtune.source import Module, Names, Vocabulary
from pushtune.source.subclasses import library_bases


@dataclass(frozen=True)
class Gone:
    """One line that today's release of ``library`` refuses: what stands there, and what to write instead.

    ``library`` may be a whole dotted name; ``since`` knows it.
    """

    file: str
    line: int
    old: str
    new: str
    library: str


_PREFIXES_OF_KERAS = ("keras.src.", "keras.api.", "keras._tf_keras.keras.", "keras._tf_keras.")


def removed_api(reading: Reading) -> Iterator[Caution]:
    """Yield one caution for each line that today's releases of its library would refuse."""
    for gone in outdated_lines(reading):
        yield Caution("removed-api", gone.line, removed_text(gone.old, gone.new, gone.library))


def outdated_lines(reading: Reading) -> Iterator[Gone]:
    """Yield each such line once, before it is put into words."""
    seen: set[tuple[str, str]] = set()
    for gone, key in _all(reading):
        if key not in seen:
            seen.add(key)
            yield gone


def replacement(name: str) -> tuple[str, str] | None:
    """Return the part of a dotted ``name`` that is gone, and what to do instead; None if nothing is known."""
    for prefix in _PREFIXES_OF_KERAS:
        if name.startswith(prefix):
            name = "keras." + name[len(prefix) :]
    rows: dict[str, str] = table("removed")["names"]
    parts = name.split(".")
    for length in range(len(parts), 1, -1):
        old = ".".join(parts[:length])
        if old in rows:
            return old, rows[old]
    return None


def removed_text(old: str, new: str, name: str) -> str:
    """Say it in one line: ``since Keras 3 there is no …; instead: … (or stay with tensorflow<2.16)``."""
    release, last = since(name)
    when = f"since {release} there is no {old}" if release else f"current releases have no {old}"
    return f"{when}; instead: {new}" + (f" (or stay with {last})" if last else "")


def since(name: str) -> tuple[str, str]:
    """Return since which release ``name`` is gone, and the requirement that still has it; may be empty."""
    rows: dict[str, list[str]] = table("removed")["since"]
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        row = rows.get(".".join(parts[:length]))
        if row is not None:
            return row[0], row[1]
    return "", ""


def _all(reading: Reading) -> Iterator[tuple[Gone, tuple[str, str]]]:
    for module in reading.program.modules:
        for line, name in _imported_names(module):
            yield from _named(module, line, name)
        yield from _history_keys(module)
        yield from _lightning_hooks(reading, module)
    for call in reading.calls:
        if call.spelled:
            yield from _named(call.module, call.line, call.spelled)
        for old, new, library in _by_method(call, reading):
            yield (
                Gone(call.module.path, call.line, old, new, library),
                (call.module.path, f"{old}:{call.line}"),
            )
    yield from _attributes(reading)


def _attributes(reading: Reading) -> Iterator[tuple[Gone, tuple[str, str]]]:
    """Yield what is read and not called: ``dtype=np.float``, ``frame.ix[0]``, ``loss.data[0]``."""
    plain = Names(reading.program, Vocabulary())
    for module in reading.program.modules:
        for last in _last_parts() & set(module.attributes):
            for node in module.attributes[last]:
                name = plain.qualify(module, node)
                if name is not None:
                    yield from _named(module, node.lineno, name)
        for node in module.attributes.get("ix", ()):
            if reading.maker(module, node.value).startswith("pandas."):
                new = table("removed")["library_methods"]["pandas.ix"]
                yield (
                    Gone(module.path, node.lineno, ".ix", new, "pandas"),
                    (module.path, f".ix:{node.lineno}"),
                )
        yield from _first_of_data(reading, module)


def _first_of_data(reading: Reading, module: Module) -> Iterator[tuple[Gone, tuple[str, str]]]:
    """Yield ``loss.data[0]``: a tensor of no dimensions has no first item since PyTorch 0.5."""
    if not any(call.method == "backward" for call in reading.calls):
        return
    for node in module.attributes.get("data", ()):
        around = module.parents.get(node)
        first = (
            isinstance(around, ast.Subscript) and around.value is node and ast.unparse(around.slice) == "0"
        )
        if first and "loss" in ast.unparse(node.value):
            text = f"{ast.unparse(node)}[0]"
            new = f"{ast.unparse(node.value)}.item()"
            yield Gone(module.path, node.lineno, text, new, "torch"), (module.path, f"{text}:{node.lineno}")


@cache
def _last_parts() -> frozenset[str]:
    return frozenset(name.rpartition(".")[2] for name in table("removed")["names"])


def _imported_names(module: Module) -> Iterator[tuple[int, str]]:
    for node in module.parents:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield node.lineno, node.module if alias.name == "*" else f"{node.module}.{alias.name}"


def _named(module: Module, line: int, name: str) -> Iterator[tuple[Gone, tuple[str, str]]]:
    found = replacement(name)
    if found is not None:
        yield Gone(module.path, line, name, found[1], found[0]), (module.path, found[0])


def _lightning_hooks(reading: Reading, module: Module) -> Iterator[tuple[Gone, tuple[str, str]]]:
    """Yield ``def validation_epoch_end(self, outputs)`` of a LightningModule."""
    rows: dict[str, str] = table("removed")["lightning_hooks"]
    for owner in module.scopes:
        if not isinstance(owner, ast.ClassDef):
            continue
        if "lightning.LightningModule" not in library_bases(reading.names, module, owner):
            continue
        for hook in owner.body:
            if isinstance(hook, ast.FunctionDef) and hook.name in rows:
                library = "pytorch_lightning.LightningModule"
                gone = Gone(module.path, hook.lineno, hook.name, rows[hook.name], library)
                yield gone, (module.path, f"{hook.name}:{hook.lineno}")


def _history_keys(module: Module) -> Iterator[tuple[Gone, tuple[str, str]]]:
    """Yield ``history.history["val_acc"]``, where the metric is not compiled under that short name."""
    rows: dict[str, str] = table("removed")["history"]
    nodes = [node for node in module.attributes.get("history", ()) if isinstance(node.ctx, ast.Load)]
    short = [n for n in module.parents if isinstance(n, ast.Constant) and n.value == "acc"]
    if any(isinstance(module.parents.get(node), (ast.List, ast.Tuple)) for node in short):
        return
    for node in nodes:
        around = module.parents.get(node)
        key = around.slice if isinstance(around, ast.Subscript) and around.value is node else None
        if isinstance(key, ast.Constant) and key.value in rows:
            old, new = f"history[{key.value!r}]", f"history[{rows[key.value]!r}]"
            yield Gone(module.path, node.lineno, old, new, "keras"), (module.path, f"{old}:{node.lineno}")


def _by_method(call: Called, reading: Reading) -> Iterator[tuple[str, str, str]]:
    rows = table("removed")
    if call.method in rows["methods"] and not call.name:
        yield f".{call.method}(…)", f".{rows['methods'][call.method]}", "keras"
    made = call.name or reading.maker(call.module, call.receiver)
    library = made.partition(".")[0]
    new = rows["library_methods"].get(f"{library}.{call.method}")
    if new is not None and not call.name:
        yield f".{call.method}(…)", new, library
    for row in rows["keywords"].values():
        wanted = row.get("library", "keras")
        if call.last in row["callables"] and library in (wanted, *([] if "library" in row else [""])):
            for keyword in call.node.keywords:
                if keyword.arg in row and keyword.arg not in ("callables", "library"):
                    yield f"{call.last}({keyword.arg}=…)", str(row[keyword.arg]), wanted
    if library in ("", "keras"):
        yield from ((old, new, "keras") for old, new in _bad_path(call, made))


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
