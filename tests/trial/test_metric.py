"""Which number is taken for the metric, and what is said about it."""

from __future__ import annotations

import math
from typing import Any

import pytest

from pushtune.model.analysis import MetricGuess, Split
from pushtune.trial import MetricReading, Progress, choose_metric, missing_metric

NAN = math.nan


def reading(
    name: str, value: float, split: Split, source: str = "keras.evaluate", **more: Any
) -> MetricReading:
    return MetricReading(name, value, split, source, **more)


def keras(*metrics: MetricReading, **curves: tuple[float, ...]) -> Progress:
    """A Keras script that finished; ``val_accuracy=(…)`` is a curve on the validation data."""
    named = {
        (name.removeprefix("val_"), "validation" if name.startswith("val_") else "train"): values
        for name, values in curves.items()
    }
    return Progress(started=True, finished=True, framework="keras", metrics=metrics, curves=named)


def test_the_search_sees_the_validation_curve_and_the_report_the_test_data() -> None:
    told = keras(
        reading("loss", 0.1, "test", line=31),
        reading("accuracy", 0.91, "test", line=31),
        accuracy=(0.6, 0.8, 0.95),
        val_accuracy=(0.5, 0.7, 0.93),
    )
    choice = choose_metric(told, "accuracy")
    assert choice is not None
    assert (choice.curve, choice.selection, choice.report) == ((0.5, 0.7, 0.93), 0.93, 0.91)
    assert not choice.looks_at_test
    assert choice.says == "val_accuracy per epoch from keras.fit; test accuracy from keras.evaluate, line 31"


def sklearn(*metrics: MetricReading) -> Progress:
    """A script of scikit-learn that finished: it tells nothing per epoch."""
    return Progress(started=True, finished=True, framework="sklearn", metrics=metrics)


def test_a_validation_set_beside_the_test_set_chooses() -> None:
    told = sklearn(
        reading("accuracy", 0.97, "train", "sklearn.accuracy_score", line=8),
        reading("accuracy", 0.93, "validation", "sklearn.accuracy_score", line=9),
        reading("accuracy", 0.91, "test", "sklearn.accuracy_score", line=10),
    )
    choice = choose_metric(told, None, MetricGuess("accuracy", "sklearn.accuracy_score", "test", "max", 10))
    assert choice is not None
    assert (choice.selection, choice.selection_split) == (0.93, "validation")
    assert (choice.report, choice.report_split) == (0.91, "test")
    assert not choice.looks_at_test
    assert choice.says.startswith("validation accuracy from sklearn.accuracy_score, line 9; test accuracy")


@pytest.mark.parametrize(
    "more",
    [
        (reading("accuracy", 0.95, "validation", "sklearn.accuracy_score", line=11),),
        (reading("accuracy", 0.90, "test", "sklearn.accuracy_score", line=12),),
    ],
)
def test_of_several_models_validated_none_chooses(more: tuple[MetricReading, ...]) -> None:
    told = sklearn(
        reading("accuracy", 0.93, "validation", "sklearn.accuracy_score", line=9),
        reading("accuracy", 0.91, "test", "sklearn.accuracy_score", line=10),
        *more,
    )
    choice = choose_metric(told, "accuracy")
    assert choice is not None
    assert (choice.selection_split, choice.looks_at_test) == ("test", True)


def test_validation_on_the_test_data_is_said() -> None:
    told = keras(reading("accuracy", 0.91, "test", seen_by_fit=True), val_accuracy=(0.5, 0.91))
    choice = choose_metric(told, "accuracy")
    assert choice is not None
    assert choice.looks_at_test


def test_a_test_set_that_boosting_watches_is_no_validation_set() -> None:
    told = Progress(
        framework="xgboost",
        metrics=(reading("logloss", 0.2, "validation", "xgboost.train"),),
        curves={("logloss", "validation"): (0.3, 0.2)},
    )
    cases: tuple[tuple[Split, bool], ...] = (("test", True), ("validation", False))
    for split, looks in cases:
        choice = choose_metric(told, None, MetricGuess("logloss", "xgboost.train", split, "min", 4))
        assert choice is not None
        assert (choice.looks_at_test, choice.report_split) == (looks, split)


def test_values_of_a_loop_written_by_hand_are_said_to_be_the_loops() -> None:
    told = Progress(framework="torch", curves={("accuracy", "test"): (0.3, 0.2)})
    choice = choose_metric(told, None)
    assert choice is not None
    assert choice.says == "test_accuracy per epoch from the training loop"


