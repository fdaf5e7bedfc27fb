"""``pushtune pull``, ``prepare``, ``train``, ``confirm``, ``deliver``, ``notify``: one stage by hand."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import click

from pushtune.cli.options import json_option
from pushtune.cli.stage import SCRIPT_FAILS, push_options, stage_or_usage
from pushtune.errors import UsageError
from pushtune.model.states import StageName, StageState
from pushtune.service.home import home_path, opened
from pushtune.service.pushes import get_push, printable
from pushtune.service.stages import make_push, run_stage, send_test


def _tell(line: str) -> None:
    click.echo(printable(line), err=True)


def take(name: str, push: int, home: Path | None, environ: Mapping[str, str], *, as_json: bool) -> None:
    """Take a push through one stage, say what came of it, and end with the status that says so too."""
    stage = StageName(name)
    with opened(home_path(home, environ), {}, environ) as at:
        state = run_stage(at, push, stage, environ=environ, tell=_tell, wait=_tell)
        row = at.ledger.pushes.stages_of(push)[stage]
        over = get_push(at.ledger, push).state
    if as_json:
        body = {"push": push, "stage": name, "state": state.value, "message": row.message, "push_state": over}
        click.echo(json.dumps(body))
    else:
        said = f"push {push} {name}: {state.value}" + (f": {row.message}" if row.message else "")
        click.echo(printable(said))
    if state is StageState.FAILED:
        raise click.exceptions.Exit(SCRIPT_FAILS)


@click.command("pull")
@click.argument("repository", required=False)
@click.option("--branch", help="The branch that was pushed to.")
@click.option("--commit", help="The pushed commit, in full.")
@click.option(
    "--push-file",
    type=click.Path(path_type=Path),
    help="Write the push's number into this file; as PUSH=number if it ends with .properties or .env.",
)
@json_option
@push_options
def pull_command(
    repository: str | None, branch: str | None, commit: str | None, push_file: Path | None, as_json: bool,
    push: int | None, home: Path | None,
) -> None:  # fmt: skip
    """Fetch a push and find its script.

    With REPOSITORY (its name in `pushtune repo list`) a push is made of its branch's head, or of --commit;
    its number is what the other stages want as --push.
    """
    if repository is None:
        stage_or_usage("pull", push, home, as_json=as_json)
        return
    if push is not None:
        raise UsageError("name a repository or a push, not both")
    if push_file is not None:
        # What an earlier build left there must not be taken for this one's.
        push_file.unlink(missing_ok=True)
    with opened(home_path(home, os.environ), {}, os.environ) as at:
        number = make_push(at, repository, branch, commit).id
    if push_file is not None:
        _write_number(push_file, number)
    take("pull", number, home, os.environ, as_json=as_json)


def _write_number(path: Path, number: int) -> None:
    """Write the number for whoever comes next: alone, or as the assignment that CI servers read."""
    assignment = path.suffix in (".properties", ".env") or path.name == ".env"
    try:
        path.write_text(f"{'PUSH=' if assignment else ''}{number}\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}", fix="name another --push-file") from None


def _command(name: str, doc: str) -> click.Command:
    @click.command(name, help=doc)
    @json_option
    @push_options
    def command(as_json: bool, push: int | None, home: Path | None) -> None:
        stage_or_usage(name, push, home, as_json=as_json)

    return command


prepare_command = _command("prepare", "Find or build what the trials of a push run in.")
train_command = _command("train", "Train the untouched script of a push.")
confirm_command = _command("confirm", "Train winner and baseline of a push on further seeds.")
deliver_command = _command("deliver", "Deliver what a push came to: the branch and the files.")


@click.command("notify")
@click.option("--test", metavar="ADDRESS", help="Send a letter to ADDRESS now, to see that mail works.")
@json_option
@push_options
def notify_command(test: str | None, as_json: bool, push: int | None, home: Path | None) -> None:
    """Write the letter of a push and send it."""
    if test is None:
        stage_or_usage("notify", push, home, as_json=as_json)
        return
    with opened(home_path(home, os.environ), {}, os.environ, make=True) as at:
        click.echo(send_test(at, test, os.environ))
