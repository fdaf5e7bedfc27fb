"""``pushtune repo add|list|remove|hook``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from pushtune.cli.options import home_option, json_option
from pushtune.service.credentials import Keys
from pushtune.service.home import home_path, opened
from pushtune.service.repositories import (
    add_repository,
    change_repository,
    check_name,
    hook_repository,
    known_repository,
    list_repositories,
    remove_repository,
)
from pushtune.settings.options import read_duration

_file = click.Path(path_type=Path)


@click.group("repo")
def repo_command() -> None:
    """Say which repositories are watched."""


@repo_command.command("add")
@click.argument("address", metavar="URL|PATH")
@click.option("--name", help="What it is called here [the last part of its address].")
@click.option(
    "--branch", "branches", multiple=True, help="A branch to watch, or a pattern [the default branch]."
)
@click.option("--poll", metavar="60s", help="How often it is looked at.")
@click.option("--token-file", type=_file, help="A file with the token to fetch it with.")
@click.option("--user", default="", help="Whose token that is, where the forge wants to know.")
@click.option("--ssh-key", type=_file, help="The key to fetch it with.")
@click.option("--known-hosts", type=_file, help="The keys of ssh hosts that are trusted.")
@click.option("--now", "train_now", is_flag=True, help="Train what it holds already.")
@home_option
def add_command(
    address: str, name: str | None, branches: tuple[str, ...], poll: str | None, token_file: Path | None,
    user: str, ssh_key: Path | None, known_hosts: Path | None, train_now: bool, home: Path | None,
) -> None:  # fmt: skip
    """Watch the repository at URL or PATH from now on. One that is watched already is changed."""
    keys = Keys(_text(token_file), user, _text(ssh_key), _text(known_hosts))
    name = None if name is None else check_name(name)
    seconds = None if poll is None else read_duration("--poll", poll)
    with opened(home_path(home, os.environ), {}, os.environ, make=True) as at:
        row = known_repository(at, address, name)
        if row is not None:
            changes = change_repository(
                at, row, branches=branches, poll=seconds, keys=keys, train_now=train_now
            )
            click.echo(f"{row.name} is watched already; changed: {'; '.join(changes) or 'nothing'}")
            return
        row = add_repository(
            at, address, name=name, branches=branches, poll=seconds, keys=keys, train_now=train_now
        )
        click.echo(f"watching {row.name}: {', '.join(row.branches) or 'its default branch'} of {row.address}")


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path.expanduser().absolute())


@repo_command.command("list")
@json_option
@home_option
def list_command(as_json: bool, home: Path | None) -> None:
    """List the repositories that are watched."""
    with opened(home_path(home, os.environ), {}, os.environ) as at:
        click.echo(list_repositories(at, as_json=as_json))


@repo_command.command("remove")
@click.argument("name")
@home_option
def remove_command(name: str, home: Path | None) -> None:
    """Watch a repository no more. What came of its pushes stays; those that still wait are cancelled."""
    with opened(home_path(home, os.environ), {}, os.environ) as at:
        removed = remove_repository(at, name)
        click.echo(f"{name} is not watched any more")
        if removed.cancelled:
            click.echo(f"cancelled, as nobody had begun them: {_pushes(removed.cancelled)}")
        if removed.running:
            click.echo(f"under way, and going on (`pushtune cancel`): {_pushes(removed.running)}")


def _pushes(numbers: tuple[int, ...]) -> str:
    return "push " + ", ".join(map(str, numbers))


@repo_command.command("hook")
@click.argument("name")
@click.option("--remove", is_flag=True, help="Take the hook away again.")
@home_option
def hook_command(name: str, remove: bool, home: Path | None) -> None:
    """Install the hook that tells of every push at once, in a repository of this machine."""
    with opened(home_path(home, os.environ), {}, os.environ) as at:
        paths = hook_repository(at, name, remove=remove)
        for path in paths:
            click.echo(f"{'removed' if remove else 'installed'} {path}")
        if not paths:
            click.echo(f"{name} has no hook of Pushtune's")