def test_without_a_curve_the_search_sees_what_the_script_ends_with() -> None:
    told = Progress(metrics=(reading("accuracy", 0.97, "test", "sklearn.accuracy_score", line=9),))
    choice = choose_metric(told, "accuracy")
    assert choice is not None
    assert (choice.curve, choice.selection, choice.report) == ((), 0.97, 0.97)
    assert choice.looks_at_test
    assert choice.says == "test accuracy from sklearn.accuracy_score, line 9"


def test_a_cross_validation_does_not_look_at_the_test_data() -> None:
    told = Progress(metrics=(reading("accuracy", 0.97, "validation", "sklearn.cross_val_score"),))
    choice = choose_metric(told, "accuracy")
    assert choice is not None
    assert (choice.selection, choice.looks_at_test) == (0.97, False)


def test_the_last_reading_on_the_best_data_is_the_report() -> None:
    told = Progress(
        metrics=(
            reading("accuracy", 0.1, "test"),
            reading("accuracy", 0.2, "test"),
            reading("accuracy", 0.3, "unknown"),
            reading("accuracy", 0.4, "validation"),
            reading("accuracy", 0.5, "train"),
        )
    )
    choice = choose_metric(told, "accuracy")
    assert choice is not None
    assert choice.report == 0.2


def test_held_out_data_comes_before_data_that_nobody_named() -> None:
    told = Progress(metrics=(reading("accuracy", 0.8, "validation"), reading("accuracy", 0.99, "unknown")))
    choice = choose_metric(told, "accuracy")
    assert choice is not None
    assert (choice.report, choice.report_split) == (0.8, "validation")


def test_what_a_call_measured_comes_before_what_was_printed() -> None:
    told = Progress(
        metrics=(
            reading("accuracy", 0.8, "test", "sklearn.accuracy_score"),
            reading("accuracy", 0.9, "test", "stdout:4"),
        )
    )
    choice = choose_metric(told, "accuracy")
    assert choice is not None
    assert choice.report == 0.8


def test_the_best_of_the_epochs_counts_only_where_no_last_value_was_told_and_is_called_so() -> None:
    best = reading("best_accuracy", 0.98, "validation", "stdout:9", text="Best val acc 0.98 at epoch 7")
    last = reading("accuracy", 0.95, "validation", "stdout:8")
    both, only = (choose_metric(Progress(metrics=told), "accuracy") for told in ((last, best), (best,)))
    assert both is not None
    assert only is not None
    assert (both.report, only.report) == (0.95, 0.98)
    assert only.says.startswith("the best validation accuracy from the printed line")


PRINTED = reading("accuracy", 0.9, "unknown", "stdout:3", line=12, text="accuracy: 0.9")


@pytest.mark.parametrize(
    ("line", "split", "report_split"),
    [(12, "test", "test"), (12, "validation", "validation"), (13, "test", "unknown")],
)
def test_reading_the_source_tells_the_data_of_the_line_that_it_read(
    line: int, split: Split, report_split: Split
) -> None:
    choice = choose_metric(
        Progress(metrics=(PRINTED,)), None, MetricGuess("accuracy", "print", split, "max", line)
    )
    assert choice is not None
    assert choice.report_split == report_split


def test_a_printed_value_that_the_source_shows_to_be_of_training_data_is_refused_unless_insisted_on() -> None:
    told, guess = Progress(metrics=(PRINTED,)), MetricGuess("accuracy", "print", "train", "max", 12)
    assert choose_metric(told, None, guess) is None
    message, fix = missing_metric(told, None, guess)
    assert message.startswith("the script measures accuracy on its training data only")
    assert "test accuracy" in fix
    assert "--metric train_accuracy" in fix
    insisted = choose_metric(told, "train accuracy", guess)
    assert insisted is not None
    assert (insisted.report, insisted.report_split) == (0.9, "train")


def test_a_metric_on_held_out_data_comes_before_accuracy_on_training_data() -> None:
    told = Progress(metrics=(reading("accuracy", 0.99, "train"), reading("f1", 0.8, "test")))
    choice = choose_metric(told, None)
    assert choice is not None
    assert (choice.name, choice.report) == ("f1", 0.8)


