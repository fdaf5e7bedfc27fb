"""The records of configuration files, and what each format must tell."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from pushtune.model.analysis import Span
from pushtune.model.space import Value
from pushtune.source.text import SourceText

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Leaf:
    """One scalar of a file: where it stands, as indices into the text, and what it reads as."""

    path: Path
    start: int
    end: int
    value: Value


class Format(Protocol):
    """One way to write configuration. Methods raise ``ValueError`` for text that is not in the format."""

    def load(self, text: str) -> Any:
        """Return what the text holds, as a program that reads it finds it."""

    def leaves(self, text: str) -> list[Leaf]:
        """Return every scalar whose place can be told."""

    def written(self, value: Value, old: str) -> str:
        """Return ``value`` as it can stand where ``old`` stands: quoted where ``old`` is quoted."""


@dataclass(frozen=True, eq=False)
class Document:
    """One configuration file. ``root`` is its content as a literal whose places are those in the file."""

    source: SourceText
    format: Format
    root: ast.expr
    leaves: Mapping[Span, Leaf] = field(repr=False)

    @cached_property
    def data(self) -> Any:
        """What the file holds."""
        return self.format.load(self.source.text)

    def reads(self, span: Span, value: Value) -> bool:
        """Whether the text at ``span`` is one scalar that reads as ``value``."""
        leaf = self.leaves.get(span)
        return leaf is not None and type(leaf.value) is type(value) and leaf.value == value

    def accepts(self, edited: str, spans: frozenset[Span]) -> bool:
        """Whether the text ``edited`` differs from the file in the values at ``spans``, and in no other."""
        try:
            after = self.format.load(edited)
        except ValueError:
            return False
        changed = {self.leaves[span].path for span in spans}
        return _same(self.data, after, (), changed)


def _same(old: Any, new: Any, path: Path, changed: set[Path]) -> bool:
    if path in changed:
        return not isinstance(new, (dict, list))
    if type(old) is not type(new):
        return False
    if isinstance(old, dict):
        return list(old) == list(new) and all(_same(old[k], new[k], (*path, k), changed) for k in old)
    if isinstance(old, list):
        pairs = enumerate(zip(old, new, strict=False))
        return len(old) == len(new) and all(_same(a, b, (*path, n), changed) for n, (a, b) in pairs)
    return bool(old == new or (old != old and new != new))
