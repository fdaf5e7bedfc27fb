"""What counts as a printed metric value, and what does not."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushtune_probe import text_patterns, wire
from pushtune_probe.metric_log import MetricLog
from pushtune_probe.text_lines import reader
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
        ("Got 9605 / 10000 with accuracy 96.05", [("accuracy", 0.9605, "unknown")]),
        ("Accuracy: 9,906 / 10,000", [("accuracy", 0.9906, "unknown")]),
        ("9600/10000 correct", [("accuracy", 0.96, "unknown")]),
        ("Correct: 9600/10000 (96%)", [("accuracy", 0.96, "unknown")]),
        ("10-fold CV accuracy: 0.95 (+/- 0.02)", [("accuracy", 0.95, "validation")]),
        ("cross-validation accuracy: [0.97, 0.98, 0.99]", [("accuracy", 0.98, "validation")]),
        ("loss per epoch: 1", [("loss", 1.0, "unknown")]),
        ("Best acc 0.98 at epoch 7", [("best_accuracy", 0.98, "unknown")]),
        ("best_val_acc=0.97", [("best_accuracy", 0.97, "validation")]),
        ("MSE: 1,234.5", [("mse", 1234.5, "unknown")]),
        ("MSE: 1,234,567", [("mse", 1234567.0, "unknown")]),
        ("Verlust: 0,123", [("loss", 0.123, "unknown")]),
        ("accuracy: np.float64(0.98)", [("accuracy", 0.98, "unknown")]),
        ("acc: tensor(0.9810, device='cuda:0')", [("accuracy", 0.981, "unknown")]),
        ("acc: <tf.Tensor: shape=(), dtype=float32, numpy=0.98>", [("accuracy", 0.98, "unknown")]),
        ("{'eval_accuracy': '0.91'}", [("accuracy", 0.91, "unknown")]),
        ("INFO:root:epoch 3 acc 0.9", [("accuracy", 0.9, "unknown")]),
        ("[2024-01-02 12:00:01] valid acc 0.9", [("accuracy", 0.9, "validation")]),
        ("\x1b[32mAccuracy: 0.98\x1b[0m", [("accuracy", 0.98, "unknown")]),
        ("│  test_acc  │  0.97  │", [("accuracy", 0.97, "test")]),
        (
            " * Acc@1 76.1 Acc@5 92.8",
            [("accuracy", 0.761, "unknown"), ("top_k_accuracy", 0.928, "unknown")],
        ),
        ("Reached 99.0% accuracy so cancelling training!", [("accuracy", 0.99, "unknown")]),
        ("a test accuracy of 98.1%", [("accuracy", 0.981, "test")]),
        ("test error: 5.2%, accuracy: 94.8%", [("error", 0.052, "test"), ("accuracy", 0.948, "test")]),
        ("train error: 0.05", [("error", 0.05, "train")]),
        ("Training finished! Accuracy = 0.97", [("accuracy", 0.97, "unknown")]),
        # The plain one of two is the training data's, and so is what a batch reports on its way.
        ("acc: 0.9 - val_acc: 0.8", [("accuracy", 0.9, "train"), ("accuracy", 0.8, "validation")]),
        ("Epoch [1/5], Step [100/600], Loss: 0.5", [("loss", 0.5, "train")]),
        ("Train Epoch: 1 [640/60000 (1%)]\tLoss: 2.3", [("loss", 2.3, "train")]),
        ("  3%|# | 12/400 [00:01<00:30, 12.5it/s, loss=0.5]", [("loss", 0.5, "train")]),
        (
            "[10]\ttrain-logloss:0.2\teval-logloss:0.3",
            [("logloss", 0.2, "train"), ("logloss", 0.3, "unknown")],
        ),
        # Other languages:
        ("La précision globale est de 0.98", [("accuracy", 0.98, "unknown")]),
        ("Die Genauigkeit beträgt 98,1 %", [("accuracy", 0.981, "unknown")]),
        ("A acurácia é 0.9", [("accuracy", 0.9, "unknown")]),
        ("Accuratezza sul test: 0.9", [("accuracy", 0.9, "test")]),
        ("准确率为0.98", [("accuracy", 0.98, "unknown")]),
        ("テスト精度は0.98", [("accuracy", 0.98, "test")]),
        ("정확률 =  99.4 %", [("accuracy", 0.994, "unknown")]),
        ("Doğruluk: %95.3", [("accuracy", 0.953, "unknown")]),
        ("Akurasi: 95.3 %", [("accuracy", 0.953, "unknown")]),
        # No metric values:
        ("error 404", []),
        ("accept: 0.5, account: 3.2", []),
        ("Epochs: 10, batch size: 32, time: 3.2s", []),
        ("acc: 12.5s", []),
        ("accuracy: 250", []),
        ("Accuracy for class: plane is 92.7 %", []),
        ("precision    recall  f1-score   support", []),
        ("accuracy of the 10000", []),
        ("accuracy of 50 images", []),
        ("class 3 accuracy: 0.9", []),
        ("0.98", []),
    ],
)
def test_lines(line: str, expected: list[object]) -> None:
    assert [(found.name, found.value, found.split) for found in Scanner().find(line)] == expected


def found_in(text: str) -> list[tuple[str, float, str]]:
    lines = reader(None)
    return [(item.name, item.value, item.split) for line in text.splitlines() for item in lines.find(line)]


def test_a_classification_report_gives_its_averages_and_no_class() -> None:
    report = """
                  precision    recall  f1-score   support

               0       0.11      0.12      0.13        10
               1       0.21      0.22      0.23        10

        accuracy                           0.31        20
       macro avg       0.41      0.42      0.43        20
    weighted avg       0.51      0.52      0.53        20
    """
    assert found_in(report) == [
        ("accuracy", 0.31, "unknown"), ("f1", 0.43, "unknown"), ("f1_weighted", 0.53, "unknown"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "table",
    [
        "epoch | acc | val_acc\n------|-----|------\n1 | 0.5 | 0.4",
        "epoch\tacc\tval_acc\n1\t0.5\t0.4",
        "epoch  acc  val_acc\n    1  0.5  0.4",
        "epoch,acc,val_acc\n1,0.5,0.4",
        "+-------+-----+---------+\n| epoch | acc | val_acc |\n+=======+=====+=========+\n| 1 | 0.5 | 0.4 |",
        "   acc  val_acc\n0  0.5  0.4",
    ],
)
def test_tables_are_read_by_their_header(table: str) -> None:
    assert found_in(table) == [("accuracy", 0.5, "train"), ("accuracy", 0.4, "validation")]


def test_what_comes_below_a_table_is_no_row_of_it() -> None:
    assert found_in("epoch | acc\n1 | 0.5\ndone | really\n2 | 0.7") == [("accuracy", 0.5, "unknown")]


def test_several_models_are_each_reported_where_there_is_no_total() -> None:
    text = "Accuracy of SVM: 0.6\nAccuracy of KNN : 0.7"
    assert found_in(text) == [("accuracy", 0.6, "unknown"), ("accuracy", 0.7, "unknown")]


WORDS = st.sampled_from(
    ["accuracy", "Acc", "val_", "loss", "of ", "the ", " ", "\t", ":", "=", "|", "%", "[", "]", "(",
     "tensor(",
     "1", "0.9", "1e999", "class 3", "correct", "best",
     "9/10", ",", "epoch ", "Best ", "nan", "é", "准确率", "\x1b[0m", "1e9",
     "precision recall f1-score", "-", "ſ", "İ"]
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(st.lists(WORDS | st.text(max_size=3), max_size=30).map("".join), max_size=6))
def test_whatever_is_printed_it_is_read_without_an_error(lines: list[str]) -> None:
    read = reader("my measure")
    for line in lines:
        for found in read.find(line):
            assert found.name
            assert found.split in ("train", "validation", "test", "unknown")
            assert found.tolerance >= 0 or math.isnan(found.tolerance)


@pytest.mark.parametrize(
    "pattern",
    [
        text_patterns.labelled(["accuracy"]),
        text_patterns.backwards(["accuracy"]),
        text_patterns.COUNTED,
        text_patterns.QUOTIENT,
        text_patterns.STEP,
    ],
)
def test_every_repetition_is_bounded_so_that_the_work_grows_with_the_line(pattern: str) -> None:
    plain = re.sub(r"\\.|\[(?:\\.|[^\]])*\]", "x", pattern)
    assert not re.search(r"[*+]|\{\d*,\}", plain)


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


def test_a_text_that_tells_the_data_says_more_than_the_call_that_could_not() -> None:
    log = MetricLog()
    log.add("accuracy", 0.98, "unknown")
    found = Scanner().find("Test accuracy: 0.98")[0]

    assert not log.is_copy(found.name, found.value, found.tolerance, found.split)
    assert log.is_copy(found.name, found.value, found.tolerance)


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
