"""What a developer sees of the default search: what it tries first, how it spends epochs, when it stops."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

from pushtune.model.jobs import Job, Outcome, OutcomeKind, Stop, Wait
from pushtune.model.space import Assignment, Condition, Domain, Epochs, Parameter, Space
from pushtune.model.target import Target
from pushtune.testing.strategy_conformance import SPACE as MIXED
from pushtune.testing.strategy_conformance import Drive, baseline, train
from pushtune.tune.scheduler import Scheduler
from pushtune.tune.settings import SearchSettings

UNITS = Parameter("units", "units", Domain("int", 8, 512, log=True), 64)
Curve = Callable[[Assignment, int], float]


def search(
    curve: Curve,
    *,
    epochs: Epochs | None = None,
    parameters: Sequence[Parameter] = (UNITS,),
    target: float | None = None,
    with_curve: bool = True,
    **settings: int,
) -> Drive:
    """Return a search whose trials learn along ``curve(assignment, epoch)``, not yet driven."""
    budget = epochs or Epochs("epochs", author=2, maximum=9)

    def learn(job: Job) -> Outcome:
        count = budget.author if job.to_epoch is None else job.to_epoch
        values = tuple(curve(job.assignment, epoch) for epoch in range(1, count + 1))
        kind = OutcomeKind.FINISHED if job.finish else OutcomeKind.PAUSED
        return Outcome(kind, values[-1], values[-1], count, values if with_curve else (), seconds=1.0)

    began = learn(Job(0, 0, Assignment(), 0, budget.author, finish=True))
    wanted = None if target is None else Target("accuracy", target, "max")
    chosen = SearchSettings(**{"trials": 6, **settings})  # type: ignore[arg-type]
    return Drive(Scheduler(Space(tuple(parameters), budget), "max", wanted, chosen, began), train=learn)


def rising(assignment: Assignment, epoch: int) -> float:
    return 0.5 + 0.03 * epoch + _units(assignment) / 10000


def peaking(assignment: Assignment, epoch: int) -> float:
    """Best after four epochs, worse after."""
    return 0.8 - 0.02 * abs(epoch - 4) + _units(assignment) / 10000


def _units(assignment: Assignment) -> int:
    units = assignment.get("units", 64)
    assert isinstance(units, int)
    return units


def test_the_authors_values_come_first_with_the_most_epochs() -> None:
    first = search(rising).scheduler.ask()
    assert first == Job(0, 1, Assignment.of({"epochs": 9}), 0, 1, finish=False)


def test_the_authors_values_are_not_tried_again_where_the_baseline_is_that_already() -> None:
    first = search(rising, epochs=Epochs("epochs", 9, 9)).scheduler.ask()
    assert isinstance(first, Job)
    assert first.assignment.get("units") is not None


def test_a_block_is_repeated_among_the_first_trials() -> None:
    driven = Drive(Scheduler(MIXED, "max", None, SearchSettings(trials=4), baseline())).to_the_end()
    copies = [job.assignment.get("copies", 1) for job in driven.jobs if job.trial <= 4]
    assert max(int(str(count)) for count in copies) > 1


def test_while_the_curve_rises_the_leader_gets_every_epoch() -> None:
    driven = search(rising).to_the_end()
    best = driven.scheduler.best()
    assert best is not None
    assert (best.epochs, best.trained) == (9, True)
    assert best.assignment.get("epochs") == 9


def test_the_winner_gets_the_epochs_at_which_it_is_best_and_is_trained_with_exactly_these() -> None:
    driven = search(peaking).to_the_end()
    best, last = driven.scheduler.best(), driven.jobs[-1]
    assert best is not None
    assert (best.epochs, best.trained) == (4, True)
    assert (last.from_epoch, last.to_epoch, last.finish) == (0, 4, True)
    assert last.assignment == best.assignment
    assert last.assignment.get("epochs") == 4


def flat_from_four(assignment: Assignment, epoch: int) -> float:
    """All is learned after four epochs; the ninth is better by a hair, as noise has it."""
    noise = (0.0, 0.001, -0.001, 0.0005, -0.0005, 0.001, -0.001, 0.0005, 0.0015)
    return 0.8 - 0.1 * max(0, 4 - epoch) + noise[epoch - 1] + _units(assignment) / 10000


def test_on_a_plateau_the_winner_gets_the_fewer_epochs() -> None:
    best = search(flat_from_four).to_the_end().scheduler.best()
    assert best is not None
    assert best.trained
    assert best.epochs is not None
    assert best.epochs <= 5


def test_a_second_training_is_no_new_configuration() -> None:
    driven = search(peaking, trials=3).to_the_end()
    assert max(job.trial for job in driven.jobs) == 4


def test_where_a_prefix_is_not_the_shorter_run_the_shorter_run_is_trained() -> None:
    epochs = Epochs("epochs", 2, 27, prefix_exact=False)
    last = search(rising, epochs=epochs, target=0.58).to_the_end().jobs[-1]
    assert (last.from_epoch, last.finish) == (0, True)
    assert last.to_epoch == last.assignment.get("epochs")
    assert last.to_epoch in (1, 3, 9)


def take(driven: Drive, jobs: int) -> None:
    """Drive until so many jobs were handed out."""
    while len(driven.jobs) < jobs:
        answer = driven.scheduler.ask()
        assert not isinstance(answer, Stop)
        driven._take(answer)


def test_the_authors_values_get_their_epochs_even_while_the_baseline_is_ahead() -> None:
    driven = search(rising, trials=1).to_the_end()
    best = driven.scheduler.best()
    assert [job.to_epoch for job in driven.jobs] == [1, 3, 9]
    assert best is not None
    assert best.assignment == Assignment.of({"epochs": 9})


def test_when_time_is_up_the_leader_still_gets_its_last_epochs_if_no_trial_has_had_them() -> None:
    driven = search(rising, trials=1)
    take(driven, 2)
    driven.do(lambda scheduler: scheduler.close("time is up"))
    assert driven.scheduler.ask() == Job(2, 1, Assignment.of({"epochs": 9}), 3, 9, finish=True)


def test_one_lucky_epoch_does_not_meet_the_target() -> None:
    def lucky(assignment: Assignment, epoch: int) -> float:
        return 0.9 if epoch == 3 else 0.5

    driven = search(lucky, target=0.8, trials=3).to_the_end()
    assert driven.stop is not None
    assert "target met" not in driven.stop.reason


def test_what_meets_the_target_at_a_rung_is_ended_there_first() -> None:
    driven = search(rising, target=0.58).to_the_end()
    best = driven.scheduler.best()
    assert best is not None
    assert driven.stop == Stop(f"target met by trial {best.trial}: {best.value:.4g}")
    assert (best.epochs, best.trained) == (3, True)


def test_what_meets_the_target_as_it_was_trained_is_not_trained_anew_for_its_best_epoch() -> None:
    driven = search(rising, target=0.78)
    job = driven.scheduler.ask()
    assert isinstance(job, Job)
    curve = (0.60, 0.65, 0.70, 0.75, 0.78, 0.80, 0.80, 0.79, 0.79)
    driven.scheduler.tell(job, Outcome(OutcomeKind.FINISHED, curve[-1], curve[-1], 9, curve))
    assert isinstance(driven.scheduler.ask(), Stop)
    best = driven.scheduler.best()
    assert best is not None
    assert (best.epochs, best.trained) == (9, True)


def test_what_missed_on_confirmation_is_tried_with_more_epochs() -> None:
    driven = search(rising, target=0.58).to_the_end()
    best = driven.scheduler.best()
    assert best is not None
    driven.do(lambda scheduler: scheduler.tell_confirmation(best.assignment, 0.57))
    job = driven.scheduler.ask()
    assert isinstance(job, Job)
    assert job.assignment == best.assignment.with_value("epochs", 9)
    assert (job.from_epoch, job.finish) == (0, True) or job.to_epoch == 9


def test_a_proxy_is_compared_but_never_the_best() -> None:
    driven = search(rising, with_curve=False, trials=9)
    for _ in range(8):
        driven._take(driven.scheduler.ask())
    waiting = driven.scheduler.best()
    assert waiting is not None
    assert waiting.trial == 0
    driven.to_the_end()
    best = driven.scheduler.best()
    assert best is not None
    assert best.trial > 0
    assert best.trained
    ended = {job.trial for job in driven.jobs if job.finish and job.from_epoch > 0}
    assert len(ended) >= 3


def test_a_proxy_that_meets_the_target_is_shown_once_where_shorter_runs_differ() -> None:
    inexact = Epochs("epochs", 2, 9, prefix_exact=False)
    driven = search(rising, epochs=inexact, with_curve=False, trials=9, target=0.52)
    learn = driven.train

    def disappoint(job: Job) -> Outcome:
        seen = learn(job)
        return replace(seen, value=0.4, report=0.4) if job.finish else seen

    driven.train = disappoint
    assert driven.to_the_end().stop == Stop("budget of 9 trials is used")
    trained_anew = [job.assignment for job in driven.jobs if job.from_epoch == 0 and job.finish]
    assert trained_anew
    assert len(set(trained_anew)) == len(trained_anew)


def test_out_of_time_only_the_first_of_the_proxies_is_ended() -> None:
    inexact = Epochs("epochs", 2, 9, prefix_exact=False)
    driven = search(rising, epochs=inexact, with_curve=False, trials=9)
    take(driven, 5)
    before = len(driven.jobs)
    driven.do(lambda scheduler: scheduler.close("time is up"))
    assert driven.to_the_end().stop == Stop("time is up")
    assert len(driven.jobs) == before + 1


def test_without_rungs_each_trial_is_one_piece_with_the_authors_epochs() -> None:
    driven = search(rising, epochs=Epochs("epochs", 2, 9, rungs=False)).to_the_end()
    assert len(driven.jobs) == 6
    for job in driven.jobs:
        assert (job.from_epoch, job.to_epoch, job.finish) == (0, None, True)
        assert job.assignment.get("epochs") is None


def test_less_can_be_better() -> None:
    settings = SearchSettings(trials=10)
    space = Space((UNITS,))
    scheduler = Scheduler(space, "min", Target("loss", 0.0001, "min"), settings, _loss(Assignment()))
    driven = Drive(scheduler, train=lambda job: _loss(job.assignment)).to_the_end()
    best = driven.scheduler.best()
    assert best is not None
    assert best.value == min(row.value for row in scheduler.history() if row.value is not None)
    assert _units(best.assignment) < 64


def _loss(assignment: Assignment) -> Outcome:
    return Outcome(OutcomeKind.FINISHED, _units(assignment) / 100)


def test_it_gives_up_when_nothing_better_comes() -> None:
    driven = search(lambda assignment, epoch: 0.5, trials=40, patience=5).to_the_end()
    assert driven.stop == Stop("nothing better in 5 trials")


def test_trials_are_not_given_up_because_the_author_trained_for_longer() -> None:
    driven = search(rising, epochs=Epochs("epochs", 20, 27), trials=12, patience=5).to_the_end()
    assert len({job.trial for job in driven.jobs}) > 6


def test_a_small_space_is_tried_out() -> None:
    choice = Parameter("shape", "shape", Domain("categorical", choices=("a", "b", "c")), "b")
    driven = search(rising, parameters=(choice,), trials=40, patience=40).to_the_end()
    assert driven.stop == Stop("every configuration was tried")
    assert {job.assignment.get("shape", "b") for job in driven.jobs} == {"a", "b", "c"}


def test_with_nothing_to_vary_but_epochs_only_epochs_vary() -> None:
    driven = search(rising, parameters=()).to_the_end()
    best = driven.scheduler.best()
    assert best is not None
    assert best.assignment == Assignment.of({"epochs": 9})


def test_when_every_trial_fails_the_authors_script_stays_the_best() -> None:
    failing = search(rising)
    failing.train = lambda job: Outcome(OutcomeKind.FAILED, message="no")
    best = failing.to_the_end().scheduler.best()
    assert best is not None
    assert (best.trial, best.trained) == (0, True)


def test_a_script_that_stops_by_itself_keeps_the_epochs_it_said() -> None:
    driven = search(rising, trials=1)
    job = driven.scheduler.ask()
    assert isinstance(job, Job)
    ended = Outcome(OutcomeKind.FINISHED, 0.9, 0.9, 1, (0.9,))
    driven.scheduler.tell(job, ended)
    best = driven.scheduler.best()
    assert best is not None
    assert (best.trial, best.epochs, best.trained) == (1, 9, True)


def test_one_that_was_pruned_from_outside_is_not_gone_on_with() -> None:
    driven = search(rising, trials=1)
    driven._take(driven.scheduler.ask())
    job = driven.scheduler.ask()
    assert isinstance(job, Job)
    driven.scheduler.tell(job, Outcome(OutcomeKind.PRUNED))
    answer = driven.scheduler.ask()
    assert not isinstance(answer, Job) or answer.from_epoch == 0


def test_what_was_cut_short_for_a_candidate_that_then_missed_is_started_again_first() -> None:
    driven = search(rising, trials=6)
    take(driven, 1)
    tried = []
    for _ in range(3):
        job = driven.scheduler.ask()
        assert isinstance(job, Job)
        tried.append(job.assignment)
        driven.scheduler.tell(job, Outcome(OutcomeKind.PRUNED))
    assert tried[0] == tried[1]
    assert tried[2] != tried[1], "twice at most"


def test_nothing_runs_for_a_wait_but_what_is_out() -> None:
    driven = search(rising, trials=2)
    assert isinstance(driven.scheduler.ask(), Job)
    assert isinstance(driven.scheduler.ask(), Job)
    assert driven.scheduler.ask() == Wait()


def test_proposals_stay_in_their_domains_and_respect_conditions() -> None:
    driven = Drive(Scheduler(MIXED, "max", None, SearchSettings(trials=30, patience=30), baseline()))
    for job in driven.to_the_end().jobs:
        values = job.assignment.as_dict()
        values.pop("epochs", None)
        for name, value in values.items():
            assert MIXED.parameter(name).domain.contains(value)
        assert "momentum" not in values or values["optimizer"] == "sgd"


def test_an_authors_value_outside_its_range_is_no_obstacle() -> None:
    depth = Parameter("depth", "max_depth", Domain("int", 1, 32, log=True), None)
    driven = search(rising, parameters=(depth, UNITS), trials=16, patience=16).to_the_end()
    assert len({job.assignment.get("depth") for job in driven.jobs}) > 4


def test_what_mostly_decides_is_tried_before_what_helps_a_little() -> None:
    small = [Parameter(f"s{i}", "smoothing", Domain("float", 0.0, 1.0), 0.0) for i in range(20)]
    driven = search(rising, parameters=(*small, UNITS)).scheduler
    first, second = driven.ask(), driven.ask()
    assert isinstance(first, Job)
    assert isinstance(second, Job)
    assert second.assignment.get("units") is not None


def test_a_condition_of_a_condition_is_respected() -> None:
    first = Parameter("a", "a", Domain("categorical", choices=(False, True)), False)
    second = Parameter("b", "b", Domain("categorical", choices=(1, 2)), 1, Condition("a", (True,)))
    third = Parameter("c", "c", Domain("float", 0.0, 1.0), 0.5, Condition("b", (2,)))
    driven = search(rising, parameters=(third, second, first), trials=25, patience=25).to_the_end()
    chosen = [job.assignment.as_dict() for job in driven.jobs]
    assert any("c" in values for values in chosen)
    assert all(values.get("b") == 2 and values.get("a") is True for values in chosen if "c" in values)


def test_it_finds_a_better_model_than_the_authors() -> None:
    driven = Drive(Scheduler(MIXED, "max", None, SearchSettings(trials=20), baseline())).to_the_end()
    best = driven.scheduler.best()
    alone = train(Job(0, 1, Assignment(), 0, 9, finish=True)).value
    assert best is not None
    assert alone is not None
    assert best.value > alone + 0.02


def test_reading_a_script_does_not_pay_for_optuna() -> None:
    code = "import sys, pushtune.tune.scheduler; sys.exit('optuna' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
