"""What every search strategy must do, as tests: subclass ``StrategyConformance`` and name the strategy.

The driver below plays the rest of the house: it hands out slots, trains by a formula, and writes down
every call in order, as the ledger does, so that a search can be replayed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pushtune.model.jobs import Ask, Job, Outcome, OutcomeKind, RunProgram, Stop, Wait
from pushtune.model.space import Assignment, Condition, Domain, Epochs, Parameter, Space
from pushtune.model.target import Target
from pushtune.tune.scheduler import Scheduler
from pushtune.tune.settings import SearchSettings

Train = Callable[[Job], Outcome]
Event = Callable[[Scheduler], object]
"""One call on a scheduler that changes its state; replayed in order on another."""

EPOCHS = Epochs("epochs", author=3, maximum=9)
SPACE = Space(
    (
        Parameter("units", "units", Domain("int", 8, 512, log=True), 64),
        Parameter("rate", "learning_rate", Domain("float", 1e-5, 0.1, log=True), 0.001),
        Parameter("optimizer", "move.optimizer", Domain("categorical", choices=("adam", "sgd")), "adam"),
        Parameter("momentum", "momentum", Domain("float", 0.0, 0.99), 0.0, Condition("optimizer", ("sgd",))),
        Parameter("copies", "move.copies", Domain("int", 0, 3), 1),
    ),
    EPOCHS,
)
LIMIT_OF_ASKS = 500


def goodness(assignment: Assignment, epochs: int) -> float:
    """Return a value from 0 to 1 that rises with epochs and has its best at 200 units and a rate of 0.005."""
    values = assignment.as_dict()
    units, rate, copies = values.get("units", 64), values.get("rate", 0.001), values.get("copies", 1)
    assert isinstance(units, int)
    assert isinstance(rate, float)
    assert isinstance(copies, int)
    size = abs(math.log(units / 200))
    speed = abs(math.log10(rate / 0.005))
    return 0.9 - 0.03 * size - 0.05 * speed + 0.01 * copies - 0.3 * math.exp(-epochs / 3)


def train(job: Job) -> Outcome:
    """Train by the formula, with a curve; every wide model fails, with a value nobody must believe."""
    units = job.assignment.get("units", 64)
    if isinstance(units, int) and units > 300:
        return Outcome(OutcomeKind.OUT_OF_MEMORY, value=9.9, message="killed")
    epochs = job.to_epoch or EPOCHS.author
    curve = tuple(goodness(job.assignment, epoch) for epoch in range(1, epochs + 1))
    kind = OutcomeKind.FINISHED if job.finish else OutcomeKind.PAUSED
    return Outcome(kind, curve[-1], curve[-1] if job.finish else None, epochs, curve, seconds=float(epochs))


def tweak(request: RunProgram) -> Assignment | None:
    """Return what a tweak program might: more units each time, twice nothing at the end."""
    units = 64 + 16 * request.trial
    return Assignment.of({"units": units}) if units <= 256 else None


def baseline() -> Outcome:
    """Return what the author's script comes to under ``train``."""
    return train(Job(0, 0, Assignment(), 0, EPOCHS.author, finish=True))


@dataclass
class Drive:
    """One search being driven: its answers, and the events that a ledger would hold."""

    scheduler: Scheduler
    train: Train = train
    slots: int = 1
    events: list[Event] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    out: list[Job] = field(default_factory=list)
    stop: Stop | None = None

    def to_the_end(self) -> Drive:
        """Ask and tell until the search stops. ``AssertionError`` if it does not, or waits for nothing."""
        for _ in range(LIMIT_OF_ASKS):
            answer = self.scheduler.ask()
            if isinstance(answer, Stop):
                self.stop = answer
                return self
            self._take(answer)
        raise AssertionError(f"no end after {LIMIT_OF_ASKS} asks")

    def do(self, event: Event) -> None:
        """Do and note an event."""
        event(self.scheduler)
        self.events.append(event)

    def _take(self, answer: Ask) -> None:
        if isinstance(answer, Wait):
            assert self.out, "waits although nothing is out"
        else:
            self.events.append(lambda scheduler: scheduler.ask())
        if isinstance(answer, RunProgram):
            given = tweak(answer)
            self.do(lambda scheduler: scheduler.tell_program(answer, given, "tweaked"))
        if isinstance(answer, Job):
            self.jobs.append(answer)
            self.out.append(answer)
        if self.out and (isinstance(answer, Wait) or len(self.out) >= self.slots):
            self._tell(self.out.pop(0))

    def _tell(self, job: Job) -> None:
        outcome = self.train(job)
        self.do(lambda scheduler: scheduler.tell(job, outcome))


