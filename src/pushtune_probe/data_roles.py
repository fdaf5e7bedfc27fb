"""Proves which data a metric was measured on: what a fit saw, or what a split put aside.

Identity proves, and so does equal content; nothing is guessed from the names of variables.
"""

import contextlib
import sys
import weakref
from typing import Any, Dict, List, Optional, Sequence, Set, Tuple

TRAIN, VALIDATION, TEST, UNKNOWN = "train", "validation", "test", "unknown"
POOL = "pool"
"""The part of a split that is meant for training. It is ``train`` once a fit has seen it."""

_SAMPLE = 65536
"""Rows of a large data set that its fingerprint looks at, evenly spaced."""

_TELLING = 20
"""Fewer rows than this can be equal by chance: then content proves nothing."""

Fingerprint = Tuple[Tuple[int, ...], bytes]


class _Marked:
    """A set of data sets, found again by identity or by content. Holds no reference to the data."""

    def __init__(self) -> None:
        self._objects: Dict[int, "weakref.ref[Any]"] = {}
        self._contents: Set[Fingerprint] = set()

    def add(self, data: Any) -> None:
        with contextlib.suppress(TypeError):  # lists and tuples are found by content alone
            self._objects[id(data)] = weakref.ref(data)
        fingerprint = fingerprint_of(data)
        if fingerprint is not None:
            self._contents.add(fingerprint)

    def is_one(self, data: Any) -> bool:
        reference = self._objects.get(id(data))
        return reference is not None and reference() is data

    def equals_one(self, fingerprint: Optional[Fingerprint]) -> bool:
        return fingerprint in self._contents


class DataRoles:
    """Remembers what was trained on and what was held out. Not thread-safe beyond single calls."""

    def __init__(self) -> None:
        self._marked: Dict[str, _Marked] = {role: _Marked() for role in (TRAIN, VALIDATION, TEST, POOL)}
        self._watched = _Marked()
        self._fit_on_pool = False

    def fitted(self, *data: Any) -> None:
        """A fit is about to train on ``data`` (inputs, labels; None is passed over)."""
        given = _given(data)
        self._fit_on_pool = any(self.role(item) == POOL for item in given) or (
            self._fit_on_pool and any(self.role(item) == TRAIN for item in given)
        )
        for item in given:
            self._marked[TRAIN].add(item)

    def watched(self, *data: Any) -> None:
        """A fit is given ``data`` as its validation data: choices may depend on it."""
        for item in _given(data):
            self._watched.add(item)

    def mark(self, role: str, *data: Any) -> None:
        """Say that ``data`` is there to be ``validation``, ``test`` or ``pool``: a data set's own split."""
        for item in _given(data):
            self._marked[role].add(item)

    def split(self, sources: Sequence[Any], parts: Sequence[Any]) -> None:
        """Record ``train_test_split``: ``parts`` holds, for each of ``sources``, a larger and a held part."""
        for index, source in enumerate(sources):
            parent = self.role(source)
            first, second = parts[2 * index], parts[2 * index + 1]
            if parent in (TEST, VALIDATION):
                self.mark(VALIDATION, first)
                self.mark(TEST, second)
            else:
                self.mark(POOL, first)
                self.mark(VALIDATION if parent == POOL else TEST, second)

    def role(self, data: Any) -> str:
        """Return the role of one data set: ``train``, ``validation``, ``test``, ``pool`` or ``unknown``."""
        for role, marked in self._marked.items():
            if marked.is_one(data):
                return role
        fingerprint = fingerprint_of(data)
        roles = [role for role, marked in self._marked.items() if marked.equals_one(fingerprint)]
        if roles == [TRAIN, POOL]:
            return TRAIN
        # Equal content in two roles (labels that are sorted alike) proves neither.
        return roles[0] if len(roles) == 1 else UNKNOWN

    def split_of(self, *data: Any) -> str:
        """Return the split that a measurement on ``data`` belongs to, or ``"unknown"``.

        Held-out data counts as such only if the last fit saw the other part of a split: whoever fits on
        everything in the end has no test set left.
        """
        roles = {self.role(item) for item in _given(data)}
        if TRAIN in roles:
            return TRAIN
        held = roles & {VALIDATION, TEST}
        return held.pop() if len(held) == 1 and self._fit_on_pool else UNKNOWN

    def seen_by_fit(self, *data: Any) -> bool:
        """Whether ``data`` was the validation data of a fit."""
        return any(
            self._watched.is_one(item) or self._watched.equals_one(fingerprint_of(item))
            for item in _given(data)
        )


def _given(data: Sequence[Any]) -> List[Any]:
    return [item for item in data if item is not None]


def fingerprint_of(data: Any) -> Optional[Fingerprint]:
    """Return shape and digest of an array, a pandas table, or a list; None where content cannot be told.

    Of large data a sample of rows is read. A column vector equals the flat one.
    """
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    try:
        return _digest(numpy, _rows(numpy, data))
    except Exception:  # data of any type may refuse to be an array in any way; then nothing is proven
        return None


def _rows(numpy: Any, data: Any) -> Any:
    """Return the shape and a sample of the rows of ``data``."""
    if isinstance(data, (list, tuple)):
        data = numpy.asarray(data)
    if not hasattr(data, "shape") or not data.shape or data.shape[0] < _TELLING:
        return None
    step = max(1, data.shape[0] // _SAMPLE)
    rows = data.iloc[::step] if hasattr(data, "iloc") else data[::step]
    if not isinstance(data, numpy.ndarray) and not hasattr(rows, "to_numpy"):
        return None
    return tuple(data.shape), numpy.ascontiguousarray(rows)


def _digest(numpy: Any, sample: Any) -> Optional[Fingerprint]:
    if sample is None:
        return None
    import hashlib  # only where data is looked at: it loads a cryptography library

    shape, rows = sample
    if len(shape) == 2 and shape[1] == 1:
        shape = shape[:1]
    content = repr(rows.tolist()).encode() if rows.dtype.hasobject else rows.tobytes()
    return shape, hashlib.blake2b(content, digest_size=16).digest()
