"""Kinds of state of Python's and NumPy's random generators, and of NumPy's arrays.

NumPy is looked at by names, never imported: an array exists only where the script has imported it.
"""

import random
import zlib
from typing import Any, NamedTuple, Optional

from pushtune_probe.loop_kinds import Leaf


class RandomKind(Leaf):
    """Python's ``random.Random``."""

    def accepts(self, item: Any) -> bool:
        """Generators with a readable state."""
        return isinstance(item, random.Random) and not isinstance(item, random.SystemRandom)

    def mark(self, item: Any) -> Any:
        """Keep the state."""
        return item.getstate()

    def changes(self, item: Any, mark: Any) -> Any:
        """Return the state."""
        state = item.getstate()
        return None if state == mark else state

    def put_back(self, item: Any, state: Any) -> None:
        """Set the state."""
        item.setstate(state)


class NumpyRandomKind(Leaf):
    """NumPy's ``Generator``, its bit generators, and the older ``RandomState``."""

    def accepts(self, item: Any) -> bool:
        """Generators with a readable state."""
        kind = type(item)
        return (kind.__module__ or "").startswith("numpy.random") and _holder(item) is not None

    def mark(self, item: Any) -> None:
        """Nothing: the state is always saved."""

    def changes(self, item: Any, mark: Any) -> Any:
        """Return the state."""
        return _holder(item).state

    def put_back(self, item: Any, state: Any) -> None:
        """Set the state."""
        _holder(item).state = state


def _holder(item: Any) -> Any:
    """Return the bit generator, whose ``state`` is that of ``item``."""
    inner = getattr(item, "bit_generator", None)
    if inner is None:
        inner = getattr(item, "_bit_generator", item)
    return inner if hasattr(inner, "state") else None


class Content(NamedTuple):
    """What tells whether an array's content changed."""

    shape: Any
    checksum: int


class ArrayKind(Leaf):
    """NumPy arrays that are written to in place."""

    def accepts(self, item: Any) -> bool:
        """``ndarray`` and what is derived from it."""
        return any(base.__module__ == "numpy" and base.__name__ == "ndarray" for base in type(item).__mro__)

    def mark(self, item: Any) -> Optional[Content]:
        """Keep a checksum; of one that cannot be written to (a memory map of data), nothing."""
        return _content(item) if item.flags.writeable else None

    def changes(self, item: Any, mark: Optional[Content]) -> Any:
        """Return a copy of the array."""
        return None if mark is None or _content(item) == mark else item.copy()

    def put_back(self, item: Any, state: Any) -> None:
        """Write into the same array."""
        item[...] = state


def _content(item: Any) -> Content:
    """Return the content's checksum, read without a copy where the memory is in one piece."""
    if item.dtype.hasobject:
        return Content(item.shape, zlib.crc32(repr([id(element) for element in item.flat]).encode()))
    if not item.size:
        return Content(item.shape, 0)
    whole = item if item.flags.c_contiguous else item.copy(order="C")
    return Content(item.shape, zlib.crc32(whole.reshape(-1).view("u1")))
