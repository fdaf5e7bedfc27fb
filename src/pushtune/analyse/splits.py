"""Which part of the data an expression holds, as far as names and `train_test_split` can tell."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

from pushtune.analyse.reading import Reading, values_of
from pushtune.analyse.tables import table
from pushtune.model.analysis import Split
from pushtune.source import Module

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
# "after training", "training took 3 s": words that tell no data.
_NO_DATA = re.compile(
    r"(?i)\b(?:after|finished|during|end of)\s+(?:the\s+)?training\b|\bstd\.? ?dev\b"
    r"|\btraining\s+(?:is\s+|has\s+)?(?:finished|complete\w*|done|over|took|time)\b|\btest(?:ing)? time\b"
)
_DEPTH = 3
"""How many assignments are followed from a name that says nothing."""


def split_of(reading: Reading, module: Module, expression: ast.expr | None, depth: int = _DEPTH) -> Split:
    """Return which part of the data ``expression`` is made of; ``unknown`` is an answer."""
    if expression is None:
        return "unknown"
    names = [node for node in ast.walk(expression) if isinstance(node, (ast.Name, ast.Attribute))]
    for node in sorted(names, key=lambda node: (node.lineno, node.col_offset)):
        found = split_of_name(node.id if isinstance(node, ast.Name) else node.attr)
        if found != "unknown":
            return found
    for node in names if depth else ():
        found = _by_assignment(reading, module, node, depth)
        if found != "unknown":
            return found
    return "unknown"


def split_of_name(name: str) -> Split:
    """Return what a variable's name says: ``X_test``, ``valData``, ``xtest`` and the like."""
    words = _split_words()
    for part in _WORDS.findall(name):
        word = part.lower()
        found = words.get(word) or (words.get(word[1:]) if word[0] in "xyd" else None)
        if found:
            return found
    return "unknown"


def split_of_text(text: str) -> Split:
    """Return what the words before a shown value say, the last one first: ``Test set: Average loss:``."""
    words = _split_words() | _spoken_words()
    for word in reversed(re.findall(r"[^\W\d_]+", _NO_DATA.sub(" ", text))):
        found = words.get(word.lower()) or split_of_name(word)
        if found != "unknown":
            return found
    # Some languages put no space between words.
    return next((s for word, s in _spoken_words().items() if not word.isascii() and word in text), "unknown")


@cache
def _spoken_words() -> dict[str, Split]:
    rows: dict[Split, list[str]] = table("metrics")["spoken_splits"]
    return {word: split for split, words in rows.items() for word in words}


@cache
def _split_words() -> dict[str, Split]:
    rows: dict[Split, list[str]] = table("metrics")["splits"]
    return {word: split for split, words in rows.items() for word in words}


def _by_assignment(reading: Reading, module: Module, node: ast.expr, depth: int) -> Split:
    if not isinstance(node, ast.Name):
        return "unknown"
    held = _by_train_test_split(reading, module, node)
    held = held if held != "unknown" else _by_callers(reading, module, node, depth)
    if held != "unknown":
        return held
    for value in values_of(module, node):
        found = split_of(reading, module, value, depth - 1)
        if found != "unknown":
            return found
    return "unknown"


def _by_callers(reading: Reading, module: Module, node: ast.Name, depth: int) -> Split:
    """Return what the callers give for a parameter: of several parts the one that is held out."""
    found = module.scope_of(node).find(node.id)
    parameter = next((b.node for b in found[1] if isinstance(b.node, ast.arg)), None) if found else None
    function = module.parents.get(module.parents.get(parameter, node), node) if parameter else None
    if parameter is None or not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return "unknown"
    names = [item.arg for item in (*function.args.posonlyargs, *function.args.args)]
    place = names.index(parameter.arg) if parameter.arg in names else -1
    place -= isinstance(module.parents.get(function), ast.ClassDef)
    given = [c.argument(place, parameter.arg) for c in reading.calls if c.last == function.name]
    told = {split_of(reading, module, item, depth - 1) for item in given if item is not None}
    order: tuple[Split, ...] = ("test", "validation", "train")
    return next((split for split in order if split in told), "unknown")


def _by_train_test_split(reading: Reading, module: Module, node: ast.Name) -> Split:
    """Every second result of ``train_test_split`` is held out: the author's own test set."""
    for position, call in _unpacked_from(module, node):
        if reading.names.call(module, call) == "sklearn.model_selection.train_test_split":
            return "test" if position % 2 else "train"
    return "unknown"


def _unpacked_from(module: Module, node: ast.Name) -> Iterator[tuple[int, ast.Call]]:
    """Yield the calls whose results are unpacked into the name, and the name's place among them."""
    found = module.scope_of(node).find(node.id)
    for binding in found[1] if found else ():
        statement = module.parents.get(module.parents.get(binding.node, binding.node))
        target = module.parents.get(binding.node)
        if (
            isinstance(statement, ast.Assign)
            and isinstance(target, (ast.Tuple, ast.List))
            and isinstance(statement.value, ast.Call)
        ):
            yield next(i for i, item in enumerate(target.elts) if item is binding.node), statement.value
