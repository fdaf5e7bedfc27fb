"""Kinds of state that are Python's own: containers, functions, classes and objects."""

import collections
import pickle
import types
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

from pushtune_probe.loop_kinds import ATOMS, Differences, Leaf, Own, UnsaveableError, differences

BULK = 5000
"""Elements from which a container counts as data: its order and length are watched, its elements are not."""

# What only writes or draws, and what belongs to the interpreter: nothing that is trained depends on it.
_HARMLESS = (
    "_csv", "_io", "_thread", "argparse", "asyncio", "concurrent", "ctypes", "h5py", "logging", "loguru",
    "matplotlib", "mlflow", "multiprocessing", "pathlib", "queue", "rich", "subprocess", "tensorboard",
    "tensorboardX", "threading", "tqdm", "wandb", "weakref", "_weakref", "_weakrefset",
)  # fmt: skip
_HARMLESS_BELOW = ("torch.utils.tensorboard", "torch.utils.hooks", "torch._dynamo", "torch.nn.parallel")


def is_harmless(kind: type) -> bool:
    """Whether objects of ``kind`` hold nothing that training depends on."""
    module = kind.__module__ or ""
    if module == "argparse":
        return kind.__name__ != "Namespace"
    return module.partition(".")[0] in _HARMLESS or module.startswith(_HARMLESS_BELOW)


def _is_bulk(items: Any) -> bool:
    return len(items) > BULK


def _elements(items: Any) -> Iterator[Tuple[str, Any]]:
    """Return the elements that may hold something: none of a list of plain values, none of a long list."""
    if not _is_bulk(items) and not set(map(type, items)) <= ATOMS:
        yield from (("[%d]" % index, element) for index, element in enumerate(items))


class ListKind:
    """Lists and deques; a long list of plain values or data is one piece."""

    def accepts(self, item: Any) -> bool:
        """Lists, deques, and what is derived from them."""
        return isinstance(item, (list, collections.deque))

    def parts(self, item: Any) -> Iterator[Tuple[str, Any]]:
        """Return the elements, of a long list none."""
        return _elements(item)

    def mark(self, item: Any) -> List[Any]:
        """Keep the elements."""
        return list(item)

    def changes(self, item: Any, mark: List[Any]) -> Optional[Tuple[str, Any]]:
        """Return the new order of what was there, or all elements."""
        now = list(item)
        if len(now) == len(mark) and all(map(lambda one, other: one is other, now, mark)):
            return None
        if _is_bulk(now) and len(now) == len(mark) and not set(map(type, now)) <= ATOMS:
            positions = {id(element): index for index, element in enumerate(mark)}
            order = [positions.get(id(element)) for element in now]
            if None not in order:
                return "order", order
        return "all", now

    def put_back(self, item: Any, state: Tuple[str, Any]) -> None:
        """Fill the same list."""
        how, elements = state
        before = list(item)
        item.clear()
        item.extend(elements if how == "all" else [before[index] for index in elements])


class DictKind:
    """Dicts of every sort."""

    def accepts(self, item: Any) -> bool:
        """Dicts, and what is derived from them."""
        return isinstance(item, dict)

    def parts(self, item: Any) -> Iterator[Tuple[str, Any]]:
        """Return keys that are no plain values, and the values."""
        for index, (key, value) in enumerate(() if _is_bulk(item) else list(item.items())):
            plain = type(key) in ATOMS
            if not plain:
                yield "<key %d>" % index, key
            yield "[%r]" % (key,) if plain else "<value %d>" % index, value

    def mark(self, item: Any) -> Dict[Any, Any]:
        """Keep the items."""
        return dict(item)

    def changes(self, item: Any, mark: Dict[Any, Any]) -> Optional[Tuple[Differences, Optional[List[Any]]]]:
        """Return the differences, and all keys where their order is not what the differences make."""
        found = differences(mark, dict(item))
        if found is None and list(item) == list(mark):
            return None
        found = found or Differences({}, ())
        made = [key for key in mark if key not in found.gone]
        made += [key for key in found.bound if key not in mark]
        return found, None if made == list(item) else list(item)

    def put_back(self, item: Any, state: Tuple[Differences, Optional[List[Any]]]) -> None:
        """Change the same dict."""
        (bound, gone), order = state
        for key in gone:
            item.pop(key, None)
        item.update(bound)
        if order is not None:
            now = dict(item)
            item.clear()
            item.update((key, now[key]) for key in order)


