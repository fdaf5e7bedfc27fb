"""``pushtune ps``, ``logs``, ``cancel`` and ``retry``."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

import click

from pushtune.cli.options import home_option, json_option
from pushtune.model.states import StageName
from pushtune.service.home import home_path, opened
from pushtune.service.pushes import cancel_push, follow_logs, list_pushes, missing_server, retry_push
from pushtune.service.settings_changes import unread_settings

FOLLOW_SECONDS = 0.5


@click.command("ps")
@click.option("--all", "everything", is_flag=True, help="Every push, not only the newest.")
@json_option
@home_option
def ps_command(everything: bool, as_json: bool, home: Path | None) -> None:
    """List the pushes under way and the newest that are over."""
    with opened(home_path(home, os.environ), {}, os.environ) as at:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        count = 10**9 if everything else None
        click.echo(list_pushes(at.ledger, count=count, as_json=as_json, width=width))
        for line in filter(None, (missing_server(at.home, at.ledger), unread_settings(at.home))):
            click.echo(line, err=True)


@click.command("logs")
@click.argument("push", type=int)
@click.option("-f", "--follow", is_flag=True, help="Wait for more until the push is over.")
@home_option
def logs_command(push: int, follow: bool, home: Path | None) -> None:
    """Print what the stages of PUSH said."""
    with opened(home_path(home, os.environ), {}, os.environ) as at:
        for line in follow_logs(
            at.home, at.ledger, push, follow=follow, sleep=lambda: time.sleep(FOLLOW_SECONDS)
        ):
            click.echo(line)


@click.command("cancel")
@click.argument("push", type=int)
@home_option
def cancel_command(push: int, home: Path | None) -> None:
    """End PUSH. What it trains ends within a moment; its history stays."""
    with opened(home_path(home, os.environ), {}, os.environ) as at:
        cancel_push(at.ledger, push, now=time.time())
        click.echo(f"push {push} is cancelled")


@click.command("retry")
@click.argument("push", type=int)
@click.option(
    "--from", "stage", type=click.Choice([name.value for name in StageName]), help="Where to begin."
)
@home_option
def retry_command(push: int, stage: str | None, home: Path | None) -> None:
    """Let PUSH run again, from where it failed or from a stage that is named."""
    with opened(home_path(home, os.environ), {}, os.environ) as at:
        start = retry_push(at.ledger, push, None if stage is None else StageName(stage), now=time.time())
        click.echo(f"push {push} runs again from {start.value}")
