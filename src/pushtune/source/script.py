"""Finding a script on disk: its root, its entry file, and the local modules that it imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

from pushtune.errors import UnparsableError, UsageError
from pushtune.model.analysis import Script, ScriptFile
from pushtune.source.scopes import absolute_module
from pushtune.source.text import SourceText


def read_script(
    path: Path, args: Sequence[str] = (), workdir: Path | None = None, root: Path | None = None
) -> Script:
    """Read the program that starts at ``path``; nothing is run.

    Its root is ``root``, else the git work tree that holds it, or else its own folder. It is started in
    ``workdir`` if that lies below the root, else in its own folder. Raises ``UsageError`` if ``path`` is
    not a Python file, ``UnparsableError`` if the entry file cannot be parsed.
    """
    entry = _entry(path)
    root = root or git_root(entry.parent) or entry.parent
    start = _below(workdir.resolve() if workdir else entry.parent, root) or _below(entry.parent, root) or "."
    return Script(str(root), _relative(entry, root), tuple(_closure(entry, root)), tuple(args), start)


def git_root(folder: Path) -> Path | None:
    """Return the nearest folder at or above ``folder`` that holds ``.git``, without running git."""
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), None)


def imported_modules(tree: ast.Module, package: str = "") -> Iterator[str]:
    """Yield the dotted names that ``tree`` imports, relative ones made absolute against ``package``.

    ``from a import b`` yields ``a`` and ``a.b``, as ``b`` may be a module.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute_module(node, package)
            if base:
                yield base
            yield from (f"{base}.{alias.name}".lstrip(".") for alias in node.names if alias.name != "*")


def module_names(path: str, script: Script) -> tuple[str, ...]:
    """Return the dotted names under which the file ``path`` of ``script`` can be imported."""
    parts = path.removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts = parts[:-1]
    folder = script.entry.split("/")[:-1]
    names = [".".join(parts)]
    if folder and parts[: len(folder)] == folder:
        names.insert(0, ".".join(parts[len(folder) :]))
    return tuple(name for name in names if name)


def _entry(path: Path) -> Path:
    fix = "give the path of the Python file that trains the model, for example: pushtune tune train.py"
    if path.is_dir():
        raise UsageError(f"{path} is a folder, not a script", fix=fix)
    if not path.exists():
        raise UsageError(f"there is no file {path}", fix=fix)
    if path.suffix != ".py":
        raise UsageError(f"{path} is not a .py file", fix=fix)
    return path.resolve()


def _below(folder: Path, root: Path) -> str | None:
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else None


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _closure(entry: Path, root: Path) -> Iterator[ScriptFile]:
    """Yield the entry file, then what it imports, breadth first. Broken imported files are kept as bytes."""
    waiting, seen = [entry], {entry}
    while waiting:
        path = waiting.pop(0)
        file = ScriptFile(_relative(path, root), _bytes(path))
        yield file
        for found in _imports(file, path, entry, root):
            if found not in seen:
                seen.add(found)
                waiting.append(found)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", fix="make the file readable") from None


def _imports(file: ScriptFile, path: Path, entry: Path, root: Path) -> Iterator[Path]:
    try:
        tree = SourceText.read(file).tree
    except UnparsableError:
        if path == entry:
            raise
        return
    for base in dict.fromkeys((entry.parent, root)):
        package = ".".join(path.parent.relative_to(base).parts) if path.is_relative_to(base) else ""
        for name in imported_modules(tree, package):
            yield from _module_files(name, base, root)


def _module_files(name: str, base: Path, root: Path) -> Iterator[Path]:
    """Yield the files that ``import name`` runs, packages' ``__init__.py`` included."""
    place = base
    for part in name.split("."):
        place = place / part
        for file in (place.with_name(part + ".py"), place / "__init__.py"):
            if file.is_file() and file.resolve().is_relative_to(root):
                yield file.resolve()