class SetKind(Leaf):
    """Sets: put back by value."""

    def accepts(self, item: Any) -> bool:
        """Sets that can change."""
        return isinstance(item, set)

    def mark(self, item: Any) -> Set[Any]:
        """Keep the elements."""
        return set(item)

    def changes(self, item: Any, mark: Set[Any]) -> Optional[Set[Any]]:
        """Return all elements."""
        return None if item == mark else set(item)

    def put_back(self, item: Any, state: Set[Any]) -> None:
        """Fill the same set."""
        item.clear()
        item.update(state)


class TupleKind:
    """Tuples do not change; what is in them may."""

    def accepts(self, item: Any) -> bool:
        """Tuples of every sort."""
        return isinstance(item, tuple)

    def parts(self, item: Any) -> Iterator[Tuple[str, Any]]:
        """Return the elements."""
        return _elements(item)

    def mark(self, item: Any) -> None:
        """Nothing."""

    def changes(self, item: Any, mark: Any) -> None:
        """Nothing."""

    def put_back(self, item: Any, state: Any) -> None:
        """Nothing."""


class FunctionKind:
    """Functions of the script: the variables they close over, their mutable defaults, their attributes."""

    def __init__(self, own: Own) -> None:
        self._own = own

    def accepts(self, item: Any) -> bool:
        """Python functions."""
        return isinstance(item, types.FunctionType)

    def parts(self, item: Any) -> Iterator[Tuple[str, Any]]:
        """Return what the function keeps between calls, if the script wrote it."""
        if self._own(item):
            yield from ((".%s" % name, value) for name, value in self._variables(item).items())
            for name in ("__defaults__", "__kwdefaults__", "__wrapped__"):
                yield ".%s" % name, getattr(item, name, None)

    def mark(self, item: Any) -> Dict[str, Any]:
        """Keep the variables."""
        return self._variables(item) if self._own(item) else {}

    def changes(self, item: Any, mark: Dict[str, Any]) -> Optional[Differences]:
        """Return the variables that hold something else."""
        return differences(mark, self._variables(item)) if self._own(item) else None

    def put_back(self, item: Any, state: Differences) -> None:
        """Set the variables."""
        cells = _cells(item)
        for name, value in state.bound.items():
            where, _, rest = name.partition(" ")
            if where == "cell":
                cells[rest].cell_contents = value
            else:
                setattr(item, rest, value)

    @staticmethod
    def _variables(item: Any) -> Dict[str, Any]:
        found = {"attribute " + name: value for name, value in vars(item).items()}
        for name, cell in _cells(item).items():
            try:
                found["cell " + name] = cell.cell_contents
            except ValueError:  # not bound yet
                continue
        return found


def _cells(function: Any) -> Dict[str, Any]:
    names, cells = function.__code__.co_freevars, function.__closure__ or ()
    return {names[index]: cell for index, cell in enumerate(cells)}


class MethodKind:
    """Bound methods and partial calls: what they are bound to."""

    def accepts(self, item: Any) -> bool:
        """Methods of objects, ``functools.partial``."""
        return isinstance(item, types.MethodType) or type(item).__name__ == "partial"

    def parts(self, item: Any) -> Iterator[Tuple[str, Any]]:
        """Return the function, and the objects it is called with."""
        for name in ("__self__", "__func__", "func", "args", "keywords"):
            yield ".%s" % name, getattr(item, name, None)

    def mark(self, item: Any) -> None:
        """Nothing."""

    def changes(self, item: Any, mark: Any) -> None:
        """Nothing."""

    def put_back(self, item: Any, state: Any) -> None:
        """Nothing."""


class ClassKind:
    """Classes of the script: counters and registries that they hold."""

    def __init__(self, own: Own) -> None:
        self._own = own

    def accepts(self, item: Any) -> bool:
        """All classes."""
        return isinstance(item, type)

    def parts(self, item: Any) -> Iterator[Tuple[str, Any]]:
        """Return the attributes, if the script wrote the class."""
        if self._own(item):
            yield from ((".%s" % name, value) for name, value in _plain_attributes(item).items())

    def mark(self, item: Any) -> Dict[str, Any]:
        """Keep the attributes."""
        return _plain_attributes(item) if self._own(item) else {}

    def changes(self, item: Any, mark: Dict[str, Any]) -> Optional[Differences]:
        """Return the attributes that hold something else."""
        return differences(mark, _plain_attributes(item)) if self._own(item) else None

    def put_back(self, item: Any, state: Differences) -> None:
        """Set the attributes."""
        for name in state.gone:
            delattr(item, name)
        for name, value in state.bound.items():
            setattr(item, name, value)


