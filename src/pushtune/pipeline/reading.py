"""Reading a stranger's source, first in a process of its own: what is large or deep could stop the server.

Small and plain scripts, nearly all, are read at once. Others are read by a process that may take only so
long and so much; what it could read, the server reads itself.
"""

from __future__ import annotations

import ast
import json
import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

from pushtune.analyse import inspect
from pushtune.analyse.entry import find_entry
from pushtune.errors import MachineError, PushtuneError, ScriptError
from pushtune.git import TreeFile
from pushtune.process import run
from pushtune.settings import PushSettings
from pushtune.source import load_script

SECONDS = 20
"""Processor time that reading a script may take."""

BYTES = 2 << 30
"""Address space that reading a script may take."""

_PLAIN_BYTES = 64 * 1024
_PLAIN_DEPTH = 150
"""Some of what is done to a source grows with the square of its size, or of its nesting."""


def check_readable(checkout: Path, files: Sequence[TreeFile], settings: PushSettings) -> None:
    """Raise ``ScriptError`` if the pushed source cannot be read within bounds. May take a while."""
    if _is_plain(checkout, [file for file in files if file.path.endswith(".py")]):
        return
    told = {
        "checkout": str(checkout),
        "script": settings.script,
        "args": settings.run.args,
        "workdir": settings.workdir,
    }
    command = [sys.executable, "-m", "pushtune.pipeline.reading"]
    try:
        done = run(
            command, cwd="/", env=_environment(), input=json.dumps(told), timeout=3.0 * SECONDS,
            most=1 << 20, check=False,
        )  # fmt: skip
    except MachineError:
        raise _too_much() from None
    if done.code != 0:
        raise _too_much()


def _too_much() -> ScriptError:
    return too_much(f"it took more than {SECONDS} s or {BYTES >> 30} GB")


def too_much(why: str) -> ScriptError:
    """Return the error for a source that cannot be read within bounds."""
    return ScriptError(
        f"the script cannot be read: {why}", fix="split what is large, or flatten what is nested deeply"
    )


def _is_plain(checkout: Path, files: Sequence[TreeFile]) -> bool:
    if sum(file.size for file in files) > _PLAIN_BYTES:
        return False
    return all(_depth(checkout / file.path) <= _PLAIN_DEPTH for file in files)


def _depth(path: Path) -> int:
    """Return how deep a file's syntax nests; 0 for what cannot be parsed: nothing is done to it."""
    try:
        level: list[ast.AST] = [ast.parse(path.read_bytes())]
    except (SyntaxError, ValueError, OSError):
        return 0
    except (RecursionError, MemoryError):
        return _PLAIN_DEPTH + 1
    depth = 0
    while level and depth <= _PLAIN_DEPTH:
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        depth += 1
    return depth


def _environment() -> dict[str, str]:
    # Nothing of the server's own but where its modules are.
    kept = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ}


def main() -> None:
    """Read what standard input names. Any end but this function's own is a sign of too much."""
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    told = json.load(sys.stdin)
    checkout = Path(told["checkout"])
    try:
        entry = told["script"] or find_entry(checkout)
        inspect(load_script(checkout / entry, told["args"], checkout / (told["workdir"] or "."), checkout))
    except PushtuneError:
        return  # the server comes to the same, and says so


if __name__ == "__main__":
    main()
