"""Compiles the script and those of its local modules that the plan names; Python loads all others itself."""

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from types import CodeType
from typing import Any, Callable, Dict, Optional, Sequence

from pushtune_probe.session import Session


class Sources:
    """Compiles the files that the plan names, and finds the modules that they are.

    A meta-path finder: an import of any module whose last name is none of theirs costs one look into a set.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._asked: Dict[str, Any] = {}
        if session.plan.loops or session.plan.watch:
            from pushtune_probe import instrument, loop_epochs  # not for those that are asked nothing

            self._instrument = instrument
            self._asked = instrument.places(session.plan)
            self._loops = loop_epochs.Loops(session)
        self._names = {_module_name(path) for path in self._asked}

    def compile(self, path: str) -> CodeType:
        """Return the code of the file at ``path``; ``SyntaxError`` and ``OSError`` as they come."""
        with open(path, "rb") as stream:
            source = stream.read()
        asked = self._asked.get(os.path.realpath(path))
        if asked is None:
            return compile(source, path, "exec", dont_inherit=True)
        return self._instrument.compile_file(source, path, asked, self._loops, self._session.reached)

    def install(self) -> None:
        """Take part in imports, if the plan names any file."""
        if self._names:
            sys.meta_path.insert(0, self)

    def find_spec(
        self, name: str, path: Optional[Sequence[str]] = None, target: Any = None
    ) -> Optional[ModuleSpec]:
        """Find a module that the plan names; leave every other one to the finders that come after."""
        if name.rpartition(".")[2] not in self._names:
            return None
        spec = PathFinder.find_spec(name, path, target)
        origin = spec.origin if spec is not None else None
        if spec is None or origin is None or os.path.realpath(origin) not in self._asked:
            return None
        _load_with(spec.loader, lambda: self.compile(origin))
        return spec


def _module_name(path: str) -> str:
    folder, name = os.path.split(path)
    stem = os.path.splitext(name)[0]
    return os.path.basename(folder) if stem == "__init__" else stem


def _load_with(loader: Any, compiled: Callable[[], CodeType]) -> None:
    """Have ``loader`` execute ``compiled()``, once; it is itself again before the module's first line."""

    def get_code(name: str) -> CodeType:
        del loader.get_code
        return compiled()

    loader.get_code = get_code
