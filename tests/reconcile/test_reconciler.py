"""The reconciler: what the ledger wants is what runs, whoever died in between."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pushtune.errors import MachineError
from pushtune.ledger import Ledger, StudyRow, TrialRow, Trials, new_trial
from pushtune.model.analysis import Candidate, Script, ScriptFile
from pushtune.model.ports import AttemptSpec, Exit, Interpreter, Limits, Runtime
from pushtune.model.space import Assignment
from pushtune.model.states import AttemptState, Purpose, TrialState
from pushtune.reconcile import Demand, Recipe, Reconciler
from pushtune.testing.fakes import FakeRuntime
from pushtune.trial import TrialFolder, is_crash_loop, write_candidate
from pushtune_probe import wire

SOURCE = ScriptFile("train.py", b"print('Accuracy: 0.5')\n")


class OneRuntime:
    """An environment around the fake runtime."""

    name = "fake"

    def __init__(self, runtime: FakeRuntime) -> None:
        self._runtime = runtime

    def prepare(self, modules: object) -> Interpreter:
        return Interpreter("/usr/bin/python3", (3, 11, 0))

    def variables(self, threads: int, seed: int) -> dict[str, str]:
        return {"OMP_NUM_THREADS": str(threads)}

    def runtime(self) -> Runtime:
        return self._runtime


class Clock:
    """Time that passes only when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class House:
    """One study on the fake runtime; ``reborn`` is what a new process finds after ``kill -9``."""

    def __init__(self, path: Path, *, slots: int = 1, limits: Limits | None = None) -> None:
        (path / "author").mkdir(exist_ok=True)
        (path / "author" / "train.py").write_bytes(SOURCE.data)
        self.path = path
        self.clock = Clock()
        self.runtime = FakeRuntime()
        self.ledger = Ledger(path / "ledger.db")
        self.ledger.studies.create(
            StudyRow("s", "k", str(path), "train.py", ".", (), None, None, "auto", 0, 1.0)
        )
        self.trials: Trials = self.ledger.trials("s")
        self.recipe = Recipe(
            script=Script(str(path / "author"), "train.py", (SOURCE,)),
            environment=OneRuntime(self.runtime),
            interpreter="/usr/bin/python3",
            slots=slots,
            threads=1,
            limits=limits or Limits(),
            wanted_metric="accuracy",
            guess=None,
        )
        self.reconciler = self.reborn()

    def reborn(self) -> Reconciler:
        self.reconciler = Reconciler(self.trials, self.path / "study", self.recipe, self.runtime, self.clock)
        self.reconciler.adopt()
        return self.reconciler

    def folder(self, number: int) -> TrialFolder:
        return TrialFolder.of(self.path / "study", number)

    def want(
        self,
        number: int,
        *,
        to_epoch: int | None = None,
        finish: bool = True,
        purpose: Purpose = Purpose.SEARCH,
    ) -> None:
        trial = new_trial("s", number, purpose, Assignment(), seed=0, now=self.clock())
        if not self.folder(number).candidate.is_dir():
            write_candidate(self.folder(number), Candidate((SOURCE,), (), ""))
        self.trials.want(replace(trial, to_epoch=to_epoch, finish=finish))

    def trial(self, number: int) -> TrialRow:
        row = self.trials.get(number)
        assert row is not None
        return row

    def step(self) -> None:
        self.reconciler.look()
        self.reconciler.act()

    def emit(self, number: int, attempt: int, event: str, **fields: object) -> None:
        path = self.folder(number).attempt(attempt) / wire.EVENTS
        with path.open("ab") as stream:
            stream.write(wire.event_line(event, {**fields}))

    def epoch(self, number: int, attempt: int, epoch: int, accuracy: float) -> None:
        metrics = {"accuracy": {"value": accuracy, "split": "validation"}}
        self.emit(number, attempt, "epoch", epoch=epoch, total=9, seconds=1.0, metrics=metrics)
        checkpoint = self.folder(number).attempt(attempt) / wire.CHECKPOINTS / f"{epoch:06d}"
        checkpoint.mkdir(parents=True)
        wire.write_manifest(str(checkpoint), epoch)
        self.emit(number, attempt, "checkpoint", epoch=epoch, path=checkpoint.name, seconds=0.0)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def started(house: House, number: int = 1, attempt: int = 1, resumed_from: int = 0) -> None:
    house.step()
    house.emit(number, attempt, "started", pid=1, order=0, resumed_from=resumed_from)


