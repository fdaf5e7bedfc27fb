"""The plain state of Keras callbacks, saved and put back attribute by attribute.

A callback is made anew by the script when it runs again, and Keras's ``on_train_begin`` resets it; what
it learned while training (best value, patience used, best weights, rows written) is then put back here.
"""

from __future__ import annotations

import collections
import io
import pickle
from typing import Any, Dict, Iterable, List, Set

_NOT_STATE = frozenset({"model", "_model", "params", "csv_file", "writer", "append_header"})
_LARGE = 1 << 20
"""Bytes from which an attribute that is still the same object counts as given by the script, not learned."""

CallbackStates = List[Dict[str, Any]]
"""One entry a callback: ``{"type": its class, "state": {attribute: pickled bytes}}``."""


class _Pickler(pickle.Pickler):
    """Refuses what belongs to the model: a copy of a layer or a variable is not that layer."""

    def reducer_override(self, item: Any) -> Any:
        module = type(item).__module__ or ""
        saveable = any(kind.__name__ in ("KerasSaveable", "Variable") for kind in type(item).__mro__)
        if saveable or module.startswith(("tensorflow.", "torch.", "jaxlib.")):
            raise pickle.PicklingError("%s belongs to the framework" % type(item).__name__)
        return NotImplemented


def given(callbacks: Iterable[Any]) -> Set[int]:
    """Return the identities of the large attributes that callbacks hold before training begins."""
    return {id(value) for callback in callbacks for value in vars(callback).values() if _size(value) > _LARGE}


def capture(callbacks: Iterable[Any], static: Set[int]) -> CallbackStates:
    """Return each callback's picklable attributes, those in ``static`` left out."""
    return [{"type": _name(callback), "state": _attributes(callback, static)} for callback in callbacks]


def restore(callbacks: List[Any], states: CallbackStates) -> List[str]:
    """Put attributes back; return the class names of callbacks that are no longer there."""
    lost = []
    for position, saved in enumerate(states):
        if position < len(callbacks) and _name(callbacks[position]) == saved["type"]:
            _put_back(callbacks[position], saved["state"])
        else:
            lost.append(saved["type"])
    return lost


def _name(callback: Any) -> str:
    return "%s.%s" % (type(callback).__module__, type(callback).__qualname__)


def _attributes(callback: Any, static: Set[int]) -> Dict[str, bytes]:
    state = {}
    for name, value in vars(callback).items():
        if name not in _NOT_STATE and id(value) not in static:
            data = _pickled(value)
            if data is not None:
                state[name] = data
    return state


def _pickled(value: Any) -> Any:
    stream = io.BytesIO()
    try:
        _Pickler(stream, protocol=4).dump(value)
    except Exception:  # the boundary to foreign classes: what cannot be pickled is not plain state
        return None
    return stream.getvalue()


def _put_back(callback: Any, state: Dict[str, bytes]) -> None:
    for name, data in state.items():
        current = vars(callback).get(name)
        if _pickled(current) != data:
            setattr(callback, name, _refilled(current, pickle.loads(data)))


def _refilled(current: Any, saved: Any) -> Any:
    """Return ``saved``, as the same object where the script may hold a second reference to it."""
    if type(current) is not type(saved):
        return saved
    if isinstance(saved, (list, collections.deque)):
        current.clear()
        current.extend(saved)
        return current
    if isinstance(saved, (dict, set)):
        current.clear()
        current.update(saved)
        return current
    return saved


def _size(value: Any) -> int:
    if isinstance(value, (list, tuple)):
        return sum(_size(item) for item in value)
    if isinstance(value, dict):
        return sum(_size(item) for item in value.values())
    return int(getattr(value, "nbytes", 0) or 0)
