"""Who goes on from which rung."""

import pytest

from pushtune.model.jobs import Job, Outcome, OutcomeKind
from pushtune.model.space import Assignment, Domain, Epochs, Parameter, Space
from pushtune.tune.rungs import next_rung, promotable, rungs
from pushtune.tune.settings import SearchSettings
from pushtune.tune.study import Study

SPACE = Space((Parameter("units", "units", Domain("int", 1, 999), 1),), Epochs("epochs", 1, 27))


@pytest.mark.parametrize(
    ("maximum", "expected"),
    [
        (1, (1,)),
        (2, (1, 2)),
        (4, (1, 4)),
        (5, (1, 3, 5)),
        (9, (1, 3, 9)),
        (10, (1, 3, 10)),
        (27, (1, 3, 9, 27)),
        (30, (1, 3, 9, 30)),
        (50, (1, 3, 9, 27, 50)),
    ],
)
def test_rungs_grow_threefold_and_end_at_the_maximum(maximum: int, expected: tuple[int, ...]) -> None:
    assert rungs(maximum, eta=3) == expected


def paused(*curves: tuple[float, ...]) -> Study:
    """Return a study whose trials paused with these curves."""
    study = Study(SPACE, "max", None, SearchSettings(), Outcome(OutcomeKind.FINISHED, 0.1, epochs=1))
    for number, curve in enumerate(curves, start=1):
        assignment = Assignment.of({"units": number + 1, "epochs": 27})
        epoch = 0
        for rung in (1, 3, 9):
            if rung <= len(curve):
                job = Job(study.asks, number, assignment, epoch, rung, finish=False)
                study.begin(job)
                value = curve[rung - 1]
                study.tell(job, Outcome(OutcomeKind.PAUSED, value, epochs=rung, curve=curve[:rung]))
                epoch = rung
    return study


def promoted(study: Study) -> int | None:
    trial = promotable(study)
    return None if trial is None else trial.number


def test_two_are_too_few_to_choose_from() -> None:
    assert promoted(paused((0.5,), (0.6,))) is None


def test_the_best_of_three_goes_on() -> None:
    assert promoted(paused((0.5,), (0.6,), (0.4,))) == 2


def test_on_a_tie_the_older_goes_on() -> None:
    assert promoted(paused((0.6,), (0.6,), (0.6,))) == 1


def test_the_higher_rung_comes_first() -> None:
    at_three = (0.3, 0.4, 0.5)
    assert promoted(paused(at_three, (0.2, 0.4, 0.6), at_three, (0.9,), (0.8,), (0.7,))) == 2


def test_one_whose_curve_has_passed_its_best_is_passed_over() -> None:
    falling = (0.9, 0.8, 0.7)
    assert promoted(paused(falling, (0.3, 0.4, 0.5), (0.3, 0.4, 0.5))) is None


def test_one_that_is_running_is_not_promoted_twice() -> None:
    study = paused((0.5,), (0.6,), (0.4,))
    study.begin(Job(study.asks, 2, Assignment.of({"units": 3, "epochs": 27}), 1, 3, finish=False))
    assert promoted(study) is None


def test_more_epochs_for_later_trials_leave_the_earlier_ones_with_what_their_source_says() -> None:
    study = paused((0.5,))
    study.set_most_epochs(60)
    assert [next_rung(study, study.trials[1])] == [3]
    trial = study.trials[1]
    trial.epoch = 9
    assert next_rung(study, trial) == 27  # all that its source says
    trial.epoch = 27
    assert next_rung(study, trial) is None


def test_fewer_epochs_for_later_trials_end_the_earlier_ones_there() -> None:
    study = paused((0.5,))
    study.set_most_epochs(5)
    trial = study.trials[1]
    trial.epoch = 3
    assert next_rung(study, trial) == 5
    trial.epoch = 5
    assert next_rung(study, trial) is None
