"""``pushtune tune``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import click

from pushtune.cli.display import JsonLines, LiveTable, PlainLines
from pushtune.errors import UsageError
from pushtune.service import Result, Watcher, tune
from pushtune.settings import OPTIONS

TARGET_MISSED = 3


def _with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one flag for each setting."""
    for option in reversed(OPTIONS):
        if option.switch:
            names = f"{option.flag}/--no-{option.flag[2:]}"
            command = click.option(names, option.name, default=None, help=option.help)(command)
        else:
            metavar = option.metavar or None
            command = click.option(option.flag, option.name, metavar=metavar, help=_help(option))(command)
    return command


def _help(option: Any) -> str:
    return option.help if option.default in (None, ()) else f"{option.help} [{option.default}]"


@click.command("tune")
@click.argument("script", type=click.Path(path_type=Path))
@_with_options
@click.option("--fresh", is_flag=True, help="Start a new study instead of going on with the last one.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines, the result last.")
def tune_command(script: Path, fresh: bool, as_json: bool, **flags: Any) -> None:
    """Tune SCRIPT until the target is met or nothing more is to be won.

    The same command again goes on with an unfinished study and prints a finished one's result.
    """
    with _watcher(as_json) as watcher:
        result = tune(script, flags, fresh=fresh, environ=os.environ, workdir=_folder(), watcher=watcher)
    _print(result, as_json)
    if result.target_met is False:
        raise click.exceptions.Exit(TARGET_MISSED)


def _folder() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise UsageError("the current folder is gone", fix="change to one that is there") from None


def _watcher(as_json: bool) -> AbstractContextManager[Watcher]:
    if as_json:
        return JsonLines(sys.stdout)
    return LiveTable() if sys.stdout.isatty() else PlainLines(sys.stdout)


def _print(result: Result, as_json: bool) -> None:
    if not as_json:
        click.echo(result.text)
        return
    click.echo(json.dumps({"event": "result", "folder": str(result.folder), **result.summary}))
