"""Stage tune: ask the scheduler, want its trials, tell it what came of them."""

from __future__ import annotations

from pushtune.errors import InfeasibleError
from pushtune.ledger import TrialRow
from pushtune.model.jobs import Outcome, OutcomeKind, RunProgram, Stop, Wait
from pushtune.model.space import Assignment
from pushtune.model.states import Purpose, StageName, TrialState
from pushtune.pipeline.costs import epoch_seconds_allowed, reserve, seconds_to_win
from pushtune.pipeline.pacing import pace
from pushtune.pipeline.prepare import slots
from pushtune.pipeline.program import step_program
from pushtune.pipeline.pruning import nearly_done, prune, unfinished
from pushtune.pipeline.stage import Done, Step, Waiting
from pushtune.pipeline.workbench import BASELINE, Workbench

_TOO_SLOW = 1.5
"""An epoch may take so many times what the time given allows: the estimate is rough."""

_WITH_REASON = (TrialState.FAILED, TrialState.OUT_OF_MEMORY, TrialState.DIVERGED, TrialState.LOST)


class Tune:
    """Drives the search until it stops."""

    name = StageName.TUNE

    def step(self, bench: Workbench) -> Step:
        """Tell every new outcome, then fill the free slots."""
        self._extend(bench)
        self._write_missing(bench)
        self._end_the_slow(bench)
        self._end_the_late(bench)
        self._tell(bench)
        pace(bench)
        self._watch_the_clock(bench)
        pending = bench.search.pending_program()
        if pending is not None and not step_program(bench, pending):
            return Waiting()
        while bench.busy() < slots(bench):
            answer = bench.search.ask(now=bench.now())
            if isinstance(answer, Stop):
                return self._stopped(bench, answer)
            if isinstance(answer, Wait):
                assert bench.busy(), "the scheduler waits for nothing"
                break
            if isinstance(answer, RunProgram):
                if not step_program(bench, answer):
                    break
            else:
                self._write(bench, answer.trial, answer.assignment)
                self._tell(bench)  # a candidate that cannot be made has failed already
        return Waiting()

    def _extend(self, bench: Workbench) -> None:
        """A larger budget on the command line extends the study."""
        limit, closed_at = bench.settings.time, bench.fact("closed_at")
        more_time = closed_at is not None and (limit is None or limit > closed_at)
        if bench.settings.trials > bench.fact("trials") or more_time:
            trials = max(bench.settings.trials, bench.fact("trials"))
            patience = bench.settings.patience or bench.fact("patience")
            bench.search.set_budget(trials)
            bench.fix(trials=trials, patience=patience, closed_at=None)

    def _tell(self, bench: Workbench) -> None:
        for row in bench.of_purpose(Purpose.SEARCH):
            if (row.over or row.state is TrialState.PAUSED) and not row.told:
                bench.search.tell(row)
                bench.say(_line(bench, row))

    def _watch_the_clock(self, bench: Workbench) -> None:
        limit = bench.settings.time
        if limit is None or bench.fact("closed_at") == limit:
            return
        if bench.elapsed() + reserve(bench) >= limit:
            bench.search.close(f"the time of {limit:.0f} s is used")
            bench.fix(closed_at=limit)

    def _end_the_slow(self, bench: Workbench) -> None:
        """Where time is limited, end what could not be trained in full and confirmed within it.

        Its outcome tells the search to stay away from such sizes; waiting for it would cost the others.
        """
        allowed = epoch_seconds_allowed(bench)
        baseline = bench.baseline
        if allowed is None or baseline is None:
            return
        for row in bench.of_purpose(Purpose.SEARCH):
            if row.state is not TrialState.RUNNING:
                continue
            epochs = max(1, row.epochs)
            taken = row.seconds if row.epochs else bench.now() - bench.trials.attempts(row.number)[-1].started
            if taken - baseline.seconds > _TOO_SLOW * allowed * epochs:
                why = f"{taken / epochs:.0f} s an epoch is too slow for the time given"
                outcome = Outcome(OutcomeKind.TIMED_OUT, None, None, row.epochs, (), taken, why)
                bench.trials.conclude(row.number, outcome, now=bench.now(), memory=row.memory)

    def _end_the_late(self, bench: Workbench) -> None:
        """Where time is limited, end what cannot be trained to its end and confirmed in what is left of it.

        Only where another candidate is ready to be confirmed: otherwise late is better than never.
        """
        best, limit = bench.search.best(), bench.settings.time
        if limit is None or best is None or not best.trained or best.trial == BASELINE:
            return
        left = limit - bench.elapsed()
        for row in bench.of_purpose(Purpose.SEARCH):
            if row.state is TrialState.RUNNING and row.finish and seconds_to_win(bench, row) > left:
                why = "no time is left to train it to its end and confirm it"
                outcome = Outcome(
                    OutcomeKind.PRUNED, row.value, None, row.epochs, row.curve, row.seconds, why
                )
                bench.trials.conclude(row.number, outcome, now=bench.now(), memory=row.memory)

    def _write_missing(self, bench: Workbench) -> None:
        """Write what we died before writing: a trial is wanted first, and trained only with its source."""
        for row in bench.of_purpose(Purpose.SEARCH):
            if row.state is TrialState.WANTED and not bench.has_candidate(row.number):
                self._write(bench, row.number, row.assignment)

    def _write(self, bench: Workbench, trial: int, assignment: Assignment) -> None:
        """Write the candidate of a trial that was just wanted; one that cannot be made has failed."""
        if bench.has_candidate(trial):
            return
        try:
            bench.write_candidate(trial, assignment)
        except InfeasibleError as error:
            outcome = Outcome(OutcomeKind.FAILED, message=str(error))
            bench.trials.conclude(trial, outcome, now=bench.now(), memory=0)

    def _stopped(self, bench: Workbench, answer: Stop) -> Step:
        """The search is over: what still runs for it is not needed, but what is nearly done."""
        prune(bench, (row for row in unfinished(bench) if not nearly_done(row)))
        self._tell(bench)
        bench.say(f"search over: {answer.reason}")
        return Done(answer.reason)


def _line(bench: Workbench, row: TrialRow) -> str:
    """One line about a trial that came to a rung or an end."""
    own = "as it stands" if row.assignment.source is None else "the tweak program's source"
    changes = ", ".join(f"{name}={value}" for name, value in row.assignment.values) or own
    reached = row.state.value.replace("_", " ")
    if row.value is not None:
        reached = f"{reached} {row.value:.4f}"
    unit = "epoch" if bench.space.epochs is None else bench.space.epochs.unit
    epochs = f" after {row.epochs} {unit}{'s' * (row.epochs != 1)}" if row.epochs else ""
    best = bench.search.best()
    ahead = f" (best {best.value:.4f})" if best is not None else ""
    why = row.message.strip().splitlines()[-1:] if row.state in _WITH_REASON else []
    return "; ".join([f"trial {row.number}: {reached}{epochs}{ahead}: {changes}", *why])
