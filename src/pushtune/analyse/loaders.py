"""What a script has fetched and kept, as calls that can be made without it (``tables/loaders.toml``)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from pushtune.analyse.reading import Called, Reading, read
from pushtune.analyse.tables import table
from pushtune.model.analysis import Script
from pushtune.model.needs import Loader

MOST = 32
"""Calls of one script that are looked at."""

_TORCHVISION = "torchvision.datasets."
_APPLICATIONS = "keras.applications."
_IMAGENET = "imagenet"
_NOT_FETCHED = ("FakeData", "ImageFolder", "DatasetFolder")

_WEB = ("http://", "https://", "ftp://")
_ADDRESSES = {"keras.utils.get_file": (1, "origin"), "sklearn.datasets.fetch_file": (0, "url")}
_LOCAL = ("'.", "'/", "'~")
_FORMATS = ("'csv'", "'json'", "'text'", "'parquet'", "'arrow'", "'imagefolder'", "'audiofolder'")
_DEPTH = 4

Arguments = dict[str, ast.expr]


def loaders(script: Script) -> tuple[Loader, ...]:
    """Return the calls of ``script`` that fetch what a library keeps, each once, in the order of its lines.

    Raises ``UnparsableError`` if the entry file is not Python that this interpreter can parse.
    """
    return tuple(loaders_of(read(script)))


def loaders_of(reading: Reading) -> list[Loader]:
    """Return the same of a script that is read already."""
    found: dict[object, Loader] = {}
    for call in reading.calls:
        if len(found) == MOST:
            break
        if reading.callers.reached(call.module, call.node):
            for loader in _loader(call):
                found.setdefault((loader.name, loader.arguments, loader.trouble), loader)
    return list(found.values())


def _loader(call: Called) -> Iterator[Loader]:
    row: dict[str, list[str]] | None = table("loaders")["loaders"].get(call.name)
    if row is not None:
        if not _is_local(call):
            yield _listed(call, row)
    elif call.name.startswith(_TORCHVISION) and _is_true(call, "download"):
        if call.last not in _NOT_FETCHED:
            yield _of_torchvision(call)
    elif call.name.startswith(_APPLICATIONS) and call.last[:1].isupper():
        yield from _of_applications(call)


def _is_local(call: Called) -> bool:
    """Whether it reads files that are there, or runs code from elsewhere: neither is for us to fetch."""
    if call.name == "datasets.load_dataset":
        path = _constant(call, call.argument(0, "path") or ast.Constant(value=None)) or ""
        return (
            path.startswith(_LOCAL) or path in _FORMATS or call.argument(-1, "trust_remote_code") is not None
        )
    position, keyword = _ADDRESSES.get(call.name, (-1, ""))
    address = call.argument(position, keyword)
    text = None if address is None else _constant(call, address)
    return text is not None and not text.strip("'\"").startswith(_WEB)


def _listed(call: Called, row: dict[str, list[str]]) -> Loader:
    needed = _given(call, row.get("needs", []))
    taken = _given(call, row.get("takes", []))
    kept = {name: value for name, value in taken.items() if _constant(call, value) is not None}
    return _made(call, needed, kept)


def _of_torchvision(call: Called) -> Loader:
    """A data set is fetched by making it. What says which part of it is kept where it is a constant."""
    others = {k.arg: k.value for k in call.node.keywords if k.arg not in (None, "root", "download")}
    kept = {name: value for name, value in others.items() if name and _constant(call, value) is not None}
    return _made(call, _given(call, ["0 root"]), {**kept, "download": ast.Constant(value=True)})


def _of_applications(call: Called) -> Iterator[Loader]:
    """Weights that were trained on ImageNet. With or without its head, a network has two files of them."""
    given = _given(call, ["include_top", "weights"])
    weights = _constant(call, given.pop("weights", ast.Constant(value=_IMAGENET)))
    if weights is not None and ast.literal_eval(weights) == _IMAGENET:
        yield _made(call, given, {"weights": ast.Constant(value=_IMAGENET)})


def _made(call: Called, needed: Arguments, kept: Arguments) -> Loader:
    """Return the call with constants alone, or with what stands in its way."""
    texts = {name: _constant(call, value) for name, value in needed.items()}
    trouble = next((_unclear(name) for name, text in texts.items() if text is None), "")
    constants = {name: text for name, text in texts.items() if text is not None}
    trouble = trouble or next((_astray(call, name, text) for name, text in constants.items()), "")
    constants |= {name: _constant(call, value) or "" for name, value in kept.items()}
    return Loader(
        file=call.module.path,
        line=call.line,
        # As it is imported, where that is known: ``tf.keras`` may be another release than ``keras``.
        name=call.spelled or call.name,
        arguments=tuple(sorted(constants.items())),
        place=_place(call.name),
        trouble=trouble or _has_stars(call),
    )


def _given(call: Called, names: list[str]) -> Arguments:
    """Return the arguments among ``names`` that the call is given."""
    found = {}
    for name in names:
        position, _, keyword = name.rpartition(" ")
        value = call.argument(int(position) if position else -1, keyword)
        if value is not None:
            found[keyword] = value
    return found


def _constant(call: Called, value: ast.expr) -> str | None:
    """Return the constant that ``value`` is, or is once assigned, as text that Python reads; None if none."""
    for _ in range(_DEPTH):
        inner = _assigned(call, value) or _below_home(value)
        if inner is None:
            break
        value = inner
    try:
        return repr(ast.literal_eval(value))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _assigned(call: Called, value: ast.expr) -> ast.expr | None:
    """Return what the name ``value`` is assigned, if that is all that ever happens to it."""
    if not isinstance(value, ast.Name):
        return None
    found = call.module.scope_of(value).find(value.id)
    (binding, *others) = found[1] if found else (None,)
    return binding.value if binding is not None and not others and binding.kind == "assign" else None


def _below_home(value: ast.expr) -> ast.expr | None:
    """Return ``"~/…"`` of ``os.path.expanduser("~/…")``: the libraries do the same themselves."""
    if not isinstance(value, ast.Call) or len(value.args) != 1:
        return None
    return value.args[0] if ast.unparse(value.func).endswith("path.expanduser") else None


def _unclear(name: str) -> str:
    return f"its {name} is only known when it runs"


def _astray(call: Called, name: str, text: str) -> str:
    """Return why what a call keeps is not found by the next trial, "" where it is."""
    value: Any = ast.literal_eval(text)
    if name not in table("loaders")["folders"]["names"] or value is None:
        return ""
    if isinstance(value, str) and value.startswith("~"):
        return ""
    return f"it keeps its data in {value!r}, which every trial has for itself: name a folder below '~/'"


def _has_stars(call: Called) -> str:
    stars = any(isinstance(item, ast.Starred) for item in call.node.args)
    return _unclear("arguments") if stars or any(k.arg is None for k in call.node.keywords) else ""


def _is_true(call: Called, name: str) -> bool:
    value = call.argument(-1, name)
    return value is not None and _constant(call, value) == "True"


def _place(name: str) -> str:
    """Return where it is kept, below the home folder; "" where that is not known."""
    row = table("preflight")["downloads"].get(name, [])
    return row[1] if len(row) > 1 else ""
