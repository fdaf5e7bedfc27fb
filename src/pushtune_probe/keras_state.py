"""What training changes in a Keras model: its variables, its optimizer's, its metrics'.

``model.variables`` holds the seed generators of dropout and augmentation layers too, which
``save_weights`` leaves out.
"""

from __future__ import annotations

import sys
from typing import Any, Dict, List

ModelState = Dict[str, List[Any]]
"""NumPy arrays of ``model``, ``optimizer`` and ``metrics``, in Keras's own order."""


class StateMismatchError(Exception):
    """A saved state does not fit the model that the script made this time."""


def capture(model: Any) -> ModelState:
    """Return copies of every variable that training changes."""
    to_numpy = sys.modules["keras.src.backend"].convert_to_numpy
    # A copy: on a CPU the array may share its memory with the variable.
    return {
        name: [to_numpy(variable).copy() for variable in variables]
        for name, variables in _variables(model).items()
    }


def restore(model: Any, state: ModelState) -> None:
    """Assign every variable; ``StateMismatchError`` if one is missing or of another shape."""
    optimizer: Any = getattr(model, "optimizer", None)
    if state["optimizer"] and not optimizer.built:
        optimizer.build(model.trainable_variables)
    present = _variables(model)
    for name, saved in state.items():
        if [tuple(item.shape) for item in saved] == [tuple(item.shape) for item in present[name]]:
            for position, variable in enumerate(present[name]):
                variable.assign(saved[position])
        elif name != "metrics":  # metrics are reset at each epoch's start: they matter to nobody then
            raise StateMismatchError("the %s's variables are not those of the checkpoint" % name)


def parameters(model: Any) -> int:
    """Return how many numbers the model's weights hold (0 while it is not built)."""
    total = 0
    for weight in model.weights if model.built else ():
        count = 1
        for size in weight.shape:
            count *= int(size)
        total += count
    return total


def layers(model: Any, limit: int = 200) -> List[Dict[str, Any]]:
    """Return name, type and output shape of up to ``limit`` layers."""
    return [
        {"name": layer.name, "type": type(layer).__name__, "output_shape": _output_shape(layer)}
        for layer in model.layers[:limit]
    ]


def _variables(model: Any) -> Dict[str, List[Any]]:
    optimizer = getattr(model, "optimizer", None)
    return {
        "model": list(model.variables),
        "optimizer": list(optimizer.variables) if optimizer is not None else [],
        "metrics": list(model.metrics_variables),
    }


def _output_shape(layer: Any) -> Any:
    try:
        shape = layer.output.shape
        return [None if size is None else int(size) for size in shape]
    except Exception:  # the boundary to foreign layers: several outputs, or called on nothing yet
        return None
