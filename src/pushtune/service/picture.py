"""Take a snapshot of a study from its bench."""

from __future__ import annotations

from pushtune.model.states import Purpose, StageState
from pushtune.pipeline import Workbench
from pushtune.pipeline.costs import confirmation_seconds
from pushtune.pipeline.prepare import slots
from pushtune.pipeline.workbench import measured
from pushtune.service.snapshot import Snapshot


def picture(bench: Workbench) -> Snapshot:
    """Return what the study looks like now. Reads the ledger; starts nothing."""
    rows = tuple(bench.trials.all())
    push = bench.ledger.pushes.of_study(bench.study_id)
    stages = bench.ledger.pushes.stages_of(push.id)
    stage = next((name for name, row in stages.items() if row.state is StageState.RUNNING), None)
    baseline = bench.baseline
    value = measured(baseline) if baseline is not None and baseline.over else None
    best = bench.search.best() if value is not None and bench.fact("trials") is not None else None
    return Snapshot(
        study=bench.study_id,
        script=bench.script.entry,
        metric=bench.metric_name,
        target=bench.target,
        stage=stage,
        trials=rows,
        budget=bench.fact("trials"),
        slots=slots(bench),
        max_epochs=bench.fact("max_epochs"),
        baseline=value,
        best=None if best is None else best.value,
        best_trial=None if best is None else best.trial,
        best_assignment=None if best is None else best.assignment,
        elapsed=bench.elapsed(),
        remaining=_remaining(bench),
    )


def _remaining(bench: Workbench) -> float | None:
    """Seconds still to come: from what the trials took so far, with the confirmation; None at first."""
    budget: int | None = bench.fact("trials")
    rows = bench.of_purpose(Purpose.SEARCH)
    taken = [row.seconds for row in rows if row.seconds > 0]
    baseline = bench.baseline
    if budget is None or not taken or baseline is None:
        return None
    left = max(0, budget - len(rows)) * (sum(taken) / len(taken)) / slots(bench)
    longest = max(taken)
    whole = left + confirmation_seconds(bench, longest, baseline)
    limit = bench.settings.time
    return whole if limit is None else max(0.0, min(whole, limit - bench.elapsed()))
