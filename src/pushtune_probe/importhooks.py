"""Runs a patch right after the script itself has imported a module. Imports nothing of its own accord."""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Callable, Dict, List, Optional, Sequence

from pushtune_probe.session import Session

Patch = Callable[[Session, ModuleType], None]


class PostImportFinder:
    """A meta-path finder that finds nothing: it lets the others find, and adds a step after loading.

    An import of any other module costs one look into a dict. Each patch runs once, after its module was
    executed without an error; a patch that fails is a warning.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._pending: Dict[str, List[Patch]] = {}

    def add(self, module: str, patch: Patch) -> None:
        """Run ``patch(session, module)`` once ``module`` is imported; at once if it already is."""
        present = sys.modules.get(module)
        if present is None:
            self._pending.setdefault(module, []).append(patch)
        else:
            self._session.guarded(lambda: patch(self._session, present))

    def find_spec(
        self, name: str, path: Optional[Sequence[str]] = None, target: Any = None
    ) -> Optional[ModuleSpec]:
        """Never find a spec itself; for a module that is waited for, have the finders after it look."""
        if name not in self._pending:
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                self._add_step(name, spec)
                return spec
        return None

    def _add_step(self, name: str, spec: ModuleSpec) -> None:
        loader: Any = spec.loader
        if not hasattr(loader, "exec_module"):
            return
        execute = loader.exec_module

        def execute_and_patch(module: ModuleType) -> None:
            # The loader becomes itself again first: the module must not find a trace of us on it.
            del loader.exec_module
            execute(module)
            self._run(name, module)

        loader.exec_module = execute_and_patch

    def _run(self, name: str, module: ModuleType) -> None:
        # A module may have put another object in its own place (lazy packages do).
        module = sys.modules.get(name, module)
        for patch in self._pending.pop(name, []):
            self._session.guarded(lambda patch=patch: patch(self._session, module))  # type: ignore[misc]
