"""The developer's own tweak program decides: it is asked, its candidate is trained, it is asked again."""

from __future__ import annotations

from pushtune.model.jobs import Ask, HistoryRow, Job, RunProgram, Stop, Wait
from pushtune.tune.ending import budget_used
from pushtune.tune.study import Study

MISSES = 2
"""The search ends when the program has given nothing usable so many times in a row."""


class Program:
    """One candidate after the other, in one piece, as the program's source or assignment says."""

    name = "program"

    def next(self, study: Study) -> Ask:
        """Return the program's last answer as a job, or ask it for the next."""
        if study.closed is not None:
            return Stop(study.closed)
        if study.running() or study.program_asked:
            return Wait()
        if study.answer is not None:
            return Job(study.asks, study.next_number, study.answer, 0, None, finish=True)
        over = budget_used(study)
        if over is not None:
            return Stop(over)
        if study.misses >= MISSES:
            said = f": {study.program_says}" if study.program_says else ""
            return Stop(f"the tweak program has nothing more to try{said}")
        return RunProgram(study.asks, study.next_number, history(study))


def history(study: Study) -> tuple[HistoryRow, ...]:
    """Return every trial that ended, the baseline first, as a tweak program sees it."""
    return tuple(
        HistoryRow(
            trial.number,
            study.source(trial, trial.limit),
            None if trial.goodness is None else study.sign * trial.goodness,
            trial.kind,
        )
        for trial in study.trials.values()
        if trial.kind is not None and trial.running is None
    )
