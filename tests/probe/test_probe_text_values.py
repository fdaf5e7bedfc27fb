"""What counts as a printed metric value, and what does not."""

from __future__ import annotations

import math

import pytest

from pushtune_probe import wire
from pushtune_probe.metric_log import MetricLog
from pushtune_probe.text_values import Scanner


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Accuracy: 0.98", [("accuracy", 0.98, "unknown")]),
        ("accuracy = 98.1%", [("accuracy", 0.981, "unknown")]),
        ("Test accuracy: 0.98", [("accuracy", 0.98, "test")]),
        ("acc 98.1", [("accuracy", 0.981, "unknown")]),
        ("val_acc=0.97", [("accuracy", 0.97, "validation")]),
        ("Accuracy: 9906/10000 (99%)", [("accuracy", 0.9906, "unknown")]),
        (
            "Test set: Average loss: 0.03, Accuracy: 9906/10000 (99%)",
            [("loss", 0.03, "test"), ("accuracy", 0.9906, "test")],
        ),
        ("Accuracy of the network on the 10000 test images: 98 %", [("accuracy", 0.98, "test")]),
        ("The accuracy on the validation data is 0.5.", [("accuracy", 0.5, "validation")]),
        (
            "Epoch 3: train loss: 0.3 acc: 0.9 | val loss: 0.4 acc: 0.8",
            [
                ("loss", 0.3, "train"),
                ("accuracy", 0.9, "train"),
                ("loss", 0.4, "validation"),
                ("accuracy", 0.8, "validation"),
            ],
        ),
        ("{'eval_loss': 0.3, 'eval_f1': 0.8}", [("loss", 0.3, "unknown"), ("f1", 0.8, "unknown")]),
        ("R² score: 0.9  MAE: 3.5", [("r2", 0.9, "unknown"), ("mae", 3.5, "unknown")]),
        ("r^2 = -0.25", [("r2", -0.25, "unknown")]),
        ("Mean Squared Error (MSE): 1.5e-3", [("mse", 0.0015, "unknown")]),
        ("RMSE -> 3.2", [("rmse", 3.2, "unknown")]),
        ("ROC AUC Score: 0.91", [("auc", 0.91, "unknown")]),
        ("F1-score: 0.8", [("f1", 0.8, "unknown")]),
        ("Accuracy: tensor(0.9810)", [("accuracy", 0.981, "unknown")]),
        ("Testgenauigkeit: 98,1 %", [("accuracy", 0.981, "test")]),
        ("测试集准确率：0.98", [("accuracy", 0.98, "test")]),
        ("Точность на тесте: 0.98", [("accuracy", 0.98, "test")]),
        ("Exactitud: 0.75", [("accuracy", 0.75, "unknown")]),
        ("Accuracy: 1", [("accuracy", 1.0, "unknown")]),
        # No metric values:
        ("error 404", []),
        ("accept: 0.5, account: 3.2", []),
        ("Epochs: 10, batch size: 32, time: 3.2s", []),
        ("acc: 12.5s", []),
        ("accuracy: 250", []),
        ("Accuracy for class: plane is 92.7 %", []),
        ("precision    recall  f1-score   support", []),
        ("accuracy of the 10000", []),
    ],
)
def test_lines(line: str, expected: list[object]) -> None:
    assert [(found.name, found.value, found.split) for found in Scanner().find(line)] == expected


def test_the_epoch_on_the_line_is_the_step() -> None:
    assert Scanner().find("Epoch 12/20 loss: 0.5")[0].step == 12


def test_numbers_beyond_all_bounds_are_infinite() -> None:
    assert Scanner().find("loss: 1e999")[0].value == math.inf
    assert Scanner().find("loss: 1e-999")[0].value == 0.0


def test_not_a_number_is_found() -> None:
    assert math.isnan(Scanner().find("loss: nan")[0].value)


@pytest.mark.parametrize(
    ("name", "text", "value", "is_copy"),
    [
        ("accuracy", "Accuracy: 98.12%", 0.98117, True),
        ("accuracy", "Accuracy: 0.98", 0.98117, True),
        ("accuracy", "Accuracy: 0.97", 0.98117, False),
        ("loss", "accuracy: 0.98", 0.98117, False),
        ("my_measure", "Accuracy: 0.98", 0.98117, True),
    ],
)
def test_a_printed_copy_is_told_from_another_value(name: str, text: str, value: float, is_copy: bool) -> None:
    log = MetricLog()
    log.add(name, value)
    found = Scanner().find(text)[0]

    assert log.is_copy(found.name, found.value, found.tolerance) is is_copy


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("val_mean_absolute_error", ("mae", "validation")),
        ("mean squared error", ("mse", "unknown")),
        ("mean accuracy", ("accuracy", "unknown")),
        ("test_val_x", ("x", "test")),
    ],
)
def test_a_prefix_is_cut_only_where_it_is_none_of_the_name(name: str, expected: tuple[str, str]) -> None:
    assert wire.canonical_metric(name) == expected