def _plain_attributes(item: type) -> Dict[str, Any]:
    return {
        name: value
        for name, value in vars(item).items()
        if not (name.startswith("__") and name.endswith("__")) and name != "_abc_impl"
    }


class InstanceKind:
    """Objects of classes written in Python: their attributes."""

    def accepts(self, item: Any) -> bool:
        """Whatever has a ``__dict__`` or slots."""
        return hasattr(item, "__dict__") or bool(_slots(type(item)))

    def parts(self, item: Any) -> Iterator[Tuple[str, Any]]:
        """Return the attributes."""
        if not is_harmless(type(item)):
            yield from ((".%s" % name, value) for name, value in _attributes(item).items())

    def mark(self, item: Any) -> Dict[str, Any]:
        """Keep the attributes."""
        return {} if is_harmless(type(item)) else _attributes(item)

    def changes(self, item: Any, mark: Dict[str, Any]) -> Optional[Differences]:
        """Return the attributes that hold something else."""
        return None if is_harmless(type(item)) else differences(mark, _attributes(item))

    def put_back(self, item: Any, state: Differences) -> None:
        """Set the attributes, past ``__setattr__``: no check or side effect is wanted."""
        own = getattr(item, "__dict__", {})
        for name in state.gone:
            if own.pop(name, self) is self:
                object.__delattr__(item, name)
        for name, value in state.bound.items():
            if name in _slots(type(item)):
                object.__setattr__(item, name, value)
            else:
                own[name] = value


def _slots(kind: type) -> List[str]:
    found: List[str] = []
    for base in kind.__mro__:
        names = vars(base).get("__slots__", ())
        found += [names] if isinstance(names, str) else list(names)
    return [name for name in found if isinstance(getattr(kind, name, None), types.MemberDescriptorType)]


def _attributes(item: Any) -> Dict[str, Any]:
    found = dict(getattr(item, "__dict__", {}))
    for name in _slots(type(item)):
        try:
            found[name] = getattr(item, name)
        except AttributeError:
            continue
    return found


class IteratorKind(Leaf):
    """Generators and other iterators: they cannot be wound back, so they must not move."""

    def accepts(self, item: Any) -> bool:
        """Iterators that are no ordinary objects."""
        return hasattr(type(item), "__next__") and not hasattr(item, "__dict__")

    def mark(self, item: Any) -> Any:
        """Keep where it stands, as far as it can be seen."""
        if not isinstance(item, types.GeneratorType):
            return _pickled(item)
        frame = item.gi_frame
        return None if frame is None else (frame.f_lasti, dict(frame.f_locals))

    def changes(self, item: Any, mark: Any) -> None:
        """Raise ``UnsaveableError`` if it moved, or where nobody can say."""
        now = self.mark(item)
        if isinstance(item, types.GeneratorType):
            # One that waits at the same line has gone round only if its variables are others.
            still = now is mark or (now and mark and now[0] == mark[0] and not differences(mark[1], now[1]))
        else:
            still = now == mark is not None
        if not still:
            raise UnsaveableError("an iterator (%s) is carried from epoch to epoch" % type(item).__name__)

    def put_back(self, item: Any, state: Any) -> None:
        """Nothing."""


class OpaqueKind(Leaf):
    """Objects of compiled types that nobody here knows: they must not change."""

    def accepts(self, item: Any) -> bool:
        """Everything."""
        return True

    def mark(self, item: Any) -> Any:
        """Keep the pickled object."""
        return None if is_harmless(type(item)) else _pickled(item)

    def changes(self, item: Any, mark: Any) -> None:
        """Raise ``UnsaveableError`` if it changed, or where nobody can say."""
        if not is_harmless(type(item)) and (mark is None or _pickled(item) != mark):
            raise UnsaveableError(
                "what a %s.%s holds cannot be saved" % (type(item).__module__, type(item).__name__)
            )

    def put_back(self, item: Any, state: Any) -> None:
        """Nothing."""


def _pickled(item: Any) -> Optional[bytes]:
    try:
        return pickle.dumps(item, protocol=4)
    except Exception:  # the boundary to foreign types: what cannot be pickled cannot be compared
        return None
