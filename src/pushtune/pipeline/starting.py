"""How the winner is started by hand: with its patch, where there is one, and with its arguments."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from pushtune.model.analysis import Candidate, Script
from pushtune.report import CommandLine


def reproduce(script: Script, candidate: Candidate, patch: Path) -> Iterator[str]:
    """Yield what to type: the patch is applied at the root, the script started where it was started."""
    yield f"cd {shlex.quote(script.root)}"
    if candidate.diff:
        yield f"git apply {shlex.quote(str(patch))}"
    if script.workdir != ".":
        yield f"cd {shlex.quote(script.workdir)}"
    command = " ".join(filter(None, (_start(script), shlex.join(candidate.args))))
    yield command.encode("utf-8", "backslashreplace").decode()  # arguments may hold broken bytes


def _start(script: Script) -> str:
    """Return the command that starts the script in its working folder, without arguments."""
    return shlex.join(["python", os.path.relpath(script.entry, script.workdir)])


def command_change(script: Script, candidate: Candidate) -> CommandLine | None:
    """Return how the script was and is to be started; None where that has not changed."""
    if candidate.args == script.args:
        return None
    return CommandLine(_start(script), script.args, candidate.args)
