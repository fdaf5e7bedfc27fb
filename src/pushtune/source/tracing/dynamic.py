"""Names that may change unseen: ``exec``, ``globals()``, ``vars()`` and the like."""

from __future__ import annotations

import ast

from pushtune.source.names import Names
from pushtune.source.program import Module
from pushtune.source.scopes import Scope

_RUNS = ("builtins.exec", "builtins.eval")
_TABLES = ("builtins.globals", "builtins.vars", "builtins.locals")


class Dynamic:
    """What each file of a program does to its own names behind the reader's back."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._unsure: set[str] = set()
        self._stored: dict[str, set[str]] = {}
        for module in names.program.modules:
            for call in module.calls:
                if isinstance(call.func, ast.Name):
                    self._read(module, call, names.call(module, call))

    def is_sure(self, module: Module, scope: Scope, name: str) -> bool | None:
        """Whether a module's constant is what its assignment says; None if something else sets it."""
        if scope is not module.scope:
            return True
        if name in self._stored.get(module.path, ()):
            return None
        return module.path not in self._unsure

    def _read(self, module: Module, call: ast.Call, called: str | None) -> None:
        if called in _RUNS:
            self._executed(module, call)
        elif called in _TABLES and not call.args:
            outer = module.parents[call]
            if isinstance(outer, ast.Subscript) and not isinstance(outer.ctx, ast.Load):
                self._store(module, outer.slice)
            elif isinstance(outer, ast.Attribute) and outer.attr in ("update", "setdefault", "pop"):
                self._unsure.add(module.path)

    def _executed(self, module: Module, call: ast.Call) -> None:
        text = call.args[0] if call.args else None
        if not isinstance(text, ast.Constant) or not isinstance(text.value, str):
            if self._names.call(module, call) == "builtins.exec":
                self._unsure.add(module.path)
            return
        try:
            tree = ast.parse(text.value)
        except (SyntaxError, ValueError):
            return
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        self._stored.setdefault(module.path, set()).update(names)

    def _store(self, module: Module, key: ast.expr) -> None:
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            self._stored.setdefault(module.path, set()).add(key.value)
        else:
            self._unsure.add(module.path)
