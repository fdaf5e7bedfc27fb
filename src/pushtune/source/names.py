"""Resolving expressions to qualified dotted names through imports, aliases and local modules."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping
from dataclasses import dataclass, field

from pushtune.source.program import Module, Program
from pushtune.source.scopes import Binding, Scope

_DEPTH = 12
"""Longest chain of aliases followed; a cycle ends here."""


@dataclass(frozen=True)
class Vocabulary:
    """What a set of frameworks calls its things.

    ``prefixes`` turns other spellings of a dotted name into the canonical one (longest first).
    ``known`` holds the canonical names that star imports and private module paths may stand for.
    ``opaque`` are prefixes below which names are never shortened.
    """

    prefixes: Mapping[str, str] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    opaque: tuple[str, ...] = ()

    def canonical(self, dotted: str) -> str:
        """Return the one name of ``dotted``: ``tensorflow.keras.layers.Dense`` is ``keras.layers.Dense``."""
        for _ in range(_DEPTH):
            shorter = self._shorten(dotted)
            if shorter == dotted:
                break
            dotted = shorter
        return self._public(dotted)

    def _shorten(self, dotted: str) -> str:
        parts = dotted.split(".")
        for length in range(len(parts), 0, -1):
            put = self.prefixes.get(".".join(parts[:length]))
            if put is not None:
                return ".".join([*([put] if put else []), *parts[length:]])
        return dotted

    def _public(self, dotted: str) -> str:
        """Cut private modules out: ``keras.layers.core.dense.Dense`` is ``keras.layers.Dense``."""
        if dotted in self.known or any(dotted.startswith(prefix + ".") for prefix in self.opaque):
            return dotted
        parts = dotted.split(".")
        for kept in range(len(parts) - 2, 0, -1):
            name = ".".join([*parts[:kept], parts[-1]])
            if name in self.known:
                return name
        return dotted


class Names:
    """Resolves expressions of one program. Remembers what it resolved."""

    def __init__(self, program: Program, vocabulary: Vocabulary) -> None:
        self.program = program
        self.vocabulary = vocabulary
        self._called: dict[ast.Call, str | None] = {}

    def qualify(self, module: Module, expression: ast.AST) -> str | None:
        """Return the canonical dotted name that ``expression`` stands for, or None.

        A name of a local file comes as ``local:<path>:<name>``, a builtin as ``builtins.<name>``.
        """
        raw = self._raw(module, expression, module.scope_of(expression), _DEPTH)
        return None if raw is None else raw if raw.startswith("local:") else self.vocabulary.canonical(raw)

    def call(self, module: Module, call: ast.Call) -> str | None:
        """Return the canonical dotted name of what ``call`` calls, or None."""
        if call not in self._called:
            self._called[call] = self.qualify(module, call.func)
        return self._called[call]

    def written(self, module: Module, canonical: str, at: ast.AST) -> str | None:
        """Return an expression that means ``canonical`` at ``at``, made of names bound there, or None.

        Only names imported unconditionally, once, and above ``at`` are used.
        """
        parts = canonical.split(".")
        for length in range(len(parts), 0, -1):
            name = self._bound_as(module, ".".join(parts[:length]), at)
            if name is not None:
                return ".".join([name, *parts[length:]])
        return None

    def _bound_as(self, module: Module, canonical: str, at: ast.AST) -> str | None:
        """Return what means ``canonical`` and begins with a bound name: ``keras`` may be ``tf.keras``."""
        spellings = [canonical, *(k for k, put in self.vocabulary.prefixes.items() if put == canonical)]
        scope = module.scope_of(at)
        for outer in scope.outward():
            for name in outer.bindings:
                meaning = self._usable(module, outer, name, scope, at)
                for spelling in spellings if meaning is not None else ():
                    if spelling == meaning or spelling.startswith(f"{meaning}."):
                        return name + spelling[len(meaning or "") :]
        return None

    def _usable(self, module: Module, owner: Scope, name: str, scope: Scope, at: ast.AST) -> str | None:
        found = scope.find(name)
        if found is None or found[0] is not owner:
            return None
        binding = found[1][0]
        if len(found[1]) > 1 or binding.kind not in ("import", "assign") or binding.conditional:
            return None
        if owner is scope and getattr(binding.node, "lineno", 0) >= getattr(at, "lineno", 0):
            return None
        raw = self._bound(module, binding, owner, _DEPTH)
        return None if raw is None or raw.startswith("local:") else self.vocabulary.canonical(raw)

    def _raw(self, module: Module, node: ast.AST, scope: Scope, depth: int) -> str | None:
        if depth == 0:
            return None
        if isinstance(node, ast.Attribute):
            base = self._raw(module, node.value, scope, depth)
            return None if base is None else self._member(base, node.attr, depth)
        if isinstance(node, ast.Name):
            found = scope.find(node.id)
            if found is None:
                return self._unbound(node.id, module, scope)
            return self._agreed(module, found[1], found[0], depth)
        return None

    def _agreed(self, module: Module, found: tuple[Binding, ...], scope: Scope, depth: int) -> str | None:
        """Return what all bindings of a name mean, if they mean the same (``try: import … except: …``)."""
        if depth <= 0:
            return None  # files that import a name from each other
        raws = {self._bound(module, binding, scope, depth - 1) for binding in found}
        if len(raws) == 1:
            return raws.pop()
        meanings = {raw and self.vocabulary.canonical(raw) for raw in raws}
        return meanings.pop() if len(meanings) == 1 else None

    def _bound(self, module: Module, binding: Binding, scope: Scope, depth: int) -> str | None:
        if binding.kind == "import":
            return self._imported(binding.target, depth)
        if binding.kind == "assign" and isinstance(binding.value, (ast.Name, ast.Attribute)):
            return self._raw(module, binding.value, scope, depth)
        if binding.kind in ("function", "class") and scope is module.scope:
            return f"local:{module.path}:{binding.name}"
        return None

    def _imported(self, target: str, depth: int) -> str | None:
        local = self.program.local(target)
        if local is None:
            return target
        module, rest = local
        return self._member(f"local:{module.path}:", rest, depth) if rest else f"local:{module.path}:"

    def _member(self, base: str, name: str, depth: int) -> str | None:
        """Return the name of an attribute; an attribute of a local module is what it stands for there."""
        if not base.startswith("local:"):
            return f"{base}.{name}"
        path, _, inside = base[len("local:") :].partition(":")
        if inside:
            return f"{base}.{name}"
        module = self.program.module(path)
        first, _, rest = name.partition(".")
        if first not in module.scope.bindings:
            return self._unbound(name, module, module.scope)
        raw = self._agreed(module, tuple(module.scope.bindings[first]), module.scope, depth - 1)
        return f"{raw}.{rest}" if raw is not None and rest else raw

    def _unbound(self, name: str, module: Module, scope: Scope) -> str | None:
        for outer in scope.outward():
            for star in reversed(outer.stars):
                found = self._starred(star, name)
                if found is not None:
                    return found
        return f"builtins.{name}" if hasattr(builtins, name) else None

    def _starred(self, star: str, name: str) -> str | None:
        local = self.program.local(star)
        if local is not None and not local[1] and local[0].scope.bindings.get(name):
            return self._member(f"local:{local[0].path}:", name, _DEPTH // 2)
        full = self.vocabulary.canonical(f"{star}.{name}")
        return full if full in self.vocabulary.known else None
