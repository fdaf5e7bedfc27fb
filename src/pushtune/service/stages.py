"""Single stages by hand: any CI server can be the chain."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from pushtune.errors import UsageError
from pushtune.git import check_address, check_branch, check_commit, list_heads
from pushtune.ledger import Ledger, PushRow, RepositoryRow
from pushtune.model.states import PUSH_ENDS, PushState, StageName, StageState
from pushtune.notify import (
    Envelope,
    LetterFacts,
    MailPolicy,
    Occasion,
    Outcome,
    compose,
    letter_id,
    recipients,
    to_bytes,
)
from pushtune.pipeline import Server
from pushtune.pipeline.errands import InBackground
from pushtune.pipeline.prepare import cores
from pushtune.process import shielded
from pushtune.service.credentials import credentials_of
from pushtune.service.driver import Driver
from pushtune.service.home import Opened, beside, mailing
from pushtune.service.mail import mail_channel, mail_password
from pushtune.service.post import Post
from pushtune.service.pushes import get_push
from pushtune.service.server import make_server, secrets_of
from pushtune.settings import server_settings_file

STEP_SECONDS = 0.05


def make_push(home: Opened, name: str, branch: str | None, commit: str | None) -> PushRow:
    """Write down a push of a watched repository: of its branch's head, or of the commit that is named.

    The same commit again is the same push, as long as nothing newer came to the branch.
    """
    repository = home.ledger.repositories.named(name)
    branch, commit = _where(home, repository, branch, commit)
    number = home.ledger.repositories.seen(repository.id, branch, commit, told_by="command", now=time.time())
    if number is not None:
        return get_push(home.ledger, number)
    same = [row for row in home.ledger.pushes.of_branch(repository.id, branch) if row.commit == commit]
    if not same:
        home.ledger.repositories.forget_head(repository.id, branch)
        return make_push(home, name, branch, commit)
    return same[0]


def _where(
    home: Opened, repository: RepositoryRow, branch: str | None, commit: str | None
) -> tuple[str, str]:
    if branch is not None and commit is not None:
        return check_branch(_plain(branch)), check_commit(commit)
    address = check_address(
        repository.address, allow_local=home.settings.local, allowed_hosts=home.settings.hosts
    )
    heads = list_heads(address, credentials_of(home.home, repository))
    branch = check_branch(_plain(branch or heads.default or ""))
    if branch not in heads.branches:
        raise UsageError(f"{repository.name} has no branch {branch}", fix="name one with --branch")
    return branch, commit or heads.branches[branch]


def _plain(branch: str) -> str:
    """Return a branch's own name: CI servers hand it over as they fetched it."""
    for prefix in ("refs/heads/", "refs/remotes/", "origin/"):
        branch = branch.removeprefix(prefix)
    return branch


def run_stage(
    home: Opened,
    push: int,
    stage: StageName,
    *,
    environ: Mapping[str, str],
    tell: Callable[[str], None],
    wait: Callable[[str], None] | None = None,
) -> StageState:
    """Take a push through one stage and return how that ended; a stage that is behind already is left so.

    Killed in the middle, the same command, one for a later stage, or the watchdog goes on where it was.
    Where another command works on the push it is waited for, if ``wait`` is there to be told so. Raises
    ``UsageError`` where an earlier stage is still to be begun, ``StudyBusyError`` where a server, or another
    command, works on the push. A push that was cancelled or superseded is left alone: its stage is skipped.
    """
    with beside(home.home, push, wait=wait):
        if _is_off(home.ledger, push, tell):
            return StageState.SKIPPED
        row = get_push(home.ledger, push)
        _check_order(home.ledger, row, stage)
        with ThreadPoolExecutor(2) as executor:
            server = _server(home, environ, tell)
            driver = Driver(home.ledger, push, server, InBackground(executor))
            _drive(home.ledger, driver, row, stage, home.settings.slots or cores())
        if _is_off(home.ledger, push, tell):
            return StageState.SKIPPED
        if stage is StageName.NOTIFY:
            send_letters(home, push, environ=environ, tell=tell)
        return home.ledger.pushes.stages_of(push)[stage].state


