"""What a hand-written training loop may change, kind by kind: one Protocol, and one dict that lists them.

The script is run again up to its loop when it is resumed, so that everything is there as it was when the
loop began. What is saved is only what the loop has changed since, and it is put back into the same objects.
"""

import types
from typing import Any, Callable, Dict, Iterator, NamedTuple, Optional, Protocol, Tuple

Own = Callable[[Any], bool]
"""Whether a function or class was written in the script's own files."""

ATOMS = frozenset(
    (int, float, complex, bool, str, bytes, type(None), range, slice, type(Ellipsis), type(NotImplemented))
)
"""Values that never change; a name that holds one is bound anew."""

STATIC = (types.ModuleType, types.BuiltinFunctionType, types.CodeType, property, staticmethod, classmethod)


class UnsaveableError(Exception):
    """Something that the loop changes cannot be saved; the message says what and why."""


class Kind(Protocol):
    """One kind of thing that may change while the script trains.

    ``accepts``: whether ``item`` is of this kind, told by its type alone.
    ``parts``: the things below it, each with a label that is the same in the next process.
    ``mark``: what is kept when the loop begins, to see later what has changed.
    ``changes``: what has changed since, for ``put_back`` in another process (None: nothing); it may hold
    any object, those that were there when the loop began come back as themselves. Raises ``UnsaveableError``.
    """

    def accepts(self, item: Any) -> bool: ...  # noqa: D102

    def parts(self, item: Any) -> Iterator[Tuple[str, Any]]: ...  # noqa: D102

    def mark(self, item: Any) -> Any: ...  # noqa: D102

    def changes(self, item: Any, mark: Any) -> Any: ...  # noqa: D102

    def put_back(self, item: Any, state: Any) -> None: ...  # noqa: D102


class Leaf:
    """A kind that has nothing below it."""

    def parts(self, item: Any) -> Iterator[Tuple[str, Any]]:
        """Return nothing."""
        return iter(())


class Differences(NamedTuple):
    """How a mapping from names to objects differs from what it was."""

    bound: Dict[Any, Any]
    gone: Tuple[Any, ...]


def differences(before: Dict[Any, Any], now: Dict[Any, Any]) -> Optional[Differences]:
    """Return what was bound to another object, or removed; None where nothing was."""
    missing = object()
    bound = {name: value for name, value in now.items() if before.get(name, missing) is not value}
    gone = tuple(name for name in before if name not in now)
    return Differences(bound, gone) if bound or gone else None