def test_training_data_is_never_taken_for_the_metric_unless_asked_for() -> None:
    told = keras(reading("accuracy", 0.99, "train"), accuracy=(0.9, 0.99))
    choice = choose_metric(told, "accuracy")
    assert choice is not None
    assert (choice.curve, choice.selection, choice.report, choice.proxy) == ((), None, None, 0.99)
    assert "to compare paused trials only" in choice.says
    asked = choose_metric(told, "train_accuracy")
    assert asked is not None
    assert (asked.curve, asked.report) == ((0.9, 0.99), 0.99)


def test_a_training_metric_that_is_only_told_at_the_end_is_none_at_all() -> None:
    assert choose_metric(Progress(metrics=(reading("accuracy", 0.99, "train"),)), "accuracy") is None


@pytest.mark.parametrize("wanted", ["acc", "Accuracy", "test_accuracy", "sparse_categorical_accuracy"])
def test_many_names_are_one_metric(wanted: str) -> None:
    choice = choose_metric(Progress(metrics=(reading("accuracy", 0.9, "test"),)), wanted)
    assert choice is not None
    assert choice.report == 0.9


def test_a_name_that_tells_the_data_is_held_to_it() -> None:
    told = keras(reading("accuracy", 0.91, "test"), val_accuracy=(0.5, 0.93))
    choice = choose_metric(told, "val_accuracy")
    assert choice is not None
    assert (choice.report, choice.report_source) == (0.93, "keras.fit")
    assert choose_metric(Progress(metrics=(reading("accuracy", 0.9, "test"),)), "val_accuracy") is None


def test_a_printed_number_stands_for_the_test_metric_that_was_asked_for() -> None:
    printed = reading("accuracy", 0.9, "unknown", "stdout:3", text="accuracy: 0.9")
    choice = choose_metric(Progress(metrics=(printed,)), "test_accuracy")
    assert choice is not None
    assert choice.report == 0.9
    assert choice.says == 'accuracy from the printed line "accuracy: …"'


@pytest.mark.parametrize(
    ("names", "guess", "chosen"),
    [
        (("f1", "accuracy", "loss"), "f1", "accuracy"),
        (("f1", "recall"), "F1-score", "f1"),
        (("mae", "loss"), None, "mae"),
        (("loss",), None, "loss"),
        (("my_score",), "accuracy", "my_score"),
        (("f1", "recall"), None, None),
        ((), "accuracy", None),
    ],
)
def test_without_a_name_accuracy_then_the_guess_then_the_only_one(
    names: tuple[str, ...], guess: str | None, chosen: str | None
) -> None:
    told = Progress(metrics=tuple(reading(name, 0.5, "test") for name in names))
    guessed = None if guess is None else MetricGuess(guess, "keras.fit", "test", "max")
    choice = choose_metric(told, None, guessed)
    assert (None if choice is None else choice.name) == chosen


def test_a_curve_ends_where_it_is_no_number_any_more() -> None:
    choice = choose_metric(keras(val_accuracy=(0.5, NAN, 0.6)), "accuracy")
    assert choice is not None
    assert (choice.curve, choice.selection) == ((0.5,), 0.5)


def test_a_curve_that_ends_before_the_training_is_not_what_finished_trials_are_compared_by() -> None:
    told = Progress(
        epochs_done=4,
        metrics=(reading("accuracy", 0.6, "validation", "xgboost.cv"),),
        curves={("accuracy", "validation"): (0.8, 0.9, NAN, 0.6)},
    )
    choice = choose_metric(told, "accuracy")
    assert choice is not None
    assert (choice.curve, choice.selection, choice.report) == ((0.8, 0.9), 0.6, 0.6)


def test_a_missing_metric_says_what_was_seen_instead() -> None:
    told = keras(reading("accuracy", 0.9, "test"), loss=(0.1,))
    message, fix = missing_metric(told, "f1")
    assert message == "the script reported no 'f1'; it reported train_loss, test_accuracy"
    assert fix == "name one of them with --metric: train_loss, test_accuracy"


def test_a_script_that_reports_nothing_is_told_what_was_looked_for() -> None:
    message, fix = missing_metric(Progress(), None)
    assert message.startswith(
        "no metric was found in Keras fit and evaluate, scikit-learn scores, printed lines"
    )
    assert "accuracy: 0.98" in fix


def test_several_metrics_ask_for_a_choice() -> None:
    told = Progress(metrics=(reading("f1", 1, "test"), reading("recall", 1, "unknown")))
    assert missing_metric(told, None)[0] == "the script reported several metrics: test_f1, recall"