def test_no_more_trials_run_than_there_are_slots(tmp_path: Path) -> None:
    house = House(tmp_path, slots=2)
    for number in (1, 2, 3):
        house.want(number)
    house.step()
    assert house.runtime.alive == ("s/1/1", "s/2/1")
    house.runtime.end("s/1/1", 0)
    house.step()
    assert house.runtime.alive == ("s/2/1", "s/3/1")


def test_a_trial_whose_source_is_not_written_yet_waits(house: House) -> None:
    trial = new_trial("s", 1, Purpose.SEARCH, Assignment(), seed=0, now=1.0)
    house.trials.want(trial)
    house.step()
    assert house.runtime.started == []


def test_a_script_that_ends_is_concluded_with_its_metric(house: House) -> None:
    house.want(1)
    started(house)
    house.emit(1, 1, "metric", name="accuracy", value=0.8, split="test", source="stdout:1", line=1)
    house.emit(1, 1, "finished", epochs=0, stopped_at=None, seconds=1.0)
    house.clock.now += 7
    house.runtime.end("s/1/1", 0)
    house.step()
    row = house.trial(1)
    assert (row.state, row.value, row.report, row.seconds) == (TrialState.FINISHED, 0.8, 0.8, 7.0)
    assert house.trials.open_attempts() == []


def test_a_trial_at_its_rung_stays_alive_and_goes_on_by_order(house: House) -> None:
    house.want(1, to_epoch=1, finish=False)
    started(house)
    house.epoch(1, 1, 1, 0.4)
    house.emit(1, 1, "paused", epoch=1, order=0)
    house.step()
    assert house.trial(1).state is TrialState.PAUSED
    assert house.trial(1).value == 0.4
    assert house.runtime.alive == ("s/1/1",)

    house.want(1, to_epoch=3, finish=True)
    house.step()
    order = wire.Order.from_json((house.folder(1).attempt(1) / wire.ORDER).read_text())
    assert order == wire.Order(1, None, 3)
    assert [row.number for row in house.trials.attempts(1)] == [1], "the same process goes on"
    house.step()
    assert house.trial(1).state is TrialState.RUNNING, "the old pause is not taken for the new one"


def test_waiting_at_a_rung_does_not_count_as_training(house: House) -> None:
    house.want(1, to_epoch=1, finish=False)
    started(house)
    house.clock.now += 5
    house.epoch(1, 1, 1, 0.4)
    house.emit(1, 1, "paused", epoch=1, order=0)
    house.step()
    house.clock.now += 1000
    house.want(1, to_epoch=3, finish=True)
    house.step()
    house.clock.now += 2
    house.emit(1, 1, "finished", epochs=3, stopped_at=3, seconds=1.0)
    house.runtime.end("s/1/1", 0)
    house.step()
    assert house.trial(1).seconds == 7.0


def test_an_attempt_that_was_killed_is_followed_by_another_from_its_checkpoint(house: House) -> None:
    house.want(1, to_epoch=3)
    started(house)
    house.epoch(1, 1, 1, 0.4)
    house.runtime.end("s/1/1", -9)
    house.step()
    house.clock.now += 1
    house.step()
    assert house.runtime.alive == ("s/1/2",)
    plan = wire.Plan.from_json((house.folder(1).attempt(2) / wire.PLAN).read_text())
    assert [Path(name).name for name in plan.checkpoints] == ["000001"]
    assert house.trial(1).state is TrialState.RUNNING


