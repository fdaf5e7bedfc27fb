"""The original rule, and the developer's own tweak program."""

from pushtune.model.jobs import Job, Outcome, OutcomeKind, RunProgram, Stop, Wait
from pushtune.model.space import Assignment, Domain, Parameter, Space
from pushtune.tune.scheduler import Scheduler
from pushtune.tune.settings import SearchSettings

SPACE = Space(
    (
        Parameter("filters", "filters", Domain("int", 8, 128, log=True), 32),
        Parameter("units", "units", Domain("int", 16, 128, log=True), 64),
        Parameter("rate", "learning_rate", Domain("float", 1e-5, 0.1, log=True), 0.001),
        Parameter("copies", "move.copies", Domain("categorical", choices=(1, 2, 3)), 1),
    )
)
BASELINE = Outcome(OutcomeKind.FINISHED, 0.5)


def scheduler(strategy: str, trials: int = 40) -> Scheduler:
    return Scheduler(SPACE, "max", None, SearchSettings(strategy=strategy, trials=trials), BASELINE)


def finished(
    search: Scheduler, value: float | None, kind: OutcomeKind = OutcomeKind.FINISHED
) -> dict[str, object]:
    """Ask for a job, finish it with ``value`` and return what it varied."""
    job = search.ask()
    assert isinstance(job, Job)
    search.tell(job, Outcome(kind, value))
    return dict(job.assignment.as_dict())


def test_growing_doubles_widths_and_repeats_blocks_in_turn_until_nothing_is_left() -> None:
    search = scheduler("grow")
    assert finished(search, 0.6) == {"filters": 64, "units": 128}
    assert finished(search, 0.7) == {"filters": 64, "units": 128, "copies": 2}
    assert finished(search, 0.7) == {"filters": 128, "units": 128, "copies": 2}
    assert finished(search, 0.8) == {"filters": 128, "units": 128, "copies": 3}
    assert search.ask() == Stop("nothing is left to grow")


def test_growing_ends_when_the_value_falls_and_the_one_before_is_the_best() -> None:
    search = scheduler("grow")
    finished(search, 0.6)
    finished(search, 0.55)
    assert search.ask() == Stop("trial 2 is worse than the one before: growing ends")
    best = search.best()
    assert best is not None
    assert best.trial == 1


def test_growing_ends_when_a_trial_fails() -> None:
    search = scheduler("grow")
    finished(search, None, OutcomeKind.OUT_OF_MEMORY)
    assert search.ask() == Stop("trial 1 failed: growing ends")


def test_growing_is_sequential() -> None:
    search = scheduler("grow")
    assert isinstance(search.ask(), Job)
    assert search.ask() == Wait()


def asked(search: Scheduler) -> RunProgram:
    request = search.ask()
    assert isinstance(request, RunProgram)
    return request


def test_the_program_sees_what_happened_and_decides() -> None:
    search = scheduler("program")
    first = asked(search)
    assert (first.trial, [row.trial for row in first.history]) == (1, [0])
    assert search.ask() == Wait()
    search.tell_program(first, Assignment.of({"units": 100}), "")
    assert finished(search, 0.7) == {"units": 100}
    second = asked(search)
    assert [(row.trial, row.value) for row in second.history] == [(0, 0.5), (1, 0.7)]


def test_a_whole_source_is_an_answer_too() -> None:
    search = scheduler("program")
    search.tell_program(asked(search), Assignment.of({}, source="ab12"), "")
    job = search.ask()
    assert isinstance(job, Job)
    assert job.assignment.source == "ab12"


def test_a_program_that_gives_nothing_twice_ends_the_search_with_what_it_said() -> None:
    search = scheduler("program")
    search.tell_program(asked(search), None, "no idea")
    search.tell_program(asked(search), None, "still none")
    assert search.ask() == Stop("the tweak program has nothing more to try: still none")


def test_an_answer_that_was_tried_or_names_the_unknown_counts_as_none() -> None:
    search = scheduler("program")
    search.tell_program(asked(search), Assignment(), "the author's own")
    search.tell_program(asked(search), Assignment.of({"colour": 3}), "what?")
    assert isinstance(search.ask(), Stop)


def test_one_miss_is_forgiven() -> None:
    search = scheduler("program")
    search.tell_program(asked(search), None, "")
    search.tell_program(asked(search), Assignment.of({"units": 100}), "")
    finished(search, 0.4)
    search.tell_program(asked(search), None, "")
    assert isinstance(search.ask(), RunProgram)
