"""Metrics that a script only prints are found; what it prints comes out as it went in."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.probe.running import Attempt


def test_a_labelled_value_is_reported_with_its_line(tmp_path: Path) -> None:
    ran = Attempt(tmp_path, "print('hello')\nprint('Test accuracy: 98.1%')").run()
    metric = ran.one("metric")

    assert (metric["name"], metric["value"], metric["split"]) == ("accuracy", 0.981, "test")
    assert metric["source"] == "stdout:2"
    assert metric["text"] == "Test accuracy: 98.1%"
    assert ran.output == "hello\nTest accuracy: 98.1%\n"


def test_standard_error_and_logging_are_read_too(tmp_path: Path) -> None:
    source = "import logging; logging.basicConfig(level=20); logging.info('val_acc=%.2f', 0.97)"
    ran = Attempt(tmp_path, source).run()

    assert ran.metrics() == [("accuracy", 0.97, "validation")]
    assert ran.sources() == ["stderr:1"]


@pytest.mark.parametrize(
    ("last", "metric", "expected"),
    [
        ("print(0.9731)", None, [("value", 0.9731, "unknown")]),
        ("print(0.9731)\nprint()", "accuracy", [("accuracy", 0.9731, "unknown")]),
        ("print('97.31 %')", "accuracy", [("accuracy", 0.9731, "unknown")]),
        ("import sys; sys.stdout.write('0.9731')", None, [("value", 0.9731, "unknown")]),
        ("print(0.9731)\nprint('saved to disk')", None, []),
        ("print(42)", None, []),
        ("print(0.5, 0.7)", None, []),
    ],
)
def test_a_bare_number_counts_only_on_the_last_line(
    tmp_path: Path, last: str, metric: str | None, expected: list[object]
) -> None:
    assert Attempt(tmp_path, last, metric=metric).run().metrics() == expected


def test_a_metric_named_by_the_developer_is_found_by_its_name(tmp_path: Path) -> None:
    ran = Attempt(tmp_path, "print('BLEU = 31.5, chrF = 12.0')", metric="bleu").run()

    assert ran.metrics() == [("bleu", 31.5, "unknown")]


def test_a_progress_bar_counts_once_with_what_it_shows_last(tmp_path: Path) -> None:
    source = """
        import sys
        for step in range(1, 6):
            sys.stdout.write("\\r%d/5 acc: 0.%d" % (step, step))
        print()
    """
    assert Attempt(tmp_path, source).run().metrics() == [("accuracy", 0.5, "unknown")]


def test_a_table_is_read_by_its_header(tmp_path: Path) -> None:
    source = """
        print("epoch | train_loss | val_acc")
        for epoch in (1, 2):
            print(f"{epoch:5d} | {1 / epoch:10.4f} | {0.8 + epoch / 20:7.3f}")
    """
    ran = Attempt(tmp_path, source).run()

    assert ran.metrics() == [
        ("loss", 1.0, "train"), ("accuracy", 0.85, "validation"),
        ("loss", 0.5, "train"), ("accuracy", 0.9, "validation"),
    ]  # fmt: skip
    assert [body["step"] for body in ran.all("metric")] == [1, 1, 2, 2]


def test_the_total_counts_and_not_the_lines_for_each_class_below_it(tmp_path: Path) -> None:
    source = """
        print("Accuracy of the network on the 10000 test images: 71 %")
        for name in ("plane", "car", "cat"):
            print(f"Accuracy of {name:5s} : {60.0:2.0f} %")
    """
    assert Attempt(tmp_path, source).run().metrics() == [("accuracy", 0.71, "test")]


def test_the_function_that_prints_tells_the_data_where_the_line_does_not(tmp_path: Path) -> None:
    source = """
        def test(): print("Loss: 0.5, accuracy: 0.9")
        def validate_model(): print("accuracy: 0.8")
        def train(): print("accuracy: 0.7")
        test(); validate_model(); train()
    """
    ran = Attempt(tmp_path, source).run()

    assert ran.metrics() == [
        ("loss", 0.5, "test"), ("accuracy", 0.9, "test"), ("accuracy", 0.8, "validation"),
        ("accuracy", 0.7, "unknown"),
    ]  # fmt: skip
    assert [body["line"] for body in ran.all("metric")] == [2, 2, 3, 4]


def test_the_streams_are_still_streams(tmp_path: Path) -> None:
    source = """
        import io, sys
        assert isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout is sys.__stdout__
        assert sys.stdout.fileno() == 1 and sys.stderr.fileno() == 2
        assert not sys.stdout.isatty() and sys.stdout.encoding.lower() == "utf-8"
        assert sys.stdout.name == "<stdout>" and sys.stdout.mode == "w"
        assert sys.stdin.fileno() == 0 and list(sys.stdin) == []
        sys.stdout.buffer.write(b"\\xff\\xfe no text\\n"); sys.stdout.flush()
        sys.stdout.reconfigure(line_buffering=True)
        print("caf\\xe9", "\\udcff".encode("utf-8", "surrogateescape"))
        sys.stdout = io.StringIO(); print("Accuracy: 0.1"); sys.stdout = sys.__stdout__
        sys.stdin = io.StringIO("42\\n"); assert input() == "42"
        print("Accuracy: 0.8")
    """
    ran = Attempt(tmp_path, source).run(PYTHONIOENCODING="utf-8")

    assert ran.code == 0, ran.output
    assert ran.metrics() == [("accuracy", 0.8, "unknown")]


def test_very_long_output_stays_bounded_and_its_end_is_still_read(tmp_path: Path) -> None:
    source = """
        for step in range(30000):
            print("step", step, "loss: 0.5")
        print("x" * 3_000_000, end="")
        print(" and more")
        print("Test accuracy: 0.91")
    """
    ran = Attempt(tmp_path, source).run()

    assert ran.metrics()[-1] == ("accuracy", 0.91, "test")
    assert ran.sources()[-1] == "stdout:30002"
    assert 2000 <= len(ran.all("metric")) <= 2200
    assert ran.output.count("\n") == 30002


def test_files_that_carry_a_metric_are_read_at_the_end(tmp_path: Path) -> None:
    source = """
        import json
        open("accuracy.txt", "w").write("98.1\\n")
        json.dump({"model": {"val_acc": 0.97, "params": 1200}, "f1": [0.1, 0.8]}, open("metrics.json", "w"))
        open("log.csv", "w").write("epoch,loss,val_loss\\n1,0.9,0.8\\n2,0.5,0.6\\n")
        open("results.txt", "w").write("Trained for 3 epochs.\\nRecall: 0.75\\n")
        open("notes.txt", "w").write("12.5")
        open("broken.json", "w").write("{")
        open("binary.txt", "wb").write(b"\\xff\\x00\\x01 0.3")
    """
    attempt = Attempt(tmp_path, source)
    attempt.file("old/accuracy.txt", "0.1")
    ran = attempt.run()

    assert {(body["source"], body["name"], body["value"], body["split"]) for body in ran.all("metric")} == {
        ("file:accuracy.txt", "accuracy", 0.981, "unknown"),
        ("file:metrics.json", "accuracy", 0.97, "validation"),
        ("file:metrics.json", "f1", 0.8, "unknown"),
        ("file:log.csv", "loss", 0.5, "train"),
        ("file:log.csv", "loss", 0.6, "validation"),
        ("file:results.txt", "recall", 0.75, "unknown"),
    }
    assert ran.all("warning") == []


def test_model_files_of_the_script_are_artifacts(tmp_path: Path) -> None:
    source = """
        import os
        os.makedirs("out/saved/variables")
        for name in ("net.keras", "out/w.weights.h5", "out/saved/saved_model.pb", "out/saved/variables/a.pt"):
            open(name, "wb").write(b"12345")
        open("data.npz", "wb").write(b"12345")
    """
    attempt = Attempt(tmp_path, source)
    attempt.file("given.pt", "")
    artifacts = attempt.run().all("artifact")

    assert [(body["path"], body["bytes"], body["origin"], body["kind"]) for body in artifacts] == [
        ("workspace/out/saved", 10, "script", "model"),
        ("workspace/net.keras", 5, "script", "model"),
        ("workspace/out/w.weights.h5", 5, "script", "model"),
    ]
