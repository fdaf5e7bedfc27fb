"""Every end of a training is told apart from the others."""

from __future__ import annotations

from typing import Any

import pytest

from pushtune.model.jobs import OutcomeKind
from pushtune.model.ports import Exit, Limits
from pushtune.trial import EXIT_PAUSED, MetricReading, Progress, outcome_of
from pushtune.trial.progress import FailureReport

GIB = 1024**3
CURVES = {("accuracy", "validation"): (0.5, 0.6), ("loss", "train"): (1.0, 0.5)}
SCORE = (MetricReading("accuracy", 0.58, "test", "keras.evaluate"),)


def told(**changes: Any) -> Progress:
    return Progress(started=True, epochs_done=2, curves=CURVES, **changes)


def kind_of(progress: Progress, ended: Exit | None, **more: Any) -> OutcomeKind | None:
    outcome = outcome_of(progress, ended, wanted="accuracy", **more)
    return None if outcome is None else outcome.kind


def test_one_that_trains_on_has_no_outcome() -> None:
    assert outcome_of(told(), None, wanted="accuracy") is None


def test_one_that_finished_has_both_values_even_while_its_process_still_ends() -> None:
    for ended in (None, Exit(0), Exit(-11), Exit(None), Exit(-9, "time")):
        outcome = outcome_of(told(finished=True, metrics=SCORE), ended, wanted="accuracy", seconds=4.0)
        assert outcome is not None
        assert outcome.kind is OutcomeKind.FINISHED
        assert (outcome.value, outcome.report, outcome.epochs, outcome.curve) == (0.6, 0.58, 2, (0.5, 0.6))
        assert outcome.seconds == 4.0


def test_one_that_pauses_has_the_value_so_far() -> None:
    for ended in (None, Exit(EXIT_PAUSED), Exit(None), Exit(-9)):
        outcome = outcome_of(told(paused_at=2, metrics=SCORE), ended, wanted="accuracy")
        assert outcome is not None
        assert (outcome.kind, outcome.value, outcome.report) == (OutcomeKind.PAUSED, 0.6, None)


def test_a_pause_under_an_older_order_is_not_an_end() -> None:
    assert kind_of(told(paused_at=2, order_obeyed=1), None, order=2) is None
    assert kind_of(told(paused_at=2, order_obeyed=1), Exit(None), order=2) is OutcomeKind.LOST
    assert kind_of(told(paused_at=2, order_obeyed=2), None, order=2) is OutcomeKind.PAUSED


def test_where_only_the_training_curve_is_told_it_stands_in_while_paused_only() -> None:
    curves = {("accuracy", "train"): (0.5, 0.8)}
    paused = outcome_of(Progress(started=True, paused_at=2, curves=curves), None, wanted="accuracy")
    finished = outcome_of(Progress(started=True, finished=True, curves=curves), Exit(0), wanted="accuracy")
    assert paused is not None
    assert finished is not None
    assert (paused.value, paused.curve) == (0.8, ())
    assert (finished.value, finished.report) == (None, None)


def test_a_script_that_fails_says_where_in_its_own_files() -> None:
    failure = FailureReport("error", "ValueError", "bad shape\nof things", "train.py", 12, "Traceback…")
    outcome = outcome_of(told(failed=failure), Exit(1), wanted="accuracy")
    assert outcome is not None
    assert outcome.kind is OutcomeKind.FAILED
    assert outcome.message == "ValueError: bad shape (train.py, line 12)"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("error", OutcomeKind.FAILED), ("input", OutcomeKind.FAILED), ("parameters", OutcomeKind.FAILED),
     ("missing", OutcomeKind.FAILED), ("memory", OutcomeKind.OUT_OF_MEMORY),
     ("diverged", OutcomeKind.DIVERGED)],
)  # fmt: skip
def test_kinds_of_failure(kind: str, expected: OutcomeKind) -> None:
    assert kind_of(told(failed=FailureReport(kind, "E", "m")), Exit(1)) is expected


@pytest.mark.parametrize(
    ("ended", "expected", "words"),
    [
        (Exit(-9, "memory", 2 * GIB), OutcomeKind.OUT_OF_MEMORY, "it used 2.0 GiB (limit 1.0 GiB)"),
        (Exit(-9, "", GIB - 1), OutcomeKind.OUT_OF_MEMORY, "it used 1024 MiB (limit 1.0 GiB)"),
        (Exit(137, "", GIB - 1), OutcomeKind.OUT_OF_MEMORY, "it used 1024 MiB (limit 1.0 GiB)"),
        (Exit(-9, "time"), OutcomeKind.TIMED_OUT, "it ran longer than 60 s"),
        (Exit(-9, "disk"), OutcomeKind.FAILED, "it wrote more than it may (limit 10 MiB)"),
        (Exit(-9, "", 1), OutcomeKind.LOST, "its process was killed (SIGKILL)"),
        (Exit(137, "", 1), OutcomeKind.LOST, "its process was killed (SIGKILL)"),
        (Exit(-15), OutcomeKind.LOST, "its process was killed (SIGTERM)"),
        (Exit(None), OutcomeKind.LOST, "its process is gone"),
        (Exit(EXIT_PAUSED), OutcomeKind.LOST, "its process is gone"),
        (Exit(-11), OutcomeKind.FAILED, "it crashed (SIGSEGV)"),
        (Exit(134), OutcomeKind.FAILED, "it crashed (SIGABRT)"),
        (Exit(2), OutcomeKind.FAILED, "it ended with exit status 2"),
        (Exit(255), OutcomeKind.FAILED, "it ended with exit status 255"),
        (Exit(0), OutcomeKind.FINISHED, ""),
    ],
)
def test_ends_that_the_script_could_not_report(ended: Exit, expected: OutcomeKind, words: str) -> None:
    limits = Limits(memory=GIB, seconds=60, disk=10 * 1024**2)
    outcome = outcome_of(told(), ended, wanted="accuracy", limits=limits)
    assert outcome is not None
    assert (outcome.kind, outcome.message) == (expected, words)


def test_a_loss_that_is_no_number_any_more_has_diverged() -> None:
    for state in ({"finished": True}, {"paused_at": 3}):
        progress = Progress(started=True, epochs_done=3, curves=CURVES, diverged_at=2, **state)
        outcome = outcome_of(progress, Exit(0), wanted="accuracy")
        assert outcome is not None
        assert outcome.kind is OutcomeKind.DIVERGED
        assert outcome.message == "the loss was not a number after epoch 2"


def test_a_script_without_any_metric_finishes_without_a_value() -> None:
    outcome = outcome_of(Progress(started=True, finished=True), Exit(0), wanted="accuracy")
    assert outcome is not None
    assert (outcome.kind, outcome.value, outcome.report) == (OutcomeKind.FINISHED, None, None)
