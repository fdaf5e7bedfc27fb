"""START READING HERE: the stages of a push, as one list."""

from __future__ import annotations

from pushtune.errors import PushtuneError
from pushtune.ledger import StageRow
from pushtune.model.states import PushState, StageName, StageState
from pushtune.pipeline.confirm import Confirm
from pushtune.pipeline.inspect import Inspect
from pushtune.pipeline.prepare import Prepare
from pushtune.pipeline.stage import Again, Done, Over, Stage, Waiting
from pushtune.pipeline.train import Train
from pushtune.pipeline.tune import Tune
from pushtune.pipeline.workbench import Workbench

__all__ = ["STAGES", "Workbench", "advance"]

STAGES: tuple[Stage, ...] = (
    Inspect(),  # read the source: kind, knobs, moves, metric
    Prepare(),  # find the interpreter, look for what the script imports, divide the machine
    Train(),  # trial 0: the untouched script
    Tune(),  # ask the scheduler, want its trials, tell it what came of them
    Confirm(),  # winner and baseline on further seeds; hand the winner over
)


def advance(bench: Workbench, push: int) -> bool:
    """Take a push as far as it can go now, without waiting; True when it is over.

    What a stage raises is recorded as its failure (and the push's) before it goes on to the caller.
    """
    while True:
        rows = bench.ledger.pushes.stages_of(push)
        stage = next((stage for stage in STAGES if _open(rows[stage.name])), None)
        if stage is None:
            bench.ledger.pushes.move(push, PushState.DONE, now=bench.now(), reason=_reason(rows))
            return True
        if not _step(bench, push, stage, rows[stage.name]):
            return False


def _open(row: StageRow) -> bool:
    return row.state not in (StageState.DONE, StageState.SKIPPED)


def _reason(rows: dict[StageName, StageRow]) -> str:
    """Why a push ended: the message of the last stage that did anything."""
    return [row.message for row in rows.values() if row.state is StageState.DONE][-1]


def _step(bench: Workbench, push: int, stage: Stage, row: StageRow) -> bool:
    pushes = bench.ledger.pushes
    if row.state is not StageState.RUNNING:
        pushes.move_stage(push, stage.name, StageState.RUNNING, now=bench.now())
    try:
        step = stage.step(bench)
    except PushtuneError as error:
        now = bench.now()
        pushes.move_stage(push, stage.name, StageState.FAILED, now=now, message=str(error))
        pushes.move(push, PushState.FAILED, now=now, reason=str(error))
        raise
    match step:
        case Waiting():
            return False
        case Done(message):
            pushes.move_stage(push, stage.name, StageState.DONE, now=bench.now(), message=message)
        case Over(message):
            pushes.move_stage(push, stage.name, StageState.DONE, now=bench.now(), message=message)
            _skip_rest(bench, push, stage.name)
        case Again(earlier, message):
            pushes.move_stage(push, stage.name, StageState.WAITING, now=bench.now(), message=message)
            pushes.move_stage(push, earlier, StageState.RUNNING, now=bench.now(), message=message)
    return True


def _skip_rest(bench: Workbench, push: int, after: StageName) -> None:
    names = list(StageName)
    for name in names[names.index(after) + 1 :]:
        bench.ledger.pushes.move_stage(push, name, StageState.SKIPPED, now=bench.now())
