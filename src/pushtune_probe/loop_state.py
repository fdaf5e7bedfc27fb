"""What a hand-written loop has changed since it began, saved as bytes and put back in another process."""

import io
import pickle
import sys
import types
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from pushtune_probe import keras_random, loop_files, loop_keras, loop_numbers, loop_plain, torch_state
from pushtune_probe.callsite import CallSite
from pushtune_probe.loop_kinds import ATOMS, Differences, Kind, UnsaveableError, differences
from pushtune_probe.loop_reach import Node, Reach, is_own, outer_frames, own_modules

_PROTOCOL = 4
_SPACE = "\0"
"""Ends the part of a key that says in which frame or module a name stands."""


def kinds(callsite: CallSite) -> Dict[str, Kind]:
    """Return the kinds of state, in the order in which an object is matched with them."""

    def own(item: Any) -> bool:
        return is_own(callsite, item)

    layers = loop_keras.LayerKind()
    return {
        "tensor": torch_state.TensorKind(),
        "torch generator": torch_state.TorchGeneratorKind(),
        "loader iterator": torch_state.LoaderIteratorKind(),
        "state_dict": torch_state.StateDictKind(),
        "tf variable": loop_keras.VariableKind(),
        "tf function": loop_keras.FunctionKind(),
        "tf data": loop_keras.DataSetKind(),
        "keras optimizer": loop_keras.OptimizerKind(layers),
        "keras": layers,
        "array": loop_numbers.ArrayKind(),
        "numpy random": loop_numbers.NumpyRandomKind(),
        "python random": loop_numbers.RandomKind(),
        "file": loop_files.FileKind(),
        "list": loop_plain.ListKind(),
        "dict": loop_plain.DictKind(),
        "set": loop_plain.SetKind(),
        "tuple": loop_plain.TupleKind(),
        "function": loop_plain.FunctionKind(own),
        "method": loop_plain.MethodKind(),
        "class": loop_plain.ClassKind(own),
        "iterator": loop_plain.IteratorKind(),
        "instance": loop_plain.InstanceKind(),
        "opaque": loop_plain.OpaqueKind(),
    }


class Names(NamedTuple):
    """The names of one frame or module: which are looked at, and what they were bound to."""

    space: str
    values: Any
    passed_over: Set[str]
    mark: Dict[str, Any]

    def now(self) -> Dict[str, Any]:
        """Return what the names are bound to."""
        return _names(self.values, self.passed_over)


class LoopFrame(NamedTuple):
    """Where a loop stands: its frame, the names it carries, and those it binds without carrying them."""

    frame: types.FrameType
    carried: Set[str]
    passed_over: Set[str]


class LoopState:
    """Everything in reach of a loop, from the moment it was made. ``TooMuchError`` where that is too much.

    ``apart``: objects that are looked after elsewhere (the loop's own iterable).
    """

    def __init__(self, callsite: CallSite, loop: LoopFrame, apart: Sequence[Any]) -> None:
        self._loop = loop
        self._is_function = loop.frame.f_locals is not loop.frame.f_globals
        self._spaces = [
            Names(name, vars(module), over, _names(vars(module), over))
            for name, module in own_modules(callsite)
            for over in [self._passed_over(vars(module))]
        ]
        self._local = self._locals()
        self._apart = list(apart)
        reach = Reach(tuple(kinds(callsite).values()), callsite)
        self.nodes = reach.walk(self._roots(callsite), {id(item) for item in apart})
        self._by_key = {node.key: node for node in self.nodes}
        self._keys = {id(node.item): node.key for node in self.nodes}

    def capture(self) -> bytes:
        """Return what has changed. ``UnsaveableError`` says which name holds what cannot be saved."""
        changes: Dict[str, Any] = {}
        for node in self.nodes:
            try:
                found = node.kind.changes(node.item, node.mark)
            except UnsaveableError as error:
                if node.foreign and isinstance(node.kind, loop_plain.OpaqueKind):
                    continue  # the inside of a library's object
                raise UnsaveableError("%s: %s" % (_shown(node.key), error)) from error
            if found is not None:
                changes[node.key] = found
        body = {"nodes": changes, "spaces": self._rebound(), "names": self._local_changes()}
        return self._pickle(body)

    def restore(self, data: bytes) -> Differences:
        """Put everything back; return what the loop's own frame is to bind and to delete.

        ``UnsaveableError`` where something is not there any more.
        """
        body = _Unpickler(io.BytesIO(data), self._by_key).load()
        missing = [key for key in body["nodes"] if key not in self._by_key]
        if missing:
            raise UnsaveableError(
                "%s is not there as it was when the checkpoint was written" % _shown(missing[0])
            )
        found = [(self._by_key[key], state) for key, state in body["nodes"].items()]
        for node, state in sorted(found, key=lambda pair: _rank(pair[0].kind)):
            node.kind.put_back(node.item, state)
        for names in self._spaces:
            bound, gone = body["spaces"].get(names.space) or Differences({}, ())
            for name in gone:
                names.values.pop(name, None)
            names.values.update(bound)
        local: Differences = body["names"] or Differences({}, ())
        return local

    def files(self) -> List[Any]:
        """Return the open files in reach."""
        return [node.item for node in self.nodes if isinstance(node.kind, loop_files.FileKind)]

    def _passed_over(self, values: Any) -> Set[str]:
        return (
            self._loop.passed_over
            if values is self._loop.frame.f_globals and not self._is_function
            else set()
        )

    def _locals(self) -> Dict[str, Any]:
        return dict(self._loop.frame.f_locals) if self._is_function else {}

    def _roots(self, callsite: CallSite) -> Iterator[Tuple[str, Any]]:
        yield from ((_SPACE + name, value) for name, value in self._local.items())
        for names in self._spaces:
            yield from ((names.space + _SPACE + name, value) for name, value in names.mark.items())
        for number, frame in enumerate(outer_frames(callsite, self._loop.frame)):
            space = "frame %d%s" % (number, _SPACE)
            yield from ((space + name, value) for name, value in dict(frame.f_locals).items())

    def _rebound(self) -> Dict[str, Differences]:
        found = {names.space: differences(names.mark, names.now()) for names in self._spaces}
        return {space: changed for space, changed in found.items() if changed is not None}

    def _local_changes(self) -> Optional[Differences]:
        carried = self._loop.carried
        now = {name: value for name, value in self._locals().items() if name in carried}
        before = {name: value for name, value in self._local.items() if name in carried}
        return differences(before, now)

    def _pickle(self, body: Dict[str, Any]) -> bytes:
        aliases = self._aliases()
        try:
            return _pickled(body, self._keys, aliases)
        except Exception as error:  # the boundary to foreign types: each refuses to be pickled in its own way
            raise UnsaveableError(self._culprit(body, aliases) or str(error)) from error

    def _culprit(self, body: Dict[str, Any], aliases: Dict[Any, str]) -> str:
        """Return which of the values cannot be pickled, and why."""
        named: List[Tuple[str, Any]] = list(body["nodes"].items())
        for changed in [*body["spaces"].values(), body["names"]]:
            named += changed.bound.items() if changed is not None else []
        for key, value in named:
            try:
                _pickled(value, self._keys, aliases)
            except Exception as error:  # as above
                return "%s cannot be saved: %s" % (_shown(key), error)
        return ""

    def _aliases(self) -> Dict[Any, str]:
        """Return the tensors in reach by where their numbers lie: a view of one is put back as a view."""
        found: Dict[Any, str] = {}
        for node in self.nodes:
            key = torch_state.alias_key(node.item) if isinstance(node.kind, torch_state.TensorKind) else None
            if key is not None:
                found.setdefault(key, node.key)
        return found


