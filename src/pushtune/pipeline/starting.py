"""How the winner is started by hand: with its patch, where there is one, and with its arguments."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from pushtune.model.analysis import Candidate, Script
from pushtune.report import CommandLine


def reproduce(script: Script, candidate: Candidate, patch: Path) -> Iterator[str]:
    """Yield what to type: the patch is applied at the root, the script started where it was started."""
    yield f"cd {shlex.quote(script.root)}"
    if candidate.diff:
        yield f"git apply {shlex.quote(str(patch))}"
    yield from start(script.entry, script.workdir, candidate.args)


def start(entry: str, workdir: str, arguments: Sequence[str]) -> Iterator[str]:
    """Yield what to type at the root to start a script; ``entry`` and ``workdir`` are paths below it."""
    if workdir != ".":
        yield f"cd {shlex.quote(workdir)}"
    command = " ".join(filter(None, (_start(entry, workdir), shlex.join(arguments))))
    yield command.encode("utf-8", "backslashreplace").decode()  # arguments may hold broken bytes


def _start(entry: str, workdir: str) -> str:
    """Return the command that starts the script in its working folder, without arguments."""
    return shlex.join(["python", os.path.relpath(entry, workdir)])


def command_change(script: Script, candidate: Candidate) -> CommandLine | None:
    """Return how the script was and is to be started; None where that has not changed."""
    if candidate.args == script.args:
        return None
    return CommandLine(_start(script.entry, script.workdir), script.args, candidate.args)
