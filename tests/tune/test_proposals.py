"""What is tried after the first trials: sums of what helped, and a sampler's ideas in small doses."""

import random

from pushtune.model.jobs import Job, Outcome, OutcomeKind
from pushtune.model.space import Assignment, Domain, Epochs, Parameter, Space
from pushtune.tune.merging import merged
from pushtune.tune.proposals import CHANGED, blended
from pushtune.tune.settings import SearchSettings
from pushtune.tune.study import Study

MANY = tuple(Parameter(f"p{i}", "units", Domain("int", 1, 100), 10) for i in range(20))


def study_of(*told: tuple[dict[str, int], float]) -> Study:
    """Return a study whose trial 1 is the author's script; each of ``told`` is another and its value."""
    epochs = Epochs("epochs", author=1, maximum=9)
    baseline = Outcome(OutcomeKind.FINISHED, 0.5, 0.5, 1, (0.5,), seconds=1.0)
    study = Study(Space(MANY, epochs), "max", None, SearchSettings(trials=30), baseline)
    for number, (values, value) in enumerate([({}, 0.5), *told], start=1):
        job = Job(study.asks, number, Assignment.of({**values, "epochs": 9}), 0, 1, finish=False)
        study.begin(job)
        study.tell(job, Outcome(OutcomeKind.PAUSED, value, value, 1, (value,), seconds=1.0))
    return study


def test_what_helped_apart_is_put_together() -> None:
    study = study_of(({"p1": 20}, 0.6), ({"p2": 30}, 0.55), ({"p3": 40}, 0.4))
    assert merged(study) == Assignment.of({"p1": 20, "p2": 30})


def test_where_two_disagree_the_better_one_counts() -> None:
    study = study_of(({"p1": 20, "p3": 40}, 0.6), ({"p1": 5, "p2": 30}, 0.7))
    assert merged(study) == Assignment.of({"p1": 5, "p2": 30, "p3": 40})


def test_nothing_is_put_together_where_nothing_helped_or_it_was_tried() -> None:
    assert merged(study_of(({"p1": 20}, 0.5), ({"p2": 30}, 0.4))) is None
    assert merged(study_of(({"p1": 20}, 0.6))) is None


def test_a_samplers_proposal_changes_a_leader_in_a_few_values_only() -> None:
    study = study_of(({"p1": 20}, 0.6))
    proposal = Assignment.of({item.name: 77 for item in MANY})
    found = blended(study, study.trials[2], proposal, random.Random(0)).as_dict()
    assert sum(value == 77 for value in found.values()) == CHANGED
    assert found["p1"] in (20, 77)


def test_in_a_small_difference_the_proposal_is_taken_whole() -> None:
    study = study_of(({"p1": 20}, 0.6))
    proposal = Assignment.of({"p1": 3, "p2": 4})
    found = blended(study, study.trials[2], proposal, random.Random(0)).as_dict()
    assert (found["p1"], found["p2"]) == (3, 4)
