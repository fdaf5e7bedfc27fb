"""What the script's own classes inherit from: the names of the libraries' classes."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pushtune.source.names import Names
from pushtune.source.program import Module


def library_bases(names: Names, module: Module, owner: ast.ClassDef) -> Iterator[str]:
    """Yield the canonical names of the bases of ``owner`` that a library brings.

    ``class Trainer(Trainer)`` inherits from what was imported under its own name.
    """
    for base in owner.bases:
        name = names.qualify(module, base)
        if name is not None:
            yield name
        elif isinstance(base, ast.Name) and base.id == owner.name:
            found = module.scope_of(base).find(base.id)
            yield from (b.target for b in (found[1] if found is not None else ()) if b.kind == "import")
