"""What ran out of memory teaches the search: larger candidates become unlikely."""

from __future__ import annotations

import math

import pytest

from pushtune.model.jobs import Job, Outcome, OutcomeKind
from pushtune.model.space import Assignment, Domain, Parameter, Space
from pushtune.testing.strategy_conformance import Drive
from pushtune.tune.out_of_memory import is_too_large
from pushtune.tune.scheduler import Scheduler
from pushtune.tune.settings import SearchSettings
from pushtune.tune.study import Study

UNITS = Parameter("units", "units", Domain("int", 8, 512, log=True), 64)
BATCH = Parameter("batch", "batch_size", Domain("int", 8, 256, log=True), 32)
RATE = Parameter("rate", "learning_rate", Domain("float", 1e-5, 1e-1, log=True), 1e-3)
SPACE = Space((UNITS, BATCH, RATE), None)
ROOM = 2 * 64 * 32


def _size(assignment: Assignment) -> int:
    units, batch = assignment.get("units", 64), assignment.get("batch", 32)
    assert isinstance(units, int)
    assert isinstance(batch, int)
    return units * batch


def bigger_is_better_until_memory_ends(job: Job) -> Outcome:
    if _size(job.assignment) > ROOM:
        return Outcome(OutcomeKind.OUT_OF_MEMORY, message="it used 2 GiB (limit 1 GiB)")
    value = math.log(_size(job.assignment)) / 20
    return Outcome(OutcomeKind.FINISHED, value, value, 1, (value,), 1.0)


def _ran_out(seeds: int) -> int:
    """Return how many candidates run out of memory once the first steps are behind."""
    ended: list[bool] = []
    for seed in range(seeds):
        settings = SearchSettings(trials=30, patience=100, seed=seed, rungs=False)
        baseline = bigger_is_better_until_memory_ends(Job(0, 0, Assignment(), 0, None, finish=True))
        scheduler = Scheduler(SPACE, "max", None, settings, baseline)
        driven = Drive(scheduler, train=bigger_is_better_until_memory_ends).to_the_end()
        ended += [_size(job.assignment) > ROOM for job in driven.jobs if job.trial > 10]
    return sum(ended)


def test_few_candidates_run_out_of_memory_though_the_best_lie_beside_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learned = _ran_out(4)
    monkeypatch.setattr("pushtune.tune.proposals.is_too_large", lambda study, proposal: False)
    assert learned <= 0.6 * _ran_out(4)


def _study(*told: tuple[dict[str, int], OutcomeKind]) -> Study:
    """Return a search that was told how candidates of these sizes ended."""
    study = Study(SPACE, "max", None, SearchSettings(trials=9), Outcome(OutcomeKind.FINISHED, 0.5))
    for number, (values, kind) in enumerate(told, start=1):
        job = Job(number, number, Assignment.of(dict(values)), 0, None, finish=True)
        study.begin(job)
        study.tell(job, Outcome(kind, 0.5 if kind is OutcomeKind.FINISHED else None))
    return study


def test_a_narrower_layer_makes_room_for_a_larger_batch() -> None:
    study = _study(({"units": 256}, OutcomeKind.OUT_OF_MEMORY))
    assert is_too_large(study, Assignment.of({"units": 256, "rate": 0.01}))
    assert is_too_large(study, Assignment.of({"units": 128, "batch": 128}))
    assert not is_too_large(study, Assignment.of({"units": 128}))
    assert not is_too_large(study, Assignment.of({"units": 512, "batch": 8}))


def test_what_ran_out_though_larger_ones_fit_says_nothing() -> None:
    moment = ({"units": 72}, OutcomeKind.OUT_OF_MEMORY)
    assert is_too_large(_study(moment), Assignment.of({"units": 128}))
    fitted = _study(moment, ({"units": 256}, OutcomeKind.FINISHED))
    assert not is_too_large(fitted, Assignment.of({"units": 512}))


def test_nothing_is_too_large_where_nothing_ran_out() -> None:
    assert not is_too_large(_study(), Assignment.of({"units": 512, "batch": 256}))
