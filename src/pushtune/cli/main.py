"""The command line: which commands there are, and the one outer boundary for errors."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import traceback
from pathlib import Path

import click

from pushtune import __version__
from pushtune.errors import BuildError, PushtuneError, ScriptError
from pushtune.process import end_politely_on_signals

INTERRUPTED = 130
OURS = 1

COMMANDS: dict[str, tuple[str, str]] = {
    "inspect": ("pushtune.cli.inspect", "What is it, what can be tuned, which metric: before anything runs."),
    "tune": ("pushtune.cli.tune", "Tune a script to its target."),
    "show": ("pushtune.cli.show", "What a study came to."),
    "diff": ("pushtune.cli.studies", "The change to your source that made the winner."),
    "apply": ("pushtune.cli.studies", "Change your source to the winner's."),
    "studies": ("pushtune.cli.studies", "All studies of this project."),
    "serve": ("pushtune.cli.serve", "Watch repositories, and take every push through its stages."),
    "repo": ("pushtune.cli.repo", "Which repositories are watched: add, list, remove, hook."),
    "ps": ("pushtune.cli.pushes", "The pushes under way, and the newest that are over."),
    "logs": ("pushtune.cli.pushes", "What the stages of a push said."),
    "cancel": ("pushtune.cli.pushes", "End a push."),
    "retry": ("pushtune.cli.pushes", "Let a push that is over run again."),
    "pull": ("pushtune.cli.stages", "Stage by hand: fetch a commit, find its script."),
    "prepare": ("pushtune.cli.stages", "Stage by hand: find or build what its trials run in."),
    "train": ("pushtune.cli.stages", "Stage by hand: train the untouched script."),
    "confirm": ("pushtune.cli.stages", "Stage by hand: winner and baseline on further seeds."),
    "deliver": ("pushtune.cli.stages", "Stage by hand: the branch and the files."),
    "notify": ("pushtune.cli.stages", "Stage by hand: the letter. --test sends one now."),
    "monitor": ("pushtune.cli.serve", "The watchdog alone: go on where a command died."),
    "env": ("pushtune.cli.env", "What trials run in: show, build, list, prune."),
    "doctor": ("pushtune.cli.doctor", "What this machine has, what is missing, how to get it."),
}
"""Each command's module and its one line of help. Modules are loaded only when their command is called."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called: `inspect` must not wait for the search."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pushtune")
def main() -> None:
    """Push a training script, get back the best model."""


def run() -> None:
    """Run the program: a user's mistake is one line with the fix, ours a traceback in a log."""
    end_politely_on_signals()
    try:
        # Without standalone mode click hands the code of an Exit back as the command's result.
        code = main(standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        code = 2
    except PushtuneError as error:
        _print_error(error)
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted: the same command goes on where this one was", err=True)
        code = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:  # noqa: BLE001 - the outer boundary: a bug of ours becomes a log and one line
        click.echo(f"pushtune: this is a bug in pushtune: {error!r}; see {_log()}", err=True)
        code = OURS
    sys.stdout.flush()
    sys.exit(code)


def _print_error(error: PushtuneError) -> None:
    if isinstance(error, (ScriptError, BuildError)) and error.details:
        click.echo(error.details.rstrip(), err=True)
    click.echo(f"pushtune: {error}" + (f" ({error.fix})" if error.fix else ""), err=True)


def _log() -> str:
    """Write the traceback where it can be found, and return the place."""
    descriptor, name = tempfile.mkstemp(prefix="pushtune-", suffix=".log")
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(traceback.format_exc())
    return str(Path(name))


if __name__ == "__main__":
    run()
