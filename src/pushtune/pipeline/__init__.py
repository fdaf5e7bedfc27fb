"""START READING HERE: the stages of a push, as one list."""

from __future__ import annotations

from pushtune.errors import MachineError, PushtuneError, SettingsError
from pushtune.ledger import StageRow
from pushtune.model.states import PushState, StageName, StageState
from pushtune.pipeline.backoff import seconds_to_wait, waits
from pushtune.pipeline.confirm import Confirm
from pushtune.pipeline.deliver import Deliver
from pushtune.pipeline.desk import Desk, Server
from pushtune.pipeline.inspect import Inspect
from pushtune.pipeline.notify import Notify
from pushtune.pipeline.prepare import Prepare
from pushtune.pipeline.pull import Pull
from pushtune.pipeline.stage import SETTINGS, Again, Done, OnStudy, Over, Stage, Waiting
from pushtune.pipeline.train import Train
from pushtune.pipeline.tune import Tune
from pushtune.pipeline.workbench import Workbench

__all__ = ["STAGES", "Desk", "Server", "Workbench", "advance", "fail"]

STAGES: tuple[Stage, ...] = (
    Pull(),  # fetch the commit, find its script and settings; the same as before is not trained again
    OnStudy(Inspect()),  # read the source: kind, knobs, moves, metric
    OnStudy(Prepare()),  # find the interpreter, look for what the script imports, divide the machine
    OnStudy(Train()),  # trial 0: the untouched script
    OnStudy(Tune()),  # ask the scheduler, want its trials, tell it what came of them
    OnStudy(Confirm()),  # winner and baseline on further seeds; hand the winner over
    Deliver(),  # a branch with the winner's source, the files in their lasting place
    Notify(),  # one letter into the outbox
)
"""`pushtune tune` leaves out the first and the last two."""

Moves = dict[StageName, tuple[StageState, str]]

_OPEN = frozenset({StageState.WAITING, StageState.RUNNING})


def advance(desk: Desk, until: StageName | None = None) -> bool:
    """Take a push as far as it can go now, without waiting; True when it is over.

    With ``until``, True as soon as that stage is behind. What a stage raises is recorded as its failure.
    A push of `pushtune tune` then fails, and the error goes on to the caller; a watched one goes on to
    its letter. A machine's trouble fails no watched push: the stage is stepped again after a while.
    """
    while True:
        rows = desk.ledger.pushes.stages_of(desk.push)
        if until is not None and rows[until].state not in _OPEN:
            return True
        stage = next((stage for stage in STAGES if rows[stage.name].state in _OPEN), None)
        if stage is None:
            _finish(desk, rows)
            return True
        if not _step(desk, stage, rows[stage.name]):
            return False


def _finish(desk: Desk, rows: dict[StageName, StageRow]) -> None:
    """End the push: as failed with what failed, or with the message of the last stage but delivery."""
    if desk.row.state is not PushState.RUNNING:
        return
    failed = [row.message for row in rows.values() if row.state is StageState.FAILED]
    done = [rows[name].message for name in rows if rows[name].state is StageState.DONE]
    own = [rows[name].message for name in _TELLING if rows[name].state is StageState.DONE]
    state = PushState.FAILED if failed else PushState.DONE
    reason = (failed or own[-1:] or done[-1:] or [""])[0]
    desk.ledger.pushes.move(desk.push, state, now=desk.now(), reason=reason)


_TELLING = tuple(name for name in StageName if name not in (StageName.DELIVER, StageName.NOTIFY))


def _step(desk: Desk, stage: Stage, row: StageRow) -> bool:
    """Step one stage and record what came of it; whether the push may go on at once."""
    pushes, push = desk.ledger.pushes, desk.push
    desk.stage = stage.name
    if desk.watched and _waits_out_trouble(desk):
        return False
    if row.state is not StageState.RUNNING:
        pushes.move_stage(push, stage.name, StageState.RUNNING, now=desk.now())
    try:
        step = stage.step(desk)
    except PushtuneError as error:
        return fail(desk, error)
    if not isinstance(step, Waiting):
        # Not before: what it waits for may fail again, and is then to be tried less often.
        if desk.watched and desk.row.trouble:
            pushes.set_trouble(push, "", retry_at=None)
        pushes.move_stages(push, _moves(desk, stage.name, step), now=desk.now())
    return not isinstance(step, Waiting)


def _moves(desk: Desk, name: StageName, step: Done | Over | Again) -> Moves:
    """Return what a step's answer makes of the stages."""
    match step:
        case Done(message):
            return {name: (StageState.DONE, message)}
        case Over(message, until):
            return {name: (StageState.DONE, message), **_skipped(desk, name, until)}
        case Again(earlier, message):
            return {name: (StageState.WAITING, message), earlier: (StageState.RUNNING, message)}


def _skipped(desk: Desk, after: StageName, until: StageName) -> Moves:
    """Return the skipping of the waiting stages after one, up to and with another."""
    names = list(StageName)
    between = names[names.index(after) + 1 : names.index(until) + 1]
    rows = desk.ledger.pushes.stages_of(desk.push)
    return {name: (StageState.SKIPPED, "") for name in between if rows[name].state is StageState.WAITING}


def fail(desk: Desk, error: PushtuneError) -> bool:
    """Record what stands in the way of the stage at work; whether the push may go on at once.

    Raises ``error`` for a push of `pushtune tune`: whoever typed the command is there to act.
    """
    return _troubled(desk, error) if _may_pass(desk, error) else _failed(desk, desk.stage, error)


def _waits_out_trouble(desk: Desk) -> bool:
    return waits(desk.row.retry_at, desk.now())


def _may_pass(desk: Desk, error: PushtuneError) -> bool:
    return desk.watched and isinstance(error, MachineError)


def _troubled(desk: Desk, error: PushtuneError) -> bool:
    """The machine lacks something: say so, and try again later. Nothing is lost by waiting."""
    row = desk.row
    if row.trouble == str(error) and waits(row.retry_at, desk.now()):
        return False  # met again while it is waited out
    wait = seconds_to_wait(row.tries)
    if row.trouble != str(error):
        desk.say(f"{error}{f' ({error.fix})' if error.fix else ''}; trying again in {wait:.0f} s")
    desk.ledger.pushes.set_trouble(desk.push, str(error), retry_at=desk.now() + wait)
    return False


def _told(error: PushtuneError) -> str:
    """Return what is kept of an error for whoever was not there: whose it is, and the fix."""
    whose = SETTINGS if isinstance(error, SettingsError) else ""
    return f"{whose}{error}" + (f" ({error.fix})" if error.fix else "")


def _failed(desk: Desk, name: StageName, error: PushtuneError) -> bool:
    """A stage failed for good. A watched push goes on to its letter: the author is to hear of it."""
    pushes, now = desk.ledger.pushes, desk.now()
    message = _told(error) if desk.watched else str(error)
    failed = {name: (StageState.FAILED, message)}
    if not desk.watched:
        pushes.move_stages(desk.push, failed, now=now)
        pushes.move(desk.push, PushState.FAILED, now=now, reason=message)
        raise error
    try:
        pushes.move_stages(desk.push, {**failed, **_skipped(desk, name, StageName.DELIVER)}, now=now)
    except MachineError:
        raise
    except PushtuneError:
        return True  # It is over already: somebody cancelled it meanwhile, or it failed a moment ago.
    desk.say(message)
    return True
