"""``pushtune diff``, ``apply`` and ``studies``: what is there already."""

from __future__ import annotations

from pathlib import Path

import click

from pushtune.service.studies import (
    Found,
    apply_winner,
    list_studies,
    open_study,
    winner_arguments,
    winner_patch,
)


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
