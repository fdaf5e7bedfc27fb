"""``pushtune serve`` and ``pushtune monitor``."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from pushtune.cli.options import home_option, with_options
from pushtune.service.home import home_path, opened
from pushtune.service.pushes import printable
from pushtune.service.serve import serve
from pushtune.service.watchdog import watch_over
from pushtune.settings import SERVER_OPTIONS
from pushtune.settings.options import read_duration


def _tell(line: str) -> None:
    # Flushed: a service manager's log shows it at once.
    click.echo(f"{datetime.now():%Y-%m-%d %H:%M:%S} {printable(line)}")


@click.command("serve")
@click.option("--standby", is_flag=True, help="Wait behind another server, and take over when it ends.")
@home_option
@with_options(SERVER_OPTIONS)
def serve_command(standby: bool, home: Path | None, **flags: Any) -> None:
    """Watch repositories and take every push through its stages, until you stop it.

    Ctrl-C ends what trains, to go on from its checkpoints; SIGTERM leaves it running for the next server.
    """
    serve(home_path(home, os.environ), flags, standby=standby, environ=os.environ, tell=_tell)


@click.command("monitor")
@click.option("--every", metavar="60s", help="Look again and again, not only once.")
@click.option("--idle", metavar="1h", help="Take on also what no command has worked on for so long.")
@home_option
def monitor_command(every: str | None, idle: str | None, home: Path | None) -> None:
    """Go on, to its end, with every push whose command died in the middle of a stage.

    Letters that a mail server could not take yet are sent too.
    """
    seconds = None if every is None else read_duration("--every", every)
    idle_seconds = None if idle is None else read_duration("--idle", idle)
    with opened(home_path(home, os.environ), {}, os.environ) as at:
        taken = watch_over(at, seconds, idle=idle_seconds, environ=os.environ, tell=_tell)
        click.echo(f"{taken} {'push was' if taken == 1 else 'pushes were'} taken on")