def _names(values: Any, passed_over: Set[str]) -> Dict[str, Any]:
    return {
        name: value
        for name, value in list(values.items())
        if name not in passed_over and not (name.startswith("__") and name.endswith("__"))
    }


def _shown(key: str) -> str:
    return key.rpartition(_SPACE)[2]


def _rank(kind: Kind) -> int:
    """Data comes first, as going through it draws from others; optimizers last: they need built models."""
    if isinstance(kind, loop_keras.DataSetKind):
        return 0
    return 2 if isinstance(kind, loop_keras.OptimizerKind) else 1


class _Pickler(pickle.Pickler):
    """Leaves out what the next process has: objects from before the loop, modules, views of tensors.

    A file that the loop opened and closed again is nothing to be saved.
    """

    def __init__(self, stream: Any, keys: Dict[int, str], aliases: Dict[Any, str]) -> None:
        super().__init__(stream, protocol=_PROTOCOL)
        self._keys = keys
        self._aliases = aliases

    def persistent_id(self, item: Any) -> Optional[Tuple[str, str]]:
        """Return how ``item`` is found in the next process, or None: by value."""
        if type(item) in ATOMS:
            return None
        key = self._keys.get(id(item))
        if key is not None:
            return "given", key
        if isinstance(item, types.ModuleType):
            return "module", item.__name__
        if isinstance(item, io.IOBase) and item.closed:
            return "closed", ""
        alias = self._aliases.get(torch_state.alias_key(item)) if self._aliases else None
        return None if alias is None else ("view", alias)


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: Any, nodes: Dict[str, Node]) -> None:
        super().__init__(stream)
        self._nodes = nodes

    def persistent_load(self, told: Any) -> Any:
        """Return the object of this process that ``told`` names; ``UnsaveableError`` if it is not there."""
        how, key = told
        if how == "module":
            return sys.modules[key]
        if how == "closed":
            stream = io.BytesIO()
            stream.close()
            return stream
        node = self._nodes.get(key)
        if node is None:
            raise UnsaveableError("%s is not there as it was when the checkpoint was written" % _shown(key))
        return node.item.detach() if how == "view" else node.item


def _pickled(value: Any, keys: Dict[int, str], aliases: Dict[Any, str]) -> bytes:
    stream = io.BytesIO()
    _Pickler(stream, keys, aliases).dump(value)
    return stream.getvalue()


def random_states() -> Dict[str, Any]:
    """Return the states of all global random generators in use."""
    return {"global": keras_random.capture(), "cuda": torch_state.cuda_states()}


def put_random_back(states: Dict[str, Any]) -> None:
    """Set the states of all global random generators."""
    keras_random.restore(states["global"])
    if states["cuda"] is not None:
        torch_state.put_cuda_back(states["cuda"])
