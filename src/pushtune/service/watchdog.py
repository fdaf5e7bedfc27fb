"""``pushtune monitor``: go on with what a chain of single commands has left lying."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from pushtune.errors import StudyBusyError
from pushtune.ledger import Ledger, PushRow
from pushtune.model.states import StageName
from pushtune.service.home import Opened, beside, without_server
from pushtune.service.stages import run_stage, send_letters


def watch_over(
    home: Opened,
    every: float | None,
    *,
    idle: float | None = None,
    environ: Mapping[str, str],
    tell: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Take on what nobody works on any more, to its end, and send the letters that still wait.

    That is every push whose command died in the middle of a stage, and with ``idle`` also what no command
    has worked on for so many seconds: the chain has lost it. A push that a living command works on is left
    to it; one that comes later waits for us, and finds its stage behind.

    Looks once, or ``every`` so many seconds for ever. Returns how many pushes were taken on. Raises
    ``StudyBusyError`` where a server does all that.
    """
    taken = 0
    while True:
        for row in home.ledger.pushes.open():
            if _is_left(home.ledger, row, idle):
                taken += _take_on(home, row, environ, tell)
        with without_server(home.home):
            send_letters(home, None, environ=environ, tell=tell)
        if every is None:
            return taken
        sleep(every)


def _is_left(ledger: Ledger, row: PushRow, idle: float | None) -> bool:
    if row.repository is None:
        return False  # `pushtune tune` looks after its own
    if ledger.pushes.running_stages([row.id]):
        return True
    return idle is not None and time.time() - _last_worked_on(ledger, row) >= idle


def _last_worked_on(ledger: Ledger, row: PushRow) -> float:
    stages = ledger.pushes.stages_of(row.id).values()
    return max(row.created, *(max(stage.started or 0.0, stage.ended or 0.0) for stage in stages))


def _take_on(home: Opened, row: PushRow, environ: Mapping[str, str], tell: Callable[[str], None]) -> int:
    with suppress(StudyBusyError):
        with beside(home.home, row.id):
            tell(f"push {row.id}: nobody works on it; going on with it")
        for stage in StageName:
            state = run_stage(home, row.id, stage, environ=environ, tell=tell)
            tell(f"push {row.id} {stage.value}: {state.value}")
        return 1
    return 0
