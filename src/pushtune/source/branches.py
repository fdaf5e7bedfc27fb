"""Branches of which a run takes one: of ``if`` and ``match``, of ``try`` and what catches its failure."""

from __future__ import annotations

import ast

from pushtune.source.program import Module


def are_exclusive(module: Module, one: ast.AST, other: ast.AST) -> bool:
    """Whether ``one`` and ``other`` stand in different branches of one statement.

    Of ``try`` and ``except`` both begin, where the first fails; only one comes to its end.
    """
    above = (one, *module.around(one))
    inner = other
    for outer in module.around(other):
        if outer in above:
            return _divides(outer, above[above.index(outer) - 1], inner)
        inner = outer
    return False


def _divides(outer: ast.AST, one: ast.AST, other: ast.AST) -> bool:
    if one is other:
        return False
    if isinstance(outer, ast.If):
        return (one in outer.body and other in outer.orelse) or (other in outer.body and one in outer.orelse)
    if isinstance(outer, ast.IfExp):
        return outer.test not in (one, other)
    if isinstance(outer, ast.Try):
        caught = [branch in outer.handlers for branch in (one, other)]
        return all(caught) or (any(caught) and any(branch in outer.body for branch in (one, other)))
    return isinstance(outer, ast.Match) and outer.subject not in (one, other)
