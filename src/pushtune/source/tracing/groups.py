"""Configuration that Hydra composes: ``defaults: [{training: base}]`` names a file for ``cfg.training``."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator

from pushtune.source.documents import Document
from pushtune.source.tracing.base import Follower, Found

_GLOBAL = re.compile(r"(?m)^#\s*@package\s+_global_")
_SUFFIXES = (".yaml", ".yml")


def group_files(document: Document) -> Iterator[tuple[str, str]]:
    """Yield what the list ``defaults`` of the file names: the key, empty for the whole, and the path.

    A file that is chosen when it runs (``${…}``, ``???``), and Hydra's own settings, are left out.
    """
    folder = posixpath.dirname(document.source.path)
    for key, name in _defaults(document.root):
        group = key.removeprefix("optional ").strip()
        if (
            group.startswith(("override ", "hydra", "/"))
            or "@" in group
            or name.startswith(("_", "/", "$", "?"))
        ):
            continue
        file = name if name.endswith(_SUFFIXES) else f"{name}.yaml"
        yield group.replace("/", "."), posixpath.normpath(posixpath.join(folder, group, file))


def composed(tracer: Follower, found: Found, key: str, base: str) -> list[Found] | None:
    """Return the tables that the files of ``defaults`` may put under ``key``, or merge where it stands.

    None where ``found`` is no such file, or where the command line may choose another one.
    """
    document = found.module.document
    if document is None or found.node is not document.root:
        return None
    told = tracer.program.script.args
    if any(text.lstrip("+").startswith((f"{key}=", f"{key}.", f"{key}/")) for text in told):
        return None
    ends = []
    for group, path in group_files(document):
        home = next((one for one in tracer.program.documents if one.path == path), None)
        if home is None or home.document is None or group not in ("", key):
            continue
        if group and not _GLOBAL.search(home.document.source.text):
            ends.append(Found(home, home.document.root, found.hop.to("config", f"{base}.{key}")))
    return ends if len(ends) == 1 else None


def _defaults(root: ast.expr) -> Iterator[tuple[str, str]]:
    if not isinstance(root, ast.Dict):
        return
    for key, value in zip(root.keys, root.values, strict=True):
        if isinstance(key, ast.Constant) and key.value == "defaults" and isinstance(value, ast.List):
            for item in value.elts:
                yield from _one(item)


def _one(item: ast.expr) -> Iterator[tuple[str, str]]:
    if isinstance(item, ast.Constant) and isinstance(item.value, str):
        yield "", item.value
    elif isinstance(item, ast.Dict) and len(item.keys) == 1:
        group, name = item.keys[0], item.values[0]
        if isinstance(group, ast.Constant) and isinstance(name, ast.Constant) and isinstance(name.value, str):
            yield str(group.value), name.value
