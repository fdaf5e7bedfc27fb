"""Finds what a loop can reach: the names of its frame and of the frames it was called from, the script's
modules, and everything below those.

Breadth first, in an order that is the same in each process: what is found has the same key there.
"""

import sys
import types
from collections import deque
from typing import Any, Deque, Dict, Iterator, List, NamedTuple, Set, Tuple

from pushtune_probe.callsite import CallSite
from pushtune_probe.loop_kinds import ATOMS, STATIC, Kind

MOST_NODES = 200_000
"""Objects looked at; a script that holds more is trained in one piece."""


class TooMuchError(Exception):
    """More is in reach than can be looked at in reasonable time."""


class Node(NamedTuple):
    """One object in reach. ``key`` says how it is reached: ``"self.history"``. ``mark``: see ``Kind``.

    ``foreign``: it belongs to an object of a library, not to the script itself.
    """

    key: str
    item: Any
    kind: Kind
    mark: Any
    foreign: bool


class _Found(NamedTuple):
    key: str
    item: Any
    foreign: bool


class Reach:
    """Walks from ``roots``; ``kinds`` in the order in which they are asked."""

    def __init__(self, kinds: Tuple[Kind, ...], callsite: CallSite) -> None:
        self._kinds = kinds
        self._callsite = callsite
        self._by_type: Dict[type, Kind] = {}
        self._own_types: Dict[type, bool] = {}

    def walk(self, roots: Iterator[Tuple[str, Any]], apart: Set[int]) -> List[Node]:
        """Return every object in reach once. ``apart`` are the identities of those to pass over.

        ``TooMuchError`` beyond ``MOST_NODES``.
        """
        nodes: List[Node] = []
        seen = set(apart)
        waiting: Deque[_Found] = deque(_Found(key, item, False) for key, item in roots)
        while waiting:
            found = waiting.popleft()
            item = found.item
            if type(item) in ATOMS or isinstance(item, STATIC) or id(item) in seen:
                continue
            seen.add(id(item))
            kind = self.kind_of(item)
            nodes.append(Node(found.key, item, kind, kind.mark(item), found.foreign))
            if len(nodes) > MOST_NODES:
                raise TooMuchError("the script holds more objects than can be looked at after each epoch")
            foreign = found.foreign or self._is_foreign(item)
            waiting.extend(_Found(found.key + label, part, foreign) for label, part in kind.parts(item))
        return nodes

    def kind_of(self, item: Any) -> Kind:
        """Return the kind of ``item``."""
        kind = self._by_type.get(type(item))
        if kind is None:
            kind = self._by_type[type(item)] = next(each for each in self._kinds if each.accepts(item))
        return kind

    def _is_foreign(self, item: Any) -> bool:
        kind = type(item)
        known = self._own_types.get(kind)
        if known is None:
            plain = kind.__module__ in ("builtins", "collections", "argparse", "types", "functools")
            known = self._own_types[kind] = not plain and not is_own(self._callsite, kind)
        return known


def is_own(callsite: CallSite, item: Any) -> bool:
    """Whether a function or class was written in the script's own files."""
    code = getattr(item, "__code__", None)
    if code is not None:
        return callsite.is_own(code.co_filename)
    module = sys.modules.get(getattr(item, "__module__", None) or "")
    file = getattr(module, "__file__", None)
    return bool(file) and callsite.is_own(str(file))


def own_modules(callsite: CallSite) -> List[Tuple[str, types.ModuleType]]:
    """Return the modules of the script that are loaded, sorted by name."""
    found = []
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None) if isinstance(module, types.ModuleType) else None
        if isinstance(file, str) and callsite.is_own(file):
            found.append((name, module))
    return found


def outer_frames(callsite: CallSite, frame: Any) -> List[Any]:
    """Return the frames of the script's functions that are under way above ``frame``, innermost first."""
    found = []
    outer = frame.f_back
    while outer is not None:
        if callsite.is_own(outer.f_code.co_filename) and outer.f_locals is not outer.f_globals:
            found.append(outer)
        outer = outer.f_back
    return found
