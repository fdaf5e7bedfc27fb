"""``pushtune tune``."""

from __future__ import annotations

import json
import os
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import click

from pushtune.cli.display import JsonLines, LiveTable, PlainLines
from pushtune.cli.options import with_options
from pushtune.cli.stage import push_options, stage_or_usage
from pushtune.errors import UsageError
from pushtune.service.snapshot import Watcher
from pushtune.service.tuning import Result, tune
from pushtune.settings import OPTIONS

TARGET_MISSED = 3


@click.command("tune")
@click.argument("script", type=click.Path(path_type=Path), required=False)
@with_options(OPTIONS)
@click.option("--fresh", is_flag=True, help="Start a new study instead of going on with the last one.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines, the result last.")
@push_options
def tune_command(
    script: Path | None, fresh: bool, as_json: bool, push: int | None, home: Path | None, **flags: Any
) -> None:
    """Tune SCRIPT until the target is met or nothing more is to be won.

    The same command again goes on with an unfinished study and prints a finished one's result. With --push
    instead of SCRIPT: the stage tune of that push.
    """
    if script is None:
        stage_or_usage("tune", push, home, as_json=as_json)
        return
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
