"""What stands around a line of the script: what may be left out, what is looked at or caught first."""

from __future__ import annotations

import ast
import re

from pushtune.source import Module


def is_conditional(module: Module, node: ast.AST) -> bool:
    """Whether ``node`` stands in an ``if`` or a ``try`` of the script's: it may be left out, or caught."""
    for outer in module.around(node):
        if isinstance(outer, ast.Try):
            return True
        if isinstance(outer, ast.If) and "__name__" not in ast.unparse(outer.test):
            return True
    return False


def is_guarded(module: Module, node: ast.AST, words: str) -> bool:
    """Whether the script looks before it leaps: an ``if`` that speaks of it, or a ``try``."""
    for outer in module.around(node):
        if isinstance(outer, (ast.If, ast.IfExp)) and re.search(
            words, ast.unparse(outer.test), re.IGNORECASE
        ):
            return True
        if isinstance(outer, ast.Try):
            return True
    return False


def is_tried(module: Module, node: ast.AST) -> bool:
    """Whether ``node`` stands in a ``try`` of the script's."""
    return any(isinstance(outer, ast.Try) for outer in module.around(node))
