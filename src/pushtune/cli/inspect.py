"""``pushtune inspect``."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click

from pushtune.analyse.describe import describe
from pushtune.analyse.inspect import inspect
from pushtune.cli.stage import push_options, stage_or_usage
from pushtune.source import load_script


@click.command("inspect")
@click.argument("script", type=click.Path(path_type=Path), required=False)
@click.option("--args", "arguments", default="", help="Arguments for the script, as one quoted text.")
@click.option("--json", "as_json", is_flag=True, help="Print the documented JSON form.")
@push_options
def inspect_command(
    script: Path | None, arguments: str, as_json: bool, push: int | None, home: Path | None
) -> None:
    """Show what SCRIPT is, what can be tuned in it and which metric it reports. Nothing is run.

    With --push instead of SCRIPT: the stage inspect of that push.
    """
    if script is None:
        stage_or_usage("inspect", push, home, as_json=as_json)
        return
    analysis = inspect(load_script(script, tuple(shlex.split(arguments)), Path.cwd()))
    click.echo(json.dumps(analysis.to_json(), indent=1) if as_json else describe(analysis))