def test_a_crash_loop_without_progress_is_tried_ever_more_slowly_and_given_up(house: House) -> None:
    house.want(1)
    house.step()
    for attempt, wait in ((1, 1), (2, 5), (3, 25), (4, 125)):
        house.runtime.end(f"s/1/{attempt}", -9)
        house.step()
        house.clock.now += wait - 0.5
        house.reborn()  # what it waits for is in the ledger: our own death changes nothing
        house.step()
        assert house.runtime.alive == ()
        house.clock.now += 0.5
        house.step()
        assert house.runtime.alive == (f"s/1/{attempt + 1}",)
    house.runtime.end("s/1/5", -9)
    house.step()
    row = house.trial(1)
    assert is_crash_loop(row)
    assert row.message == (
        "crash loop: 5 attempts in a row ended without progress; "
        "the last one: its process was killed (SIGKILL)"
    )
    assert house.trials.attempts(1)[-1].note == f"lost: {row.message}"


def test_a_crash_loop_with_progress_starts_anew_after_a_second_each_time_and_ends_too(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pushtune.reconcile.endings.MOST_LOST", 4)
    house.want(1)
    for attempt in (1, 2, 3, 4):
        house.clock.now += 1
        started(house, attempt=attempt, resumed_from=attempt - 1)
        house.epoch(1, attempt, attempt, 0.1)
        house.runtime.end(f"s/1/{attempt}", -9)
        house.step()
    assert is_crash_loop(house.trial(1))
    assert "4 attempts were lost altogether" in house.trial(1).message


def test_a_clock_that_was_set_back_does_not_hold_up_the_next_attempt(house: House) -> None:
    house.want(1)
    house.step()
    house.runtime.end("s/1/1", -9)
    house.step()
    house.clock.now -= 3600
    house.step()
    assert house.runtime.alive == ("s/1/2",)


def test_a_study_may_be_given_fewer_slots_than_it_has_and_stops_nothing(tmp_path: Path) -> None:
    house = House(tmp_path, slots=3)
    for number in (1, 2, 3):
        house.want(number)
    house.reconciler.act(2)
    assert house.runtime.alive == ("s/1/1", "s/2/1")
    house.reconciler.act(0)
    assert house.runtime.alive == ("s/1/1", "s/2/1")
    assert house.reconciler.demand() == Demand("s", running=2, wanted=1, waiting_since=1000.0)


def test_what_waits_after_a_crash_asks_for_no_slot(house: House) -> None:
    house.want(1)
    house.step()
    house.runtime.end("s/1/1", -9)
    house.reconciler.look()
    assert house.reconciler.demand().wanted == 0
    house.clock.now += 1
    assert house.reconciler.demand().wanted == 1


def silent_for(house: House, seconds: float) -> None:
    """Let time pass, looked at every minute as it would be."""
    end = house.clock.now + seconds
    while house.clock.now < end:
        house.clock.now = min(end, house.clock.now + 60)
        house.reconciler.look()


def test_a_trial_that_hangs_is_killed_and_goes_on_from_its_checkpoint(house: House) -> None:
    house.recipe = replace(house.recipe, silence=300.0)
    house.reborn()
    house.want(1, to_epoch=3)
    started(house)
    house.epoch(1, 1, 1, 0.4)
    silent_for(house, 290)
    assert house.runtime.alive == ("s/1/1",)
    silent_for(house, 130)
    assert house.trials.attempts(1)[0].note.startswith("lost: it hung: for ")
    house.clock.now += 1
    house.step()
    assert house.runtime.alive == ("s/1/2",)


def test_what_it_prints_is_a_sign_of_life(house: House) -> None:
    house.recipe = replace(house.recipe, silence=300.0)
    house.reborn()
    house.want(1)
    started(house)
    for _ in range(5):
        silent_for(house, 200)
        with (house.folder(1).attempt(1) / wire.STDOUT).open("a") as log:
            log.write(".")
    silent_for(house, 200)
    assert house.runtime.alive == ("s/1/1",)


def test_what_is_normal_for_the_study_is_no_hang(house: House) -> None:
    """The baseline's epoch took 100 s: its candidates may be silent for 1000."""
    house.recipe = replace(house.recipe, silence=300.0)
    house.reborn()
    house.want(0, purpose=Purpose.BASELINE)
    started(house, 0)
    house.emit(0, 1, "epoch", epoch=1, total=1, seconds=100.0, metrics={})
    house.runtime.end("s/0/1", 0)
    house.step()
    house.want(1)
    started(house)
    silent_for(house, 990)
    assert house.runtime.alive == ("s/1/1",)
    silent_for(house, 130)
    assert house.runtime.alive == ()


def test_a_machine_that_slept_is_no_hang_and_no_training(tmp_path: Path) -> None:
    house = House(tmp_path, limits=Limits(seconds=3600.0))
    house.recipe = replace(house.recipe, silence=300.0)
    house.reborn()
    house.want(1)
    started(house)
    house.clock.now += 10
    house.step()
    house.clock.now += 8 * 3600
    house.step()
    house.clock.now -= 24 * 3600
    house.step()
    assert house.runtime.alive == ("s/1/1",)
    house.runtime.end("s/1/1", 0)
    house.step()
    assert house.trial(1).seconds == 10.0


def test_waiting_at_a_rung_is_no_hang(house: House) -> None:
    house.recipe = replace(house.recipe, silence=300.0)
    house.reborn()
    house.want(1, to_epoch=1, finish=False)
    started(house)
    house.epoch(1, 1, 1, 0.4)
    house.emit(1, 1, "paused", epoch=1, order=0)
    silent_for(house, 1000)
    assert house.runtime.alive == ("s/1/1",)


def test_what_could_not_be_started_stays_wanted_and_is_tried_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.want(1)

    def full(_: AttemptSpec) -> Exit:
        raise MachineError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(house.runtime, "start", full)
        for _ in range(10):
            with pytest.raises(MachineError, match="full"):
                house.step()
    assert house.trial(1).state is TrialState.WANTED
    assert house.trials.attempts(1)[-1].note == "not started: the disk is full"
    house.step()
    assert house.runtime.alive == ("s/1/11",)
    house.runtime.end("s/1/11", -9)
    house.step()
    assert house.trial(1).state is TrialState.WANTED, "a machine in trouble is no crash loop"


def test_an_order_that_could_not_be_written_is_written_when_there_is_room(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.want(1, to_epoch=1, finish=False)
    started(house)
    house.epoch(1, 1, 1, 0.4)
    house.emit(1, 1, "paused", epoch=1, order=0)
    house.step()
    house.want(1, to_epoch=3, finish=True)

    def full(*_: object) -> None:
        raise MachineError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("pushtune.reconcile.reconciler.order", full)
        with pytest.raises(MachineError):
            house.step()
    house.step()
    order = wire.Order.from_json((house.folder(1).attempt(1) / wire.ORDER).read_text())
    assert order == wire.Order(1, None, 3)


def test_after_our_own_death_live_attempts_are_adopted_not_started_again(house: House) -> None:
    house.want(1, to_epoch=3)
    started(house)
    house.runtime.forget()
    house.reborn()
    house.step()
    assert house.runtime.alive == ("s/1/1",)
    assert len(house.runtime.started) == 1


def test_an_attempt_that_ended_while_we_were_dead_is_concluded_by_its_events(house: House) -> None:
    house.want(1)
    started(house)
    house.emit(1, 1, "metric", name="accuracy", value=0.8, split="test", source="stdout:1", line=1)
    house.emit(1, 1, "finished", epochs=0, stopped_at=None, seconds=1.0)
    house.runtime.end("s/1/1", 0)
    house.runtime.forget()
    house.reborn()
    assert house.trial(1).state is TrialState.FINISHED
    assert house.trial(1).report == 0.8


def test_dying_between_the_ledger_and_the_process_loses_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.want(1)

    def die(_: AttemptSpec) -> Exit:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(house.runtime, "start", die)
        with pytest.raises(KeyboardInterrupt):
            house.step()
    assert house.trials.open_attempts()[0].state is AttemptState.STARTING
    house.reborn()
    house.step()
    assert house.runtime.alive == ("s/1/2",)


def test_an_order_that_was_recorded_and_not_sent_is_sent_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.want(1, to_epoch=1, finish=False)
    started(house)
    house.epoch(1, 1, 1, 0.4)
    house.emit(1, 1, "paused", epoch=1, order=0)
    house.step()
    house.want(1, to_epoch=3, finish=True)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pushtune.reconcile.reconciler.order", die)
        with pytest.raises(KeyboardInterrupt):
            house.step()
    assert not (house.folder(1).attempt(1) / wire.ORDER).exists()
    house.reborn()
    order = wire.Order.from_json((house.folder(1).attempt(1) / wire.ORDER).read_text())
    assert order == wire.Order(1, None, 3)
    assert len(house.runtime.started) == 1


def test_a_paused_attempt_that_is_gone_is_started_again_from_its_checkpoint(house: House) -> None:
    house.want(1, to_epoch=1, finish=False)
    started(house)
    house.epoch(1, 1, 1, 0.4)
    house.emit(1, 1, "paused", epoch=1, order=0)
    house.step()
    house.runtime.end("s/1/1", wire.EXIT_PAUSED)
    house.clock.now += 2
    house.step()
    assert house.trial(1).state is TrialState.PAUSED, "nothing is lost: it waits without a process"
    house.want(1, to_epoch=3, finish=True)
    house.step()
    assert house.runtime.alive == ("s/1/2",)


def test_shutting_down_leaves_no_process_and_loses_no_trial(tmp_path: Path) -> None:
    house = House(tmp_path, slots=2)
    house.want(1, to_epoch=1, finish=False)
    house.want(2)
    started(house)
    house.epoch(1, 1, 1, 0.4)
    house.emit(1, 1, "paused", epoch=1, order=0)
    house.step()
    house.reconciler.shut_down()
    assert house.runtime.alive == ()
    assert (house.trial(1).state, house.trial(2).state) == (TrialState.PAUSED, TrialState.WANTED)
    house.reborn()
    house.step()
    assert house.runtime.alive == ("s/2/2",)


def test_a_pruned_trial_is_ended(house: House) -> None:
    house.want(1)
    started(house)
    house.trials.move(1, TrialState.PRUNED)
    house.step()
    assert house.runtime.alive == ()


def test_a_trial_over_its_time_is_ended_and_said_so(tmp_path: Path) -> None:
    house = House(tmp_path, limits=Limits(seconds=10.0))
    house.want(1)
    started(house)
    house.clock.now += 11
    house.step()
    assert house.trial(1).state is TrialState.TIMED_OUT
    assert house.runtime.alive == ()


def test_a_process_that_said_its_last_word_and_does_not_go_is_ended(house: House) -> None:
    house.want(1)
    started(house)
    house.emit(1, 1, "metric", name="accuracy", value=0.8, split="test", source="stdout:1", line=1)
    house.emit(1, 1, "finished", epochs=0, stopped_at=None, seconds=1.0)
    events = house.folder(1).attempt(1) / wire.EVENTS
    last = wire.read_events(str(events))[0][-1]["t"]
    house.clock.now = last + 5
    house.step()
    assert house.trial(1).state is TrialState.RUNNING
    house.clock.now = last + 60
    house.step()
    assert house.trial(1).state is TrialState.FINISHED
    assert house.runtime.alive == ()


def test_paused_processes_are_ended_when_memory_is_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, slots=3)
    for number in (1, 2, 3):
        house.want(number, to_epoch=1, finish=False)
    house.step()
    for number in (1, 2, 3):
        house.emit(number, 1, "started", pid=1, order=0, resumed_from=0)
        house.epoch(number, 1, 1, 0.4)
        house.emit(number, 1, "paused", epoch=1, order=0)

    class Free:
        available = 1024 * 1024  # with the three paused: half of 4 MiB is 2 processes

    monkeypatch.setattr("pushtune.reconcile.memory.psutil.virtual_memory", lambda: Free)
    house.step()
    assert house.runtime.alive == ("s/2/1", "s/3/1")
    assert house.trial(1).state is TrialState.PAUSED
