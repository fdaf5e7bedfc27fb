"""The scheduler with its memory: every call is in the ledger before anything follows from it."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from pushtune.errors import PushtuneError
from pushtune.ledger import Exchange, TrialRow, Trials, new_trial
from pushtune.model.jobs import Ask, Best, HistoryRow, Job, Outcome, OutcomeKind, RunProgram
from pushtune.model.space import Assignment
from pushtune.model.states import Purpose
from pushtune.tune.scheduler import Scheduler


class Search:
    """Drives a scheduler for one study. Making one replays what the ledger holds.

    ``trials`` is where exchanges are written, ``seed`` what every candidate of the search is trained
    with: differences between candidates are then not differences between seeds.
    """

    def __init__(self, trials: Trials, scheduler: Scheduler, *, seed: int) -> None:
        self._trials = trials
        self._scheduler = scheduler
        self._seed = seed
        self._jobs: dict[int, Job] = {}
        self._requests: dict[int, RunProgram] = {}
        for exchange in trials.exchanges():
            self._replay(exchange)

    def ask(self, *, now: float) -> Ask:
        """Ask for the next step; a job's trial is wanted from then on."""
        answer = self._scheduler.ask()
        if isinstance(answer, Job):
            self._jobs[answer.number] = answer
            self._trials.record("ask", {"job": _job_body(answer)}, want=self._row(answer, now))
        elif isinstance(answer, RunProgram):
            self._requests[answer.number] = answer
            self._trials.record("program", {"number": answer.number, "trial": answer.trial})
        return answer

    def pending_program(self) -> RunProgram | None:
        """Return the tweak program's run that was asked for and not answered yet (we died in between)."""
        answered = {row.body["number"] for row in self._trials.exchanges() if row.kind == "programmed"}
        return next((one for number, one in self._requests.items() if number not in answered), None)

    def tell(self, trial: TrialRow) -> None:
        """Tell what came of a trial's job, once."""
        assert trial.job is not None
        outcome = outcome_of(trial)
        body = {"job": trial.job, "outcome": {**asdict(outcome), "kind": outcome.kind.value}}
        self._trials.record("tell", body, told=trial.number)
        self._scheduler.tell(self._jobs[trial.job], outcome)

    def tell_program(self, request: RunProgram, assignment: Assignment | None, message: str) -> None:
        """Tell what the developer's tweak program printed."""
        text = None if assignment is None else assignment.to_json()
        self._trials.record(
            "programmed", {"number": request.number, "assignment": text, "message": message[:500]}
        )
        self._scheduler.tell_program(request, assignment, message)

    def tell_confirmation(self, assignment: Assignment, mean: float) -> None:
        """Tell the mean over seeds that a candidate was confirmed with."""
        self._trials.record("confirmed", {"assignment": assignment.to_json(), "mean": mean})
        self._scheduler.tell_confirmation(assignment, mean)

    def set_budget(self, trials: int) -> None:
        """Give the search another number of trials."""
        self._trials.record("budget", {"trials": trials})
        self._scheduler.set_budget(trials)

    def set_most_epochs(self, maximum: int) -> None:
        """Give the trials that start from now on another number of epochs at most."""
        self._trials.record("epochs", {"maximum": maximum})
        self._scheduler.set_most_epochs(maximum)

    def most_epochs_set(self) -> int | None:
        """Return what was set last, None if nothing was."""
        told = [row.body["maximum"] for row in self._trials.exchanges() if row.kind == "epochs"]
        return told[-1] if told else None

    def close(self, reason: str) -> None:
        """Start no new trials; finish the best."""
        self._trials.record("close", {"reason": reason})
        self._scheduler.close(reason)

    def best(self) -> Best | None:
        """Return the best candidate so far."""
        return self._scheduler.best()

    def history(self) -> tuple[HistoryRow, ...]:
        """Return the finished trials as a tweak program sees them."""
        return self._scheduler.history()

    def _row(self, job: Job, now: float) -> TrialRow:
        row = new_trial(
            self._trials.study, job.trial, Purpose.SEARCH, job.assignment, seed=self._seed, now=now
        )
        return replace(row, to_epoch=job.to_epoch, finish=job.finish, job=job.number)

    def _replay(self, exchange: Exchange) -> None:
        body = exchange.body
        match exchange.kind:
            case "ask":
                job = self._scheduler.ask()
                if not isinstance(job, Job) or _job_body(job) != body["job"]:
                    raise _differs(exchange)
                self._jobs[job.number] = job
            case "tell":
                self._scheduler.tell(self._jobs[body["job"]], _outcome(body["outcome"]))
            case "program":
                request = self._scheduler.ask()
                if not isinstance(request, RunProgram) or request.number != body["number"]:
                    raise _differs(exchange)
                self._requests[request.number] = request
            case "programmed":
                text = body["assignment"]
                assignment = None if text is None else Assignment.from_json(text)
                self._scheduler.tell_program(self._requests[body["number"]], assignment, body["message"])
            case "confirmed":
                self._scheduler.tell_confirmation(Assignment.from_json(body["assignment"]), body["mean"])
            case "budget":
                self._scheduler.set_budget(body["trials"])
            case "epochs":
                self._scheduler.set_most_epochs(body["maximum"])
            case "close":
                self._scheduler.close(body["reason"])
            case unknown:
                raise PushtuneError(f"the ledger holds an exchange of kind {unknown!r}", fix=_FRESH)


_FRESH = "it was written by another version of pushtune: start anew with --fresh"


def _differs(exchange: Exchange) -> PushtuneError:
    return PushtuneError(
        f"replaying the search gave another answer than was recorded (exchange {exchange.number})", fix=_FRESH
    )


def outcome_of(trial: TrialRow) -> Outcome:
    """Return the outcome that a trial's row records."""
    return Outcome(
        OutcomeKind(trial.state.value),
        trial.value,
        trial.report,
        trial.epochs,
        trial.curve,
        trial.seconds,
        trial.message,
    )


def _job_body(job: Job) -> dict[str, Any]:
    return {**vars(job), "assignment": job.assignment.to_json()}


def _outcome(body: dict[str, Any]) -> Outcome:
    return Outcome(**{**body, "kind": OutcomeKind(body["kind"]), "curve": tuple(body["curve"])})
