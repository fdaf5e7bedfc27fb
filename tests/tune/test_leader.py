"""Who leads, and what is asked of a script whose curve cannot be cut short."""

from pushtune.model.jobs import Job, Outcome, OutcomeKind
from pushtune.model.space import Assignment, Domain, Parameter, Space
from pushtune.testing.strategy_conformance import Drive
from pushtune.tune.scheduler import Scheduler
from pushtune.tune.settings import SearchSettings

UNITS = Parameter("units", "units", Domain("int", 8, 512, log=True), 64)


def learn(job: Job) -> Outcome:
    """A script that trains several times: its curve is best in the middle, and ends with what it reports."""
    units = job.assignment.get("units", 64)
    assert isinstance(units, int)
    value = 0.5 + units / 10000
    return Outcome(OutcomeKind.FINISHED, value, value, 3, (0.6, 0.99, value), seconds=1.0)


def test_a_script_without_a_number_of_epochs_is_not_trained_anew_for_its_best_one() -> None:
    settings = SearchSettings(trials=4)
    began = learn(Job(0, 0, Assignment(), 0, None, finish=True))
    scheduler = Scheduler(Space((UNITS,), None), "max", None, settings, began)
    driven = Drive(scheduler, train=learn).to_the_end()
    assert len(driven.jobs) == 4
    best = driven.scheduler.best()
    assert best is not None
    assert best.trained
