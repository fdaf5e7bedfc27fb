"""Flags made from the settings, and the arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from pushtune.settings.options import Option, typed

Command = Callable[..., None]


def with_options(options: Sequence[Option]) -> Callable[[Command], Command]:
    """Give a command one flag for each setting."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = _flag(option)(command)
        return command

    return decorate


def _flag(option: Option) -> Callable[[Command], Command]:
    if option.switch:
        names = f"{option.flag}/--no-{option.flag[2:]}"
        return click.option(names, option.name, default=None, help=option.help)
    return click.option(option.flag, option.name, metavar=option.metavar or None, help=_help(option))


def _help(option: Any) -> str:
    return option.help if option.default in (None, ()) else f"{option.help} [{typed(option, option.default)}]"


home_option = click.option(
    "--home",
    type=click.Path(path_type=Path),
    help="The server's folder [PUSHTUNE_HOME, else your data folder].",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
