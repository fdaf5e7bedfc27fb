"""What an attempt reports is read as it comes, believed only so far, and joined over a trial's attempts."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trial_cases import emit, epoch

from pushtune.trial import MetricReading, TrialFolder, Watcher, merge, read_trial
from pushtune.trial.events import MOST_CURVES, MOST_EPOCHS, MOST_METRICS, MOST_POINTS
from pushtune.trial.progress import Progress
from pushtune_probe import wire


def _read(attempt: Path) -> Progress:
    return Watcher(attempt).read()


def test_nothing_is_reported_before_the_first_event(tmp_path: Path) -> None:
    assert _read(tmp_path / "not made") == Progress()


def test_events_are_read_as_they_come(tmp_path: Path) -> None:
    watcher = Watcher(tmp_path)
    emit(tmp_path, "started", resumed_from=0)
    emit(tmp_path, "fit", call=1, epochs=9, rungs=True)
    epoch(tmp_path, 1, acc=0.5, val_acc=0.25, loss=2.0)
    first = watcher.read()
    assert (first.started, first.epochs_done, first.total_epochs, first.rungs) == (True, 1, 9, True)
    assert watcher.read() is first
    epoch(tmp_path, 2, acc=0.75, val_acc=0.5, loss=1.0)
    second = watcher.read()
    assert second.curves == {
        ("accuracy", "train"): (0.5, 0.75),
        ("accuracy", "validation"): (0.25, 0.5),
        ("loss", "train"): (2.0, 1.0),
    }
    assert first.epochs_done == 1


def test_a_torn_last_line_is_waited_for(tmp_path: Path) -> None:
    watcher = Watcher(tmp_path)
    line = wire.event_line("paused", {"epoch": 3, "order": 2})
    (tmp_path / wire.EVENTS).write_bytes(line[:-5])
    assert watcher.read().paused_at is None
    with (tmp_path / wire.EVENTS).open("ab") as stream:
        stream.write(line[-5:])
    assert (watcher.read().paused_at, watcher.read().order_obeyed) == (3, 2)


def test_a_pause_ends_when_it_goes_on(tmp_path: Path) -> None:
    emit(tmp_path, "paused", epoch=3, order=0)
    emit(tmp_path, "resumed", epoch=3, order=1)
    assert (_read(tmp_path).paused_at, _read(tmp_path).order_obeyed) == (None, 1)


def test_a_metric_keeps_where_it_was_matched(tmp_path: Path) -> None:
    emit(tmp_path, "metric", name="Test Acc", value=0.9, split="unknown", source="stdout:12", line=31,
         text="Test Acc: 0.9", step=None, seen_by_fit=True)  # fmt: skip
    assert _read(tmp_path).metrics == (
        MetricReading("accuracy", 0.9, "test", "stdout:12", 31, "Test Acc: 0.9", None, seen_by_fit=True),
    )


def test_the_end_is_told(tmp_path: Path) -> None:
    emit(tmp_path, "finished", epochs=4, stopped_at=4, seconds=1.0)
    assert (_read(tmp_path).finished, _read(tmp_path).stopped_at) == (True, 4)
    emit(tmp_path, "failed", kind="error", type="ValueError", message="bad", file="train.py", line=3)
    failed = _read(tmp_path).failed
    assert failed is not None
    assert (failed.type, failed.message, failed.file, failed.line) == ("ValueError", "bad", "train.py", 3)


def test_values_that_are_no_numbers_count_as_none(tmp_path: Path) -> None:
    for value in (math.nan, math.inf, "0.9", True, None, [1]):
        emit(tmp_path, "metric", name="accuracy", value=value, split="test")
    (tmp_path / wire.EVENTS).open("ab").write(b'{"event":"metric","name":"accuracy","value":1e999}\n')
    (tmp_path / wire.EVENTS).open("ab").write(b'{"event":"metric","name":"a","value":1' + b"0" * 400 + b"}\n")
    assert _read(tmp_path).metrics == ()
    epoch(tmp_path, 1, loss=math.nan)
    assert math.isnan(_read(tmp_path).curves["loss", "train"][0])


def test_what_a_hostile_script_reports_is_bounded(tmp_path: Path) -> None:
    with (tmp_path / wire.EVENTS).open("wb") as stream:
        for number in range(MOST_METRICS + 10):
            stream.write(wire.event_line("metric", {"name": f"m{number}" * 20, "value": 1.0}))
        for number in range(210):
            stream.write(wire.event_line("warning", {"code": "c", "text": f"w{number}" * 2000}))
        metrics = {f"name{number}": {"value": 1.0} for number in range(500)}
        stream.write(wire.event_line("epoch", {"epoch": 1, "metrics": metrics}))
        stream.write(wire.event_line("epoch", {"epoch": 10**12, "metrics": {}}))
        stream.write(b"[" * 100_000 + b"\n")
    told = Watcher(tmp_path).read(all_of_it=True)
    assert len(told.metrics) == MOST_METRICS
    assert max(len(reading.name) for reading in told.metrics) <= 100
    assert (len(told.warnings), len(told.curves), told.epochs_done) == (200, MOST_CURVES, 1)


_text = st.text("ab_\0é", max_size=5)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=5,
)
_fields = st.sampled_from(
    ["t", "resumed_from", "epoch", "order", "metrics", "name", "value", "split", "line", "layers", "call",
     "path", "parameters", "seconds", "total", "text", "code", "stopped_at", "traceback", "step", "rungs",
     "epochs"]
)  # fmt: skip
_events = st.sampled_from(
    ["started", "framework", "model", "fit", "epoch", "metric", "checkpoint", "artifact", "warning", "paused",
     "resumed", "finished", "failed", "unknown"]
)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(_events, st.dictionaries(_fields, _json, max_size=8)), max_size=6))
def test_no_event_whatever_is_in_it_stops_the_reading(events: list[tuple[str, dict[str, object]]]) -> None:
    with tempfile.TemporaryDirectory() as attempt:
        lines = [json.dumps({**fields, "event": event}) for event, fields in events]
        (Path(attempt) / wire.EVENTS).write_text("".join(line + "\n" for line in lines))
        told = _read(Path(attempt))
    assert all(len(values) >= told.epochs_done for values in told.curves.values())
    merge([told, told])


def test_an_attempt_that_resumes_continues_the_curve(tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path)
    emit(folder.attempt(1), "started", resumed_from=0)
    for number in (1, 2, 3):
        epoch(folder.attempt(1), number, val_accuracy=number / 10)
    emit(folder.attempt(1), "warning", code="c", text="said once")
    emit(folder.attempt(2), "started", resumed_from=2)
    assert read_trial(folder).epochs_done == 2
    for number in (3, 4):
        epoch(folder.attempt(2), number, val_accuracy=number / 100)
    joined = read_trial(folder)
    assert joined.curves["accuracy", "validation"] == (0.1, 0.2, 0.03, 0.04)
    assert joined.epochs_done == len(joined.epoch_seconds) == 4
    assert [warning.text for warning in joined.warnings] == ["said once"]


def test_an_attempt_that_starts_anew_counts_alone(tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path)
    for attempt, value in ((1, 0.1), (2, 0.9)):
        emit(folder.attempt(attempt), "started", resumed_from=0)
        epoch(folder.attempt(attempt), 1, val_accuracy=value)
    assert read_trial(folder).curves == {("accuracy", "validation"): (0.9,)}


def test_epochs_nobody_reported_leave_a_gap(tmp_path: Path) -> None:
    emit(tmp_path, "started", resumed_from=2)
    epoch(tmp_path, 3, val_accuracy=0.3)
    values = merge([_read(tmp_path)]).curves["accuracy", "validation"]
    assert [math.isnan(value) for value in values] == [True, True, False]


def test_a_loss_that_is_no_number_has_diverged_until_it_is_one_again(tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path)
    emit(folder.attempt(1), "started", resumed_from=0)
    for number, loss in ((1, 1.0), (2, math.nan), (3, math.nan)):
        epoch(folder.attempt(1), number, loss=loss)
    assert read_trial(folder).diverged_at == 2
    emit(folder.attempt(2), "started", resumed_from=2)
    assert read_trial(folder).diverged_at == 2
    epoch(folder.attempt(2), 3, loss=0.5)
    assert read_trial(folder).diverged_at is None
    emit(folder.attempt(3), "started", resumed_from=1)
    assert read_trial(folder).diverged_at is None


def test_epochs_that_tell_no_loss_have_not_diverged(tmp_path: Path) -> None:
    emit(tmp_path, "started", resumed_from=0)
    epoch(tmp_path, 1, loss=1.0)
    epoch(tmp_path, 2)
    assert _read(tmp_path).diverged_at is None


def test_how_an_earlier_attempt_ended_is_forgotten_when_the_next_one_is_made(tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path)
    emit(folder.attempt(1), "started", resumed_from=0)
    epoch(folder.attempt(1), 1, val_accuracy=0.1)
    emit(folder.attempt(1), "paused", epoch=1, order=4)
    folder.attempt(2).mkdir()
    joined = read_trial(folder)
    assert (joined.paused_at, joined.order_obeyed, joined.started) == (None, 0, False)
    assert joined.curves["accuracy", "validation"] == (0.1,)
    assert folder.attempts() == (1, 2)


def test_a_flood_of_events_is_passed_over_but_for_its_end_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pushtune.trial.reading.BITE", 300 * 1024)
    monkeypatch.setattr("pushtune.trial.reading.MOST_BEHIND", 1024 * 1024)
    monkeypatch.setattr("pushtune.trial.reading.KEPT_OF_FLOOD", 512 * 1024)
    line = wire.event_line("metric", {"name": "accuracy", "value": 0.5})
    emit(tmp_path, "started", resumed_from=0)
    with (tmp_path / wire.EVENTS).open("ab") as stream:
        stream.write(line * 40_000)
        stream.write(wire.event_line("finished", {"epochs": 1}))
    told = Watcher(tmp_path).read(all_of_it=True)
    assert (told.started, told.finished, len(told.metrics)) == (True, True, MOST_METRICS)
    assert [warning.code for warning in told.warnings] == ["events-skipped"]


def test_one_look_at_a_live_attempt_reads_one_bite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pushtune.trial.reading.BITE", 300 * 1024)
    for number in range(1, 6):
        emit(tmp_path, "warning", code="c", text="x" * 200_000)
        epoch(tmp_path, number, val_accuracy=0.5)
    watcher = Watcher(tmp_path)
    assert [watcher.read().epochs_done for _ in range(6)] == [1, 2, 3, 4, 5, 5]


def test_a_line_without_end_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pushtune.trial.reading.BITE", 300 * 1024)
    epoch(tmp_path, 1, val_accuracy=0.5)
    with (tmp_path / wire.EVENTS).open("ab") as stream:
        stream.write(b'{"event":"' + b"x" * 1024 * 1024)
    watcher = Watcher(tmp_path)
    assert watcher.read(all_of_it=True).epochs_done == 1
    with (tmp_path / wire.EVENTS).open("ab") as stream:
        stream.write(b'"}\n')
    epoch(tmp_path, 2, val_accuracy=0.5)
    assert watcher.read(all_of_it=True).epochs_done == 2


def test_numbers_beyond_all_measure_cost_nothing(tmp_path: Path) -> None:
    emit(tmp_path, "started", resumed_from=10**12)
    emit(tmp_path, "reached", places=list(range(20_000)))
    for name in range(120):
        emit(tmp_path, "epoch", epoch=90_000, metrics={f"m{name}": {"value": 1.0}})
    told = Watcher(tmp_path).read(all_of_it=True)
    assert sum(len(values) for values in told.curves.values()) <= 2 * MOST_POINTS
    assert (told.epochs_done, len(told.reached)) == (MOST_EPOCHS, 10_000)


def test_what_would_steer_a_terminal_is_shown_as_harmless(tmp_path: Path) -> None:
    emit(tmp_path, "failed", type="E\x1b[2J", message="one\u202e\ntwo\r", traceback="a\tb\n\x07")
    failed = _read(tmp_path).failed
    assert failed is not None
    assert (failed.type, failed.message) == ("E\ufffd[2J", "one\ufffd\ntwo\ufffd")
    assert failed.traceback == "a\tb\n\ufffd"


def test_what_an_orphan_writes_after_the_end_is_not_believed(tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path)
    attempt = folder.attempt(1)
    emit(attempt, "started", resumed_from=0)
    epoch(attempt, 1, val_accuracy=0.1)
    _checkpoint(attempt, 1)
    watcher = Watcher(attempt)
    watcher.read(all_of_it=True)
    watcher.fence()
    epoch(attempt, 2, val_accuracy=0.99)
    emit(attempt, "finished", epochs=2)
    _checkpoint(attempt, 2)
    folder.attempt(2).mkdir()
    told = read_trial(folder)
    assert (told.epochs_done, told.finished) == (1, False)
    assert [path.name for path in folder.checkpoints_below(2)] == ["000001"]
    assert folder.attempts() == (1, 2)


def _checkpoint(attempt: Path, epoch: int) -> None:
    folder = attempt / wire.CHECKPOINTS / f"{epoch:06d}"
    folder.mkdir(parents=True)
    wire.write_manifest(str(folder), epoch)
