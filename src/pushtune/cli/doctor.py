"""``pushtune doctor``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from pushtune.service.doctor import examine


@click.command("doctor")
@click.option("--python", "python", default=None, metavar="PATH", help="The Python that runs the trials.")
def doctor_command(python: str | None) -> None:
    """Say what this machine has, what is missing and how to get it."""
    findings = examine(python, Path.cwd(), os.environ)
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        mark = "ok     " if finding.good else "missing"
        click.echo(
            f"{mark} {finding.name:<{width}}  {finding.what}" + (f" ({finding.fix})" if finding.fix else "")
        )
    if any(finding.needed and not finding.good for finding in findings):
        raise click.exceptions.Exit(2)
