"""Kinds of state of TensorFlow and Keras, for loops around ``GradientTape``.

Neither is imported: an object of theirs exists only where the script has imported them.
"""

import functools
import sys
from typing import Any, Dict, Iterator, List, Optional, Tuple

from pushtune_probe.keras_hidden import hidden_operations, hidden_state
from pushtune_probe.loop_kinds import ATOMS, Leaf, UnsaveableError

_ITERATES = {"AnonymousIteratorV3", "MakeIterator", "OneShotIterator", "ReduceDataset"}


def _is(item: Any, name: str, package: str) -> bool:
    return any(
        base.__name__ == name and (base.__module__ or "").startswith(package) for base in type(item).__mro__
    )


class VariableKind(Leaf):
    """``tf.Variable``."""

    def accepts(self, item: Any) -> bool:
        """Variables of every sort."""
        return _is(item, "Variable", "tensorflow.") and hasattr(item, "assign")

    def mark(self, item: Any) -> None:
        """Nothing: the value is always saved."""

    def changes(self, item: Any, mark: Any) -> Any:
        """Return a copy of the value."""
        return item.numpy().copy() if hasattr(item.numpy(), "copy") else item.numpy()

    def put_back(self, item: Any, state: Any) -> None:
        """Assign it."""
        item.assign(state)


class LayerKind:
    """Keras 3's layers, models and metrics: their variables; what the first batch built is built again."""

    def __init__(self) -> None:
        self.seen: List[Any] = []

    def accepts(self, item: Any) -> bool:
        """What Keras can save."""
        return _is(item, "KerasSaveable", "keras.")

    def parts(self, item: Any) -> Iterator[Tuple[str, Any]]:
        """Return the optimizer of a compiled model."""
        optimizer = vars(item).get("optimizer")
        if optimizer is not None:
            yield ".optimizer", optimizer

    def mark(self, item: Any) -> Dict[str, Any]:
        """Keep the plain attributes."""
        self.seen.append(item)
        return _plain(item)

    def changes(self, item: Any, mark: Dict[str, Any]) -> Dict[str, Any]:
        """Return the variables, the attributes that changed, and what is needed to build it."""
        return {
            "variables": _values(item),
            "plain": {name: value for name, value in _plain(item).items() if mark.get(name, self) != value},
            "build": item.get_build_config() if hasattr(item, "get_build_config") else None,
        }

    def put_back(self, item: Any, state: Dict[str, Any]) -> None:
        """Build it if it is not built, and assign every variable."""
        if state["build"] is not None and not getattr(item, "built", True):
            item.build_from_config(state["build"])
        _assign(item, state["variables"])
        vars(item).update(state["plain"])

    def variables_by_path(self) -> Dict[str, Any]:
        """Return the variables of everything seen that can be trained."""
        return {
            variable.path: variable
            for item in self.seen
            for variable in getattr(item, "trainable_variables", ())
        }


class OptimizerKind(Leaf):
    """Keras 3's optimizers; one that was built by its first step is built for the same variables."""

    def __init__(self, layers: LayerKind) -> None:
        self._layers = layers

    def accepts(self, item: Any) -> bool:
        """All optimizers."""
        return _is(item, "BaseOptimizer", "keras.")

    def mark(self, item: Any) -> None:
        """Nothing: the variables are always saved."""

    def changes(self, item: Any, mark: Any) -> Dict[str, Any]:
        """Return the variables, and the paths of those that it trains."""
        paths = [variable.path for variable in item._trainable_variables] if item.built else None
        known = self._layers.variables_by_path()
        if paths is not None and (len(set(paths)) < len(paths) or not set(paths) <= set(known)):
            raise UnsaveableError("the variables that %s trains cannot be told apart" % item.name)
        return {"variables": _values(item), "trained": paths}

    def put_back(self, item: Any, state: Dict[str, Any]) -> None:
        """Build it if it is not built, and assign every variable."""
        if state["trained"] is not None and not item.built:
            found = self._layers.variables_by_path()
            item.build([found[path] for path in state["trained"]])
        _assign(item, state["variables"])


def _values(item: Any) -> List[Any]:
    to_numpy = sys.modules["keras.src.backend"].convert_to_numpy
    # A copy: on a CPU the array may share its memory with the variable.
    return [to_numpy(variable).copy() for variable in _variables(item)]


def _assign(item: Any, values: List[Any]) -> None:
    variables = _variables(item)
    if [tuple(value.shape) for value in values] != [tuple(variable.shape) for variable in variables]:
        raise UnsaveableError("the variables of %s are not those of the checkpoint" % item.name)
    for position, variable in enumerate(variables):
        variable.assign(values[position])


def _variables(item: Any) -> List[Any]:
    return list(getattr(item, "variables", ()))


def _plain(item: Any) -> Dict[str, Any]:
    return {
        name: value
        for name, value in vars(item).items()
        if type(value) in ATOMS and name not in ("built", "_called", "_build_shapes_dict")
    }


class FunctionKind:
    """``tf.function``: what it closes over; random operations inside it cannot be saved."""

    def accepts(self, item: Any) -> bool:
        """Compiled functions."""
        return _is(item, "Function", "tensorflow.python.eager.polymorphic_function")

    def parts(self, item: Any) -> Iterator[Tuple[str, Any]]:
        """Return the Python function."""
        yield ".python_function", getattr(item, "python_function", None)

    def mark(self, item: Any) -> None:
        """Nothing."""

    def changes(self, item: Any, mark: Any) -> None:
        """Raise ``UnsaveableError`` if it draws random numbers, or iterates over data, inside its graph."""
        operations = hidden_state(item) or sorted(_ITERATES & set(hidden_operations(item)))
        if operations:
            raise UnsaveableError(
                "a tf.function holds %s, whose state cannot be saved" % ", ".join(operations)
            )

    def put_back(self, item: Any, state: Any) -> None:
        """Nothing."""


class DataSetKind(Leaf):
    """``tf.data`` data sets: how often each was gone through, as shuffling goes on from there."""

    def accepts(self, item: Any) -> bool:
        """Data sets of every sort."""
        return _is(item, "DatasetV2", "tensorflow.")

    def mark(self, item: Any) -> int:
        """Keep how often it was gone through."""
        base = next(kind for kind in type(item).__mro__ if kind.__name__ == "DatasetV2")
        _count_iterations(base)
        return int(vars(item).get(_COUNT, 0))

    def changes(self, item: Any, mark: int) -> Optional[int]:
        """Return how often it was gone through since."""
        times = int(vars(item).get(_COUNT, 0)) - mark
        if times and int(item.cardinality()) == -1:
            raise UnsaveableError("an endless data set cannot be fed again")
        return times or None

    def put_back(self, item: Any, state: int) -> None:
        """Go through it as often."""
        for _ in range(state):
            for _ in item:
                pass


_COUNT = "_times_gone_through"


def _count_iterations(base: Any) -> None:
    original = base.__iter__
    if hasattr(original, "__wrapped__"):
        return

    @functools.wraps(original)
    def counted(item: Any) -> Any:
        vars(item)[_COUNT] = vars(item).get(_COUNT, 0) + 1
        return original(item)

    base.__iter__ = counted
