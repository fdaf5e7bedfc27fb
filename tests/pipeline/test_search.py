"""The search is rebuilt from the ledger: after any kill it goes on as though nothing had happened."""

from __future__ import annotations

from pathlib import Path

import pytest

from pushtune.errors import PushtuneError
from pushtune.ledger import Ledger, StudyRow, Trials
from pushtune.model.jobs import Job, Outcome, OutcomeKind, Stop
from pushtune.model.space import Domain, Epochs, Parameter, Space
from pushtune.model.states import TrialState
from pushtune.pipeline.costs import first_rung, span
from pushtune.pipeline.search import Search
from pushtune.tune.scheduler import Scheduler
from pushtune.tune.settings import SearchSettings

SPACE = Space(
    (
        Parameter("units", "units", Domain("int", 8, 512, log=True), 64),
        Parameter("optimizer", "optimizer", Domain("categorical", choices=("adam", "sgd")), "adam"),
    ),
    Epochs("epochs", 3, 9),
)


@pytest.fixture
def trials(tmp_path: Path) -> Trials:
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.studies.create(StudyRow("s", "k", "/", "t.py", ".", (), None, None, "auto", 0, 1.0))
    return ledger.trials("s")


def search(trials: Trials, *, budget: int = 6, seed: int = 0) -> Search:
    settings = SearchSettings(trials=budget, seed=seed)
    baseline = Outcome(OutcomeKind.FINISHED, 0.5, 0.5, 3, (0.3, 0.4, 0.5))
    return Search(trials, Scheduler(SPACE, "max", None, settings, baseline), seed=0)


def train(trials: Trials, job: Job) -> None:
    """Do what the reconciler does, by a formula: more units and more epochs are better."""
    units = job.assignment.get("units", 64)
    assert isinstance(units, int)
    assert job.to_epoch is not None
    curve = tuple(0.3 + units / 2000 + 0.02 * epoch for epoch in range(1, job.to_epoch + 1))
    kind = OutcomeKind.FINISHED if job.finish else OutcomeKind.PAUSED
    if trials.get(job.trial).state is TrialState.WANTED:  # type: ignore[union-attr]
        trials.move(job.trial, TrialState.RUNNING)
    trials.conclude(job.trial, Outcome(kind, curve[-1], None, job.to_epoch, curve, 1.0), now=2.0, memory=0)


def drive(trials: Trials, searches: list[Search], rebuild: int) -> list[Job]:
    """Drive to the end; every ``rebuild`` asks a new process takes over."""
    jobs: list[Job] = []
    current = searches[0]
    while not isinstance(answer := current.ask(now=1.0), Stop):
        assert isinstance(answer, Job)
        jobs.append(answer)
        if rebuild and len(jobs) % rebuild == 0:
            current = search(trials)
        train(trials, answer)
        row = trials.get(answer.trial)
        assert row is not None
        current.tell(row)
    return jobs


@pytest.mark.parametrize("rebuild", [1, 2, 5])
def test_killed_between_any_ask_and_its_answer_the_same_jobs_follow(tmp_path: Path, rebuild: int) -> None:
    runs = []
    for name, every in (("whole", 0), ("killed", rebuild)):
        ledger = Ledger(tmp_path / f"{name}.db")
        ledger.studies.create(StudyRow("s", "k", "/", "t.py", ".", (), None, None, "auto", 0, 1.0))
        trials = ledger.trials("s")
        runs.append(drive(trials, [search(trials)], every))
    assert runs[0] == runs[1]
    assert len({job.trial for job in runs[0]}) >= 6


def test_a_confirmation_a_larger_budget_and_a_close_are_remembered(trials: Trials) -> None:
    first = search(trials)
    drive(trials, [first], 0)
    best = first.best()
    assert best is not None
    first.tell_confirmation(best.assignment, 0.1)
    first.set_budget(8)
    first.close("time is up")
    again = search(trials)
    assert again.best() == first.best()
    assert again.best() != best
    assert again.history() == first.history()


def test_another_number_of_epochs_is_for_the_trials_to_come_and_is_remembered(trials: Trials) -> None:
    first = search(trials)
    assert first.most_epochs_set() is None
    old = first.ask(now=1.0)
    first.set_most_epochs(20)
    new = first.ask(now=1.0)
    assert isinstance(old, Job)
    assert isinstance(new, Job)
    assert [job.assignment.get("epochs") for job in (old, new)] == [9, 20]
    again = search(trials)
    assert again.most_epochs_set() == 20
    third = again.ask(now=1.0)
    assert isinstance(third, Job)
    assert third.assignment.get("epochs") == 20


def test_a_ledger_of_another_search_is_refused_not_followed(trials: Trials) -> None:
    drive(trials, [search(trials)], 0)
    with pytest.raises(PushtuneError, match="replaying the search gave another answer"):
        search(trials, seed=99)


@pytest.mark.parametrize(("steps", "rung"), [(None, 1), (422, 1), (150, 3), (54, 9), (20, 27), (1, 27)])
def test_trials_are_first_compared_after_some_hundred_steps(steps: int | None, rung: int) -> None:
    assert first_rung(steps, 30) == rung


@pytest.mark.parametrize(("maximum", "rung"), [(9, 1), (81, 1), (100, 3), (800, 27), (2000, 27)])
def test_of_hundreds_of_rounds_the_first_few_are_passed_over(maximum: int, rung: int) -> None:
    assert first_rung(None, maximum) == rung


def test_times_are_said_as_people_say_them() -> None:
    assert (span(42), span(600), span(7200)) == ("42 s", "10 min", "2.0 h")
