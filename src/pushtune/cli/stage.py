"""What the commands that take one stage of a push have in common."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import click

from pushtune.cli.options import home_option
from pushtune.errors import UsageError

SCRIPT_FAILS = 4
TARGET_MISSED = 3

_push = click.option("--push", type=int, metavar="PUSH", help="The push's number.")


def push_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command ``--push`` and ``--home``."""
    return _push(home_option(command))


def stage_or_usage(name: str, push: int | None, home: Path | None, *, as_json: bool = False) -> None:
    """Take a push through a stage; ``UsageError`` where none was named."""
    if push is None:
        raise UsageError(f"{name} what?", fix="name a script, or a push with --push")
    # Loaded only here: `pushtune inspect SCRIPT` must not wait for the search and for git.
    from pushtune.cli.stages import take  # noqa: PLC0415

    take(name, push, home, os.environ, as_json=as_json)
