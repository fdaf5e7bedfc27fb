"""Single stages by hand, and the watchdog: any CI server can be the chain."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from pushtune.errors import StudyBusyError, UsageError
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
from pushtune.service.home import Opened, beside, mail_channel, mail_password
from pushtune.service.post import Post
from pushtune.service.pushes import get_push
from pushtune.service.server import make_server, secrets_of

STEP_SECONDS = 0.05
_OPEN = (StageState.WAITING, StageState.RUNNING)


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
        return check_branch(branch.removeprefix("origin/")), check_commit(commit)
    address = check_address(
        repository.address, allow_local=home.settings.local, allowed_hosts=home.settings.hosts
    )
    heads = list_heads(address, credentials_of(home.home, repository))
    branch = check_branch((branch or heads.default or "").removeprefix("origin/"))
    if branch not in heads.branches:
        raise UsageError(f"{repository.name} has no branch {branch}", fix="name one with --branch")
    return branch, commit or heads.branches[branch]


def run_stage(
    home: Opened, push: int, stage: StageName, *, environ: Mapping[str, str], tell: Callable[[str], None]
) -> StageState:
    """Take a push through one stage and return how that ended; a stage that is behind already is left so.

    Killed in the middle, the same command (or the watchdog) goes on where it was. Raises ``UsageError``
    where an earlier stage is still to be done, ``StudyBusyError`` where a server works on it.
    """
    with beside(home.home, push):
        row = get_push(home.ledger, push)
        _check_order(home.ledger, row, stage)
        with ThreadPoolExecutor(2) as executor:
            server = _server(home, environ, tell)
            driver = Driver(home.ledger, push, server, InBackground(executor))
            _drive(home.ledger, driver, row, stage)
        if stage is StageName.NOTIFY:
            _post(home, server, environ, tell).flush(push)
        return home.ledger.pushes.stages_of(push)[stage].state


def _server(home: Opened, environ: Mapping[str, str], tell: Callable[[str], None]) -> Server:
    password = mail_password(home.settings, environ)
    return make_server(home.home, home.settings, tell=tell, secrets=secrets_of(environ, password))


def _post(home: Opened, server: Server, environ: Mapping[str, str], tell: Callable[[str], None]) -> Post:
    channel = mail_channel(home.settings, mail_password(home.settings, environ))
    return Post(home.ledger, channel, server.clock, tell)


def _check_order(ledger: Ledger, row: PushRow, stage: StageName) -> None:
    if row.state in (PushState.CANCELLED, PushState.SUPERSEDED):
        raise UsageError(f"push {row.id} was {row.state.value}", fix=f"pushtune retry {row.id}")
    stages = ledger.pushes.stages_of(row.id)
    names = list(StageName)
    for earlier in names[: names.index(stage)]:
        if stages[earlier].state in _OPEN and not _sent_back(stages[stage].state, earlier):
            raise UsageError(
                f"push {row.id} has its stage {earlier.value} still before it",
                fix=f"pushtune {earlier.value} --push {row.id}",
            )


def _sent_back(state: StageState, earlier: StageName) -> bool:
    """A confirmation that missed the target has sent the push back to tune: both go on together."""
    return state is StageState.WAITING and earlier is StageName.TUNE


def _drive(ledger: Ledger, driver: Driver, row: PushRow, until: StageName) -> None:
    if row.state is PushState.QUEUED:
        ledger.pushes.move(row.id, PushState.RUNNING, now=time.time())
    try:
        while not driver.step(until):
            if get_push(ledger, row.id).state in PUSH_ENDS:
                driver.stop()
                return
            driver.act(cores())
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


def watch_over(
    home: Opened,
    every: float | None,
    *,
    environ: Mapping[str, str],
    tell: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Take on what nobody works on any more: pushes whose command died in the middle of a stage.

    Looks once, or ``every`` so many seconds for ever. Returns how many pushes were taken on. A push that a
    living command works on is left to it.
    """
    taken = 0
    while True:
        for row in home.ledger.pushes.open():
            taken += _take_on(home, row, environ, tell)
        if every is None:
            return taken
        sleep(every)


def _take_on(home: Opened, row: PushRow, environ: Mapping[str, str], tell: Callable[[str], None]) -> int:
    stage = home.ledger.pushes.running_stages([row.id]).get(row.id)
    if row.repository is None or stage is None:
        return 0
    with suppress(StudyBusyError):
        with beside(home.home, row.id):
            tell(f"push {row.id}: nobody works on its stage {stage.value}; going on with it")
        run_stage(home, row.id, stage, environ=environ, tell=tell)
        return 1
    return 0


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
        raise UsageError(f"no mail {to.said}")
    facts = LetterFacts(repository="test", branch="", commit="", subject="Mail works", author="", push=0)
    number = letter_id(str(home.home.path), None, f"test {time.time()}", settings.sender)
    envelope = Envelope(settings.sender, to.addresses, number, time.time())
    channel.send(to_bytes(compose(facts, Occasion(Outcome.TEST), envelope)), settings.sender, to.addresses)
    return f"a letter to {', '.join(to.addresses)} was taken by {settings.mail_server}"
