"""``pushtune show``, ``diff``, ``apply`` and ``studies``: what is there already."""

from __future__ import annotations

import os
from pathlib import Path

import click

from pushtune.cli.options import home_option
from pushtune.service.home import home_path, opened
from pushtune.service.pushes import show_push
from pushtune.service.studies import (
    Found,
    apply_winner,
    list_studies,
    open_study,
    show_study,
    winner_arguments,
    winner_patch,
)


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
    with open_study(Path.cwd(), study) as found:
        click.echo(show_study(found, as_json=as_json))


@click.command("diff")
@click.argument("study", required=False)
def diff_command(study: str | None) -> None:
    """Print the change to your source that made the winner of STUDY."""
    with open_study(Path.cwd(), study) as found:
        click.echo(winner_patch(found), nl=False)
        _say_arguments(found, err=True)


@click.command("apply")
@click.argument("study", required=False)
def apply_command(study: str | None) -> None:
    """Change your source to the winner's of STUDY. Refused if the source has changed since."""
    with open_study(Path.cwd(), study) as found:
        for path in apply_winner(found):
            click.echo(f"changed {path}")
        _say_arguments(found)


def _say_arguments(found: Found, *, err: bool = False) -> None:
    """Say which arguments the winner is started with: no patch holds them."""
    arguments = winner_arguments(found)
    if arguments is not None:
        click.echo(f"start it with these arguments: {arguments}", err=err)


@click.command("studies")
@click.option("--json", "as_json", is_flag=True, help="Print the documented JSON form.")
def studies_command(as_json: bool) -> None:
    """List all studies of this project."""
    click.echo(list_studies(Path.cwd(), as_json=as_json))
