"""Which file of a repository is the training script: read, never run."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pushtune.errors import UsageError
from pushtune.source.script import imported_modules

MOST_FILES = 400
LARGEST = 1_000_000
LARGEST_TOGETHER = 4_000_000
DEEPEST = 5

_FRAMEWORKS = frozenset(
    ("keras", "tensorflow", "sklearn", "torch", "xgboost", "lightgbm", "lightning", "pytorch_lightning",
     "transformers", "catboost", "tf_keras", "jax", "flax", "statsmodels")
)  # fmt: skip
_TRAINING = frozenset(
    ("fit", "fit_generator", "train_on_batch", "backward", "partial_fit", "cross_val_score", "cross_validate",
     "GradientTape", "train", "fit_transform", "train_and_evaluate")
)  # fmt: skip
_SURE = _TRAINING - {"train", "fit_transform"}
_OTHER_FOLDERS = frozenset(
    ("tests", "test", "docs", "doc", "examples", "scripts", "notebooks", "build", "dist")
)
_OTHER_NAMES = (
    "test",
    "conftest",
    "setup",
    "eval",
    "predict",
    "infer",
    "util",
    "plot",
    "tweak",
    "deploy",
    "serve",
)
_FIX = 'say which in pushtune.toml: script = "{}"'


@dataclass(frozen=True)
class _File:
    path: str
    score: int
    trains: bool
    imports: frozenset[str]


def find_entry(root: Path) -> str:
    """Return the path below ``root`` of the one file that trains a model.

    A file that others import is a module, not a script. Names count only between files that train.
    Raises ``UsageError`` where there is none, or where several are as likely.
    """
    files = [_read(root, path) for path in _paths(root)]
    imported = {name for file in files for name in file.imports}
    scripts = [file for file in files if not _module_names(file.path) & imported] or files
    able = [file for file in scripts if file.trains] or [file for file in scripts if _is_broken(file)]
    if not able:
        raise UsageError("no file of this repository trains a model", fix=_FIX.format("train.py"))
    best = max(file.score for file in able)
    chosen = sorted(file.path for file in able if file.score == best)
    if len(chosen) > 1:
        names = ", ".join(chosen[:4]) + (", …" if len(chosen) > 4 else "")
        raise UsageError(f"several files could be the training script: {names}", fix=_FIX.format(chosen[0]))
    return chosen[0]


def _paths(root: Path) -> Iterator[str]:
    found = read = 0
    for folder, folders, names in os.walk(root):
        here = PurePosixPath(Path(folder).relative_to(root).as_posix())
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        if len(here.parts) >= DEEPEST:
            folders.clear()
        for name in sorted(names):
            path = Path(folder) / name
            if name.endswith(".py") and not path.is_symlink() and path.stat().st_size <= LARGEST:
                found, read = found + 1, read + path.stat().st_size
                if found > MOST_FILES or read > LARGEST_TOGETHER:
                    return
                yield str(here / name)


def _read(root: Path, path: str) -> _File:
    try:
        tree = ast.parse((root / path).read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _File(path, _name_score(path), trains=False, imports=frozenset())
    parts = PurePosixPath(path).with_suffix("").parts
    imports = frozenset(imported_modules(tree, ".".join(parts[:-1])))
    called = {_last(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    uses = any(name.split(".")[0] in _FRAMEWORKS for name in imports)
    trains = bool(called & _SURE) or (uses and bool(called & _TRAINING))
    score = _name_score(path) + 2 * uses + 2 * bool(called & _SURE) + _starts(tree)
    # A script may only call what trains: its own modules do the rest.
    return _File(path, score, trains or (_starts(tree) > 0 and "train" in path), imports)


def _starts(tree: ast.Module) -> int:
    """Return 2 for a file that does something when it is run as a program, 1 for one that just does it."""
    for node in tree.body:
        if isinstance(node, ast.If) and "__main__" in ast.dump(node.test):
            return 2
    acts = (ast.Expr, ast.For, ast.With, ast.While)
    return int(any(isinstance(node, acts) and not _is_text(node) for node in tree.body))


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _last(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _name_score(path: str) -> int:
    pure = PurePosixPath(path)
    stem = pure.stem.lower()
    score = -len(pure.parts[:-1])
    score -= 4 * any(part.lower() in _OTHER_FOLDERS for part in pure.parts[:-1])
    if any(word in stem for word in _OTHER_NAMES):
        return score - 4
    if stem.startswith("train"):
        return score + 4
    return score + (3 if "train" in stem or stem == "main" else 1 if stem in ("run", "model") else 0)


def _is_broken(file: _File) -> bool:
    """Whether it may be the script although it cannot be read: its name says so."""
    return not file.imports and "train" in PurePosixPath(file.path).stem


def _module_names(path: str) -> set[str]:
    parts = PurePosixPath(path).with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    return {".".join(parts[start:]) for start in range(len(parts))} - {""}
