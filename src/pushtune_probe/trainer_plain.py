"""Plain attributes of the objects that take part in a training: saved, and put back in a new process.

The script makes its objects anew when it runs again; what they learned while training (best values,
patience used, lists of outputs, counters, generators) is put back here, attribute by attribute. What
belongs to PyTorch and to the trainers (modules, optimizers, loaders) is not plain: it is never copied.
"""

from __future__ import annotations

import collections
import io
import os
import pickle
from typing import Any, Callable, Dict, Iterable, List, Mapping, Set, Tuple

Holders = Mapping[str, Any]
"""Objects by name; a dictionary stands for the namespace of a module."""

PlainStates = Dict[str, Dict[str, bytes]]
"""By the holder's name: its attributes, pickled."""

_FOREIGN = frozenset(
    {
        "Module", "Optimizer", "LRScheduler", "_LRScheduler", "DataLoader", "Dataset", "Sampler", "Trainer",
        "Callback", "TrainerCallback", "_Loop", "Logger", "Strategy", "Accelerator", "Thread",
        "TrainingArguments",        "LightningDataModule", "PretrainedConfig", "PreTrainedTokenizerBase",
    }
)  # fmt: skip
"""Classes whose objects are parts of the machinery: a copy of one is not that one."""

_LIBRARIES = (
    "torch",
    "lightning",
    "pytorch_lightning",
    "transformers",
    "accelerate",
    "threading",
    "datasets",
)
_LARGE_BYTES = 1 << 20
_LARGE_LENGTH = 10_000


class PlainState:
    """The plain attributes of ``holders`` from now on: what is large and already there is never saved.

    ``shared`` says whether a tensor is one that is saved elsewhere (a parameter); ``left_out`` names
    attributes that are not state, for every holder. ``root`` is the workspace: texts that name it (where
    the best model was saved) name the workspace of the process that they are put back in.
    """

    def __init__(
        self, holders: Holders, shared: Callable[[Any], bool], left_out: Iterable[str] = (), root: str = ""
    ) -> None:
        self._roots = tuple(dict.fromkeys([root, os.path.realpath(root)])) if root else ()
        self._holders = dict(holders)
        self._shared = shared
        self._left_out = frozenset(left_out)
        self._static: Set[int] = set()
        self._first: Dict[Tuple[str, str], bytes] = {}
        for name, attribute, value in self._attributes():
            if _is_large(value):
                self._static.add(id(value))
            elif isinstance(self._holders[name], dict):
                self._first[name, attribute] = self._pickled(value)

    def capture(self) -> PlainStates:
        """Return what can be saved. Of a module's namespace only what has changed since the beginning."""
        states: PlainStates = {name: {} for name in self._holders}
        for name, attribute, value in self._attributes():
            if id(value) in self._static:
                continue
            data = self._pickled(value)
            if data and self._first.get((name, attribute), b"") != data:
                states[name][attribute] = data
        return states

    def restore(self, states: PlainStates) -> List[str]:
        """Put attributes back, in place where it can be; return the holders that are no longer there."""
        lost = []
        for name, attributes in states.items():
            if name not in self._holders:
                lost.append(name)
                continue
            space = _namespace(self._holders[name])
            for attribute, data in attributes.items():
                current = space.get(attribute)
                if self._pickled(current) != data:
                    space[attribute] = refilled(current, self._loaded(data))
        return lost

    def _attributes(self) -> Iterable[Tuple[str, str, Any]]:
        for name, holder in self._holders.items():
            for attribute, value in list(_namespace(holder).items()):
                if attribute not in self._left_out and not attribute.startswith("__"):
                    yield name, attribute, value

    def _pickled(self, value: Any) -> bytes:
        stream = io.BytesIO()
        try:
            _Pickler(stream, self._shared, self._roots).dump(value)
        except Exception:  # the boundary to foreign classes: what cannot be pickled is not plain state
            return b""
        return stream.getvalue()

    def _loaded(self, data: bytes) -> Any:
        return _Unpickler(io.BytesIO(data), self._roots).load()


class _Pickler(pickle.Pickler):
    """Refuses the parts of the machinery, and tensors that are saved elsewhere; cuts out the workspace."""

    def __init__(self, stream: io.BytesIO, shared: Callable[[Any], bool], roots: Tuple[str, ...]) -> None:
        super().__init__(stream, protocol=4)
        self._is_shared = shared
        self._roots = roots

    def persistent_id(self, item: Any) -> Any:
        """Return the pieces between which a text names the workspace, each with which name of it."""
        if type(item) is str:
            for number, root in enumerate(self._roots):
                if root in item:
                    return number, tuple(item.split(root))
        return None

    def reducer_override(self, item: Any) -> Any:
        if isinstance(item, type):
            return NotImplemented
        if any(_is_foreign(kind) for kind in type(item).__mro__) or self._is_shared(item):
            raise pickle.PicklingError("%s belongs to the framework" % type(item).__name__)
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    """Puts this process's workspace in."""

    def __init__(self, stream: io.BytesIO, roots: Tuple[str, ...]) -> None:
        super().__init__(stream)
        self._roots = roots

    def persistent_load(self, pid: Any) -> Any:
        """Return the text of which ``persistent_id`` gave the pieces."""
        number, pieces = pid
        return self._roots[min(number, len(self._roots) - 1)].join(pieces)


def _is_foreign(kind: type) -> bool:
    return kind.__name__ in _FOREIGN and str(kind.__module__).partition(".")[0] in _LIBRARIES


def refilled(current: Any, saved: Any) -> Any:
    """Return ``saved``, as the same object where the script may hold a second reference to it."""
    if type(current) is not type(saved):
        return saved
    if isinstance(current, (list, collections.deque)):
        current.clear()
        current.extend(saved)
    elif isinstance(current, (dict, set)):
        current.clear()
        current.update(saved)
    elif type(saved).__module__.startswith("numpy.random") and hasattr(current, "bit_generator"):
        current.bit_generator.state = saved.bit_generator.state
    elif hasattr(current, "set_state") and hasattr(saved, "get_state"):  # torch.Generator, RandomState
        current.set_state(saved.get_state())
    elif hasattr(current, "setstate") and hasattr(saved, "getstate"):  # random.Random
        current.setstate(saved.getstate())
    elif _is_record(current):
        vars(current).clear()
        vars(current).update(vars(saved))
    else:
        return saved
    return current


def _is_record(value: Any) -> bool:
    """Whether all that an object holds are its attributes (no number, no enumeration, no tensor)."""
    own = {name for kind in type(value).__mro__[:-1] for name in vars(kind)}
    if own & {"__reduce__", "__reduce_ex__", "__getstate__", "__setstate__"}:
        return False
    return hasattr(value, "__dict__") and not isinstance(value, (str, int, float, bytes, tuple, type))


def _namespace(holder: Any) -> Dict[str, Any]:
    return holder if isinstance(holder, dict) else vars(holder) if hasattr(holder, "__dict__") else {}


def _is_large(value: Any) -> bool:
    size = getattr(value, "nbytes", 0)
    if isinstance(size, int) and size > _LARGE_BYTES:
        return True
    if isinstance(value, dict):
        return len(value) > _LARGE_LENGTH or any(_is_large(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return len(value) > _LARGE_LENGTH or any(_is_large(item) for item in value)
    return hasattr(value, "memory_usage")  # a table of pandas
