"""``pushtune show``: a study of this project, or a push of a server."""

from __future__ import annotations

import os
from pathlib import Path

import click

from pushtune.cli.options import home_option
from pushtune.service.home import home_path, opened
from pushtune.service.pushes import show_push


@click.command("show")
@click.argument("study", metavar="[STUDY|PUSH]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the documented JSON form.")
@home_option
def show_command(study: str | None, as_json: bool, home: Path | None) -> None:
    """Show what STUDY came to (the newest of this project, if none is named), or how far PUSH is."""
    if study is not None and study.isdigit():
        with opened(home_path(home, os.environ), {}, os.environ) as at:
            click.echo(show_push(at.ledger, at.home, int(study), as_json=as_json))
        return
    # Only here: what is known of a push must not wait for what the search needs.
    from pushtune.service.studies import open_study, show_study  # noqa: PLC0415

    with open_study(Path.cwd(), study) as found:
        click.echo(show_study(found, as_json=as_json))
