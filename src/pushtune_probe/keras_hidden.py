"""Finds random operations in a compiled train function whose state lives inside TensorFlow's kernels.

Keras's own layers draw from seed generators, which are variables. ``tf.random.normal`` or
``tf.nn.dropout`` in a layer or a train step of the script's own keep their state where nothing can
read it: such a training cannot be resumed exactly.
"""

from __future__ import annotations

from typing import Any, Iterator, List, Set

_STATEFUL = frozenset(
    {
        "Multinomial",
        "ParameterizedTruncatedNormal",
        "RandomGamma",
        "RandomPoissonV2",
        "RandomShuffle",
        "RandomStandardNormal",
        "RandomUniform",
        "RandomUniformInt",
        "TruncatedNormal",
    }
)


def hidden_state(train_function: Any) -> List[str]:
    """Return the names of such operations, sorted; none for other backends and for eager training."""
    return sorted(set(hidden_operations(train_function)) & _STATEFUL)


def hidden_operations(function: Any) -> List[str]:
    """Return the names of all operations in a compiled function, none for other backends."""
    try:
        return list(_operations(function))
    except Exception:  # the boundary to a private part of TensorFlow: it may look otherwise in any version
        return []


def _operations(function: Any) -> Iterator[str]:
    for compiled in _compiled(function, set()):
        for concrete in compiled._list_all_concrete_functions():
            definition = concrete.graph.as_graph_def()
            for node in definition.node:
                yield node.op
            for inner in definition.library.function:
                for node in inner.node_def:
                    yield node.op


def _compiled(function: Any, seen: Set[int]) -> Iterator[Any]:
    """Return the ``tf.function`` objects that a Python function closes over, at any depth."""
    if id(function) in seen:
        return
    seen.add(id(function))
    if hasattr(function, "_list_all_concrete_functions"):
        yield function
        return
    for cell in getattr(function, "__closure__", None) or ():
        if callable(cell.cell_contents):
            yield from _compiled(cell.cell_contents, seen)
