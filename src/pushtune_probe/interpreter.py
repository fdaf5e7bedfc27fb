"""Makes the interpreter look as it would if it had been started with the script itself."""

import os
import sys
from importlib.machinery import SourceFileLoader
from types import ModuleType
from typing import Any, Dict, List


def main_module(path: str) -> ModuleType:
    """Make the module that the script is: multiprocessing and pickle find it under its real name."""
    module = ModuleType("__main__")
    facts: Dict[str, Any] = {
        "__file__": path,
        "__builtins__": sys.modules["builtins"],
        "__loader__": SourceFileLoader("__main__", path),
        "__spec__": None,
        "__cached__": None,
        "__annotations__": {},
    }
    vars(module).update(facts)
    sys.modules["__main__"] = module
    return module


def hide_probe(script: str, args: List[str]) -> None:
    """Leave ``sys.argv``, ``sys.path`` and PYTHONPATH as ``python script.py args…`` would have them."""
    sys.argv = [script, *args]
    package = os.path.dirname(os.path.abspath(__file__))
    root = os.path.dirname(package)
    # The interpreter's own first entry (the current folder, or the probe's) gives way to the script's.
    entries = sys.path[1:] if _has_own_entry(package) else sys.path[:]
    if _drop_from_environment(root):
        entries = _without_first(entries, root)
    sys.path[:] = entries if _is_safe() else [os.path.dirname(os.path.realpath(script)), *entries]


def _is_safe() -> bool:
    """Whether the interpreter was told (``-P``, ``-I``) to put no folder of the script's on ``sys.path``."""
    return bool(getattr(sys.flags, "safe_path", False) or sys.flags.isolated)


def _has_own_entry(package: str) -> bool:
    """Whether ``sys.path`` begins with an entry of the interpreter's; a folder that is run always has one."""
    first = os.path.realpath(sys.path[0]) if sys.path else ""
    return first == os.path.realpath(package) or not _is_safe()


def _drop_from_environment(root: str) -> bool:
    """Take the probe's parent folder out of PYTHONPATH, for the script's children; whether it was there."""
    given = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    kept = [entry for entry in given if os.path.abspath(entry) != root]
    if kept:
        os.environ["PYTHONPATH"] = os.pathsep.join(kept)
    else:
        os.environ.pop("PYTHONPATH", None)
    return len(kept) < len(given)


def _without_first(entries: List[str], root: str) -> List[str]:
    for index, entry in enumerate(entries):
        if os.path.abspath(entry) == root:
            return entries[:index] + entries[index + 1 :]
    return entries
