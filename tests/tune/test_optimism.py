"""What the search expects of a candidate, from those whose real value is known."""

from __future__ import annotations

import pytest

from pushtune.model.jobs import Job, Outcome, OutcomeKind, Stop
from pushtune.model.space import Assignment, Domain, Epochs, Parameter, Space
from pushtune.model.target import Target
from pushtune.tune.ending import target_met
from pushtune.tune.leader import challenger
from pushtune.tune.optimism import optimism
from pushtune.tune.settings import SearchSettings
from pushtune.tune.study import Study

SPACE = Space((Parameter("units", "units", Domain("int", 8, 512, log=True), 64),), Epochs("epochs", 2, 9))


def study_of(baseline: Outcome, *seen: float) -> Study:
    """Return a study of trials 1, 2, … that each ended after three epochs with these values."""
    study = Study(SPACE, "max", Target("accuracy", 0.9, "max"), SearchSettings(), baseline)
    for number, value in enumerate(seen, start=1):
        job = Job(study.asks, number, Assignment.of({"units": 64 + number, "epochs": 3}), 0, 3, finish=True)
        study.begin(job)
        study.tell(job, Outcome(OutcomeKind.FINISHED, value, value, 3, (value, value, value)))
    return study


def confirm(study: Study, number: int, mean: float) -> None:
    study.confirm(study.source(study.trials[number], 3), mean)


def test_half_of_what_the_baseline_shows_is_expected_of_others() -> None:
    study = study_of(Outcome(OutcomeKind.FINISHED, 0.86, 0.85, 2), 0.905)
    assert optimism(study, study.trials[1]) == pytest.approx(0.005)
    assert optimism(study, study.trials[0]) == pytest.approx(0.01)


def test_a_baseline_that_was_better_than_it_looked_lowers_no_bar() -> None:
    study = study_of(Outcome(OutcomeKind.FINISHED, 0.85, 0.86, 2), 0.905)
    assert optimism(study, study.trials[1]) == 0.0


def test_each_confirmation_is_one_more_observation() -> None:
    study = study_of(Outcome(OutcomeKind.FINISHED, 0.85, 0.85, 2), 0.93, 0.92)
    confirm(study, 1, 0.90)
    assert optimism(study, study.trials[1]) == pytest.approx(0.03)  # its own
    assert optimism(study, study.trials[2]) == pytest.approx(0.03 / 3)  # of two known, and one without any


def test_what_lost_its_lead_in_a_confirmation_is_not_taken_for_better_with_fewer_epochs() -> None:
    """Its curve still shows the lucky numbers; the same configuration expects the same luck at each epoch."""
    study = study_of(Outcome(OutcomeKind.FINISHED, 0.85, 0.85, 2), 0.93, 0.92)
    confirm(study, 1, 0.90)
    best = challenger(study)
    assert best is not None
    assert best.trial.number == 2


def test_a_target_is_met_only_by_what_is_expected_to_keep_it() -> None:
    flattering = Outcome(OutcomeKind.FINISHED, 0.86, 0.84, 2)
    assert target_met(study_of(flattering, 0.905)) is None
    assert target_met(study_of(flattering, 0.915)) == Stop("target met by trial 1: 0.915")