def send_letters(
    home: Opened, push: int | None, *, environ: Mapping[str, str], tell: Callable[[str], None]
) -> None:
    """Send the letters of a push, or of all, that are due; those of a mail server that is down stay."""
    channel = mail_channel(home.settings, mail_password(home.settings, environ))
    with mailing(home.home, wait=tell):
        Post(home.ledger, channel, time.time, tell).flush(push)


def _is_off(ledger: Ledger, push: int, tell: Callable[[str], None]) -> bool:
    """Whether the push is not to go on. No error: the rest of a chain finds it so, and is not to blame."""
    state = get_push(ledger, push).state
    if state not in (PushState.CANCELLED, PushState.SUPERSEDED):
        return False
    tell(f"push {push} was {state.value}; `pushtune retry {push}` runs it again")
    return True


def _server(home: Opened, environ: Mapping[str, str], tell: Callable[[str], None]) -> Server:
    password = mail_password(home.settings, environ)
    return make_server(home.home, home.settings, tell=tell, secrets=secrets_of(environ, password))


def _check_order(ledger: Ledger, row: PushRow, stage: StageName) -> None:
    stages = ledger.pushes.stages_of(row.id)
    names = list(StageName)
    before = [stages[name] for name in names[: names.index(stage)]]
    if any(earlier.state is StageState.RUNNING for earlier in before):
        return  # A command died in the middle, or a confirmation sent the push back: all of it goes on here.
    for earlier in before:
        if earlier.state is StageState.WAITING:
            raise UsageError(
                f"push {row.id} has its stage {earlier.name.value} still before it",
                fix=f"pushtune {earlier.name.value} --push {row.id}",
            )


def _drive(ledger: Ledger, driver: Driver, row: PushRow, until: StageName, slots: int) -> None:
    if row.state is PushState.QUEUED and not ledger.pushes.take_up(row.id):
        return
    try:
        while not driver.step(until):
            if get_push(ledger, row.id).state in PUSH_ENDS:
                driver.stop()
                return
            driver.act(slots)
            _wait_for(driver)
    except KeyboardInterrupt:
        with shielded():
            driver.stop()
        raise
    driver.rest()


def _wait_for(driver: Driver) -> None:
    for _ in range(round(1.0 / STEP_SECONDS)):
        if driver.look():
            return
        time.sleep(STEP_SECONDS)


def send_test(home: Opened, address: str, environ: Mapping[str, str]) -> str:
    """Send a letter to ``address`` while the caller waits; return what was done.

    Raises ``UsageError`` where there is nothing to send it with, and what the channel raises.
    """
    settings = home.settings
    channel = mail_channel(settings, mail_password(settings, environ))
    if channel is None:
        raise UsageError(
            "the server has no mail server", fix='put mail_server = "HOST:PORT" into server.toml'
        )
    to = recipients((address,), MailPolicy(settings.mail_domains or None), author=None)
    if not to.addresses:
        raise UsageError(f"mail {to.said}")
    facts = LetterFacts(
        repository="", branch="", commit="", subject="", author="", push=0,
        server=platform.node(), settings_file=_settings_file(home),
    )  # fmt: skip
    number = letter_id(str(home.home.path), None, f"test {time.time()}", settings.sender)
    envelope = Envelope(settings.sender, to.addresses, number, time.time())
    channel.send(to_bytes(compose(facts, Occasion(Outcome.TEST), envelope)), settings.sender, to.addresses)
    return f"a letter to {', '.join(to.addresses)} was taken by {settings.mail_server}"


def _settings_file(home: Opened) -> str:
    """Return what was read: a letter that comes from another home than one thinks is told by it."""
    file = server_settings_file(home.home.path)
    return str(file) if file.is_file() else f"none: there is no {file}"
