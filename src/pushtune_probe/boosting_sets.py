"""Which part of the data a ``DMatrix`` or a ``Dataset`` holds: what it was made of, or else its name."""

from __future__ import annotations

import functools
import re
import weakref
from typing import Any, Dict, Tuple

from pushtune_probe.data_roles import TEST, TRAIN, UNKNOWN, VALIDATION
from pushtune_probe.session import Session

_References = Tuple[Any, ...]


class Sets:
    """Remembers the arrays that data sets were made of. Keeps none of them alive."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._made: "weakref.WeakKeyDictionary[Any, _References]" = weakref.WeakKeyDictionary()

    def watch(self, kind: Any) -> None:
        """Remember what every data set of the class ``kind`` is made of: its first argument, and labels."""
        original = kind.__init__

        @functools.wraps(original)
        def init(made: Any, *args: Any, **kwargs: Any) -> None:
            original(made, *args, **kwargs)
            self._session.guarded(lambda: self._remember(made, args, kwargs))

        kind.__init__ = init

    def trained_on(self, data: Any) -> None:
        """Training on ``data`` begins."""
        inputs, labels = self._given(data)
        if labels is not None or inputs is not None:
            self._session.data.fitted(inputs, labels)

    def watched(self, data: Any) -> None:
        """Training is measured on ``data`` after each round."""
        self._session.data.watched(*self._given(data))

    def split_of(self, data: Any, trained_on: Any, name: str) -> str:
        """Return the split that an evaluation set belongs to.

        The training set itself is known by identity, a part of ``train_test_split`` by what it was made
        of. What is left is there to validate on, unless its name says that it is the test set.
        """
        if data is trained_on:
            return TRAIN
        given = self._given(data)
        proven = self._session.data.split_of(*given)
        if proven != UNKNOWN:
            return proven
        words = re.split(r"[\W_\d]+", name.lower())
        if "train" in words or "training" in words:
            return TRAIN
        return TEST if "test" in words or name.lower() in ("dtest", "xtest") else VALIDATION

    def _remember(self, made: Any, args: Any, kwargs: Dict[str, Any]) -> None:
        given = [*args[:2], None, None]
        self._made[made] = (
            _reference(kwargs.get("data", given[0])),
            _reference(kwargs.get("label", given[1])),
        )

    def _given(self, data: Any) -> Tuple[Any, Any]:
        """Return inputs and labels, as far as the script still has them."""
        try:
            inputs, labels = self._made.get(data, (None, None))
        except TypeError:  # not to be weakly referenced: a stand-in for a data set
            return None, None
        return (inputs() if inputs else None), (labels() if labels else None)


def _reference(data: Any) -> Any:
    try:
        return None if data is None or isinstance(data, str) else weakref.ref(data)
    except TypeError:  # lists and tuples
        return None
