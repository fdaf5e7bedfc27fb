"""Searches that a script does itself: what it searches is not ours to set."""

from __future__ import annotations

import ast

from pushtune.rewrite.base import Context

_SEARCHES = (
    "GridSearchCV",
    "RandomizedSearchCV",
    "HalvingGridSearchCV",
    "HalvingRandomSearchCV",
    "BayesSearchCV",
)


def searched_names(context: Context) -> frozenset[str]:
    """Return the arguments that the keys of the script's own search grids name (``svc__C`` is ``C``)."""
    searches = any(
        (context.names.call(module, call) or "").rpartition(".")[2] in _SEARCHES
        for module in context.program.modules
        for call in module.calls
    )
    if not searches:
        return frozenset()
    return frozenset(
        key.value.rpartition("__")[2]
        for module in context.program.modules
        for node in module.parents
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    )
