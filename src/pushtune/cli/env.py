"""``pushtune env``."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from pushtune.environment.holdings import Holding
from pushtune.service.environments import (
    Shown,
    all_holdings,
    build_environment,
    prune,
    show_environment,
)
from pushtune.settings.options import ENVIRONMENTS, read_duration

_ENV = click.option("--env", "env", type=click.Choice(ENVIRONMENTS), help="What trials run in.")
_PYTHON = click.option("--python", "python", metavar="PATH", help="The Python that runs the trials.")
_SCRIPT = click.argument("script", type=click.Path(path_type=Path))
_JSON = click.option("--json", "as_json", is_flag=True, help="Print the documented JSON form.")
_UNITS = ("B", "kB", "MB", "GB", "TB")


@click.group("env")
def env_command() -> None:
    """Show, build, list and prune what trials run in."""


@env_command.command("show")
@_SCRIPT
@_ENV
@_PYTHON
@_JSON
def show(script: Path, env: str | None, python: str | None, as_json: bool) -> None:
    """Say what SCRIPT would run in, and why. Nothing is built or run."""
    shown = show_environment(script, {"env": env, "python": python}, os.environ, Path.cwd())
    click.echo(json.dumps(shown.to_json(), indent=1) if as_json else "\n".join(_lines(shown)))


@env_command.command("build")
@_SCRIPT
@_ENV
@_PYTHON
@_JSON
def build(script: Path, env: str | None, python: str | None, as_json: bool) -> None:
    """Make what SCRIPT would run in, now."""
    found = build_environment(script, {"env": env, "python": python}, os.environ, Path.cwd())
    if as_json:
        click.echo(json.dumps(vars(found)))
        return
    for line in found.why:
        click.echo(line)
    click.echo(f"Python {'.'.join(map(str, found.version))} at {found.path}")
    if found.missing:
        click.echo(f"it cannot import {', '.join(found.missing)}")


@env_command.command("list")
@_JSON
def list_all(as_json: bool) -> None:
    """List the images, containers, volumes, virtual environments and caches that are pushtune's."""
    found, silent = all_holdings(os.environ)
    if as_json:
        click.echo(json.dumps({"holdings": [vars(item) for item in found], "silent": silent}, indent=1))
        return
    for item in found:
        click.echo(_row(item))
    for why in silent:
        click.echo(f"not asked: {why}", err=True)
    total = sum(item.size or 0 for item in found)
    click.echo(f"{len(found)} things of pushtune's, {_size(total)} (images share layers)")


@env_command.command("prune")
@click.option("--older", default="30d", metavar="TIME", help="Unused for so long. [30d]")
@click.option("--all", "everything", is_flag=True, help="All that does not run, however new.")
def prune_all(older: str, everything: bool) -> None:
    """Remove what has not been used for a while. It is made again when it is needed."""
    age = float("-inf") if everything else read_duration("--older", older)
    count = 0
    for item, why in prune(os.environ, now=time.time(), older=age):
        count += why is None
        click.echo(f"removed {_row(item)}" if why is None else f"kept {item.kind} {item.name}: {why}")
    click.echo(f"{count} removed")


def _lines(shown: Shown) -> Iterator[str]:
    if shown.interpreter is not None:
        version = ".".join(map(str, shown.interpreter.version))
        yield f"{shown.script}: {shown.environment}, Python {version} at {shown.interpreter.path}"
        for name in shown.interpreter.missing:
            yield f"  missing: {name}"
    if shown.choice is None:
        return
    choice = shown.choice
    words = {True: ", ready", False: ", to be built", None: ""}
    yield f"{shown.script}: {shown.environment}, {choice.name}, Python {choice.python}{words[shown.ready]}"
    yield from (f"  {reason}" for reason in choice.reasons)
    if choice.packages:
        yield f"  installed besides: {', '.join(choice.packages)}"
    yield from (f"  not honoured: {no.file}:{no.line}: {no.text} ({no.why})" for no in choice.refused)


def _row(item: Holding) -> str:
    used = "" if item.used is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(item.used))
    what = item.what if item.kind != "image" else ""
    cells: list[Any] = [item.kind, item.name or item.id[:19], _size(item.size), used, item.engine, what]
    return "  ".join(str(cell) for cell in cells if cell).rstrip()


def _size(size: int | None) -> str:
    if size is None:
        return ""
    amount, unit = float(size), 0
    while amount >= 1000 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.0f} {_UNITS[unit]}" if unit < 2 else f"{amount:.1f} {_UNITS[unit]}"