def replay(scheduler: Scheduler, events: Sequence[Event]) -> Scheduler:
    """Do every event on a new scheduler and return it."""
    for event in events:
        event(scheduler)
    return scheduler


class StrategyConformance:
    """The tests. ``strategy`` is the name on the command line."""

    strategy: str

    def scheduler(self, trials: int = 12, target: float | None = None, *, seed: int = 0) -> Scheduler:
        """Return a new search of this strategy."""
        wanted = None if target is None else Target("accuracy", target, "max")
        settings = SearchSettings(strategy=self.strategy, trials=trials, seed=seed)
        return Scheduler(SPACE, "max", wanted, settings, baseline())

    def drive(self, trials: int = 12, target: float | None = None, *, slots: int = 1) -> Drive:
        """Return a search driven to its end."""
        return Drive(self.scheduler(trials, target), slots=slots).to_the_end()

    def test_the_same_seed_gives_the_same_search(self) -> None:
        """Two searches with one seed hand out the same jobs and find the same best."""
        one, other = self.drive(slots=2), self.drive(slots=2)
        assert one.jobs == other.jobs
        assert one.scheduler.best() == other.scheduler.best()

    def test_replaying_any_prefix_gives_the_same_state_and_the_same_next_answer(self) -> None:
        """A search killed anywhere and rebuilt from its events goes on as though nothing had happened."""
        driven = self.drive(slots=3)
        whole = self.scheduler()
        for count, event in enumerate(driven.events):
            again = replay(self.scheduler(), driven.events[:count]) if count % 4 == 0 else None
            if again is not None:
                assert again.best() == whole.best()
                assert again.history() == whole.history()
            answer = event(whole)
            if again is not None:
                assert event(again) == answer
        assert whole.ask() == driven.stop

    def test_asking_after_the_end_changes_nothing(self) -> None:
        """A stop is repeated word for word, and neither the best nor the history moves."""
        driven = self.drive()
        before = driven.scheduler.best(), driven.scheduler.history()
        assert [driven.scheduler.ask() for _ in range(3)] == [driven.stop] * 3
        assert (driven.scheduler.best(), driven.scheduler.history()) == before

    def test_waiting_changes_nothing(self) -> None:
        """Waits need not be recorded: more of them lead to the same search."""
        patient = Drive(self.scheduler(), slots=2)
        many = Drive(self.scheduler(), slots=50)
        assert patient.to_the_end().stop is not None
        assert many.to_the_end().stop is not None
        assert replay(self.scheduler(), many.events).best() == many.scheduler.best()

    def test_failures_never_win(self) -> None:
        """A trial that ran out of memory is not the best, whatever number came with it."""
        best = self.drive(trials=20).scheduler.best()
        assert best is not None
        assert best.value < 1.0

    def test_values_that_are_no_numbers_never_win(self) -> None:
        """Not-a-number and nothing leave the author's script the best."""
        for value in (math.nan, math.inf, None):
            hopeless = Drive(self.scheduler(), train=_telling(value)).to_the_end()
            best = hopeless.scheduler.best()
            assert best is not None
            assert best.trial == 0

    def test_a_trial_goes_forward_only_and_ends_its_script_once(self) -> None:
        """Each job starts where the one before paused; what is finished is not asked for again."""
        reached: dict[int, tuple[int, bool]] = {}
        for job in self.drive(trials=20, slots=2).jobs:
            epoch, finished = reached.get(job.trial, (0, False))
            assert not finished
            assert job.from_epoch == epoch
            if job.to_epoch is None:
                assert job.finish
            assert job.to_epoch is None or job.to_epoch >= epoch
            reached[job.trial] = (job.to_epoch or 0, job.finish)

    def test_trials_count_from_one_and_asks_from_zero(self) -> None:
        """Numbers have no holes: new trials take the next one, and so does each ask."""
        driven = self.drive(slots=3)
        firsts = list(dict.fromkeys(job.trial for job in driven.jobs))
        assert firsts == list(range(1, len(firsts) + 1))
        numbers = [job.number for job in driven.jobs]
        assert numbers == sorted(set(numbers))

    def test_the_budget_is_kept(self) -> None:
        """No more configurations are started than were granted, and fewer only for a reason."""
        for trials in (0, 1, 5):
            driven = self.drive(trials=trials, slots=4)
            assert len(_configurations(driven)) <= trials
            assert driven.stop is not None
            assert driven.stop.reason

    def test_several_jobs_can_be_out_but_one_a_trial(self) -> None:
        """Before anything is told, no trial is handed out twice."""
        scheduler = self.scheduler()
        out = [answer for answer in (scheduler.ask() for _ in range(4)) if isinstance(answer, Job)]
        assert len({job.trial for job in out}) == len(out)

    def test_a_larger_budget_extends_a_finished_search(self) -> None:
        """After the end more trials may be granted, and the numbering goes on."""
        driven = self.drive(trials=2)
        before = len(_configurations(driven))
        driven.do(lambda scheduler: scheduler.set_budget(4))
        driven.to_the_end()
        assert before <= 2 < len(_configurations(driven)) <= 4

    def test_closing_starts_nothing_new(self) -> None:
        """When time is up no new configuration starts, and the search ends for the reason given."""
        driven = Drive(self.scheduler())
        for _ in range(3):
            driven._take(driven.scheduler.ask())
        started = _configurations(driven)
        driven.do(lambda scheduler: scheduler.close("time is up"))
        driven.to_the_end()
        assert _configurations(driven) == started
        assert driven.stop == Stop("time is up")

    def test_a_target_that_is_met_ends_the_search(self) -> None:
        """The first finished trial that meets the target stops it, and says which and with what."""
        began = baseline().value
        assert began is not None
        driven = self.drive(target=began + 0.001)
        assert driven.stop is not None
        assert driven.stop.reason.startswith("target met by trial ")
        best = driven.scheduler.best()
        assert best is not None
        assert best.trained

    def test_a_candidate_that_missed_on_confirmation_cannot_stop_it_again(self) -> None:
        """The mean takes the place of the single value, and the search goes on."""
        began = baseline().value
        assert began is not None
        driven = self.drive(target=began + 0.001)
        best = driven.scheduler.best()
        assert best is not None
        driven.do(lambda scheduler: scheduler.tell_confirmation(best.assignment, began))
        answer = driven.scheduler.ask()
        assert answer != driven.stop

    def test_what_was_not_asked_cannot_be_told(self) -> None:
        """Telling a job twice is an error, not a silent second vote."""
        driven = self.drive()
        try:
            driven.scheduler.tell(driven.jobs[0], train(driven.jobs[0]))
        except ValueError:
            return
        raise AssertionError("a job was told twice")


def _configurations(driven: Drive) -> set[str]:
    found = (job.assignment.as_dict() for job in driven.jobs)
    return {Assignment.of({k: v for k, v in item.items() if k != EPOCHS.parameter}).key for item in found}


def _telling(value: float | None) -> Train:
    def tell(job: Job) -> Outcome:
        kind = OutcomeKind.FINISHED if job.finish else OutcomeKind.PAUSED
        return Outcome(kind, value, epochs=job.to_epoch or EPOCHS.author)

    return tell
