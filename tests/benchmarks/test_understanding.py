"""The judge of `inspect`: what it counts for, against and neither way, on a script with labels of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import corpus_judging
import corpus_places
import corpus_table
import pytest
import understanding
from corpus_labels import Labelled, MetricRow, Row, read_labels

from pushtune.model.analysis import Knob, MetricGuess, Span, Style
from pushtune.model.space import Domain

SCRIPT = """\
import keras

(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
model = keras.Sequential([
    keras.layers.Flatten(),
    keras.layers.Dense(128, activation="relu"),
    keras.layers.Dropout(0.25),
    keras.layers.Dense(10, activation="softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=64, epochs=3, validation_data=(x_test, y_test))
"""
LABELS = (
    ("6", "128", "units", "literal", "knob", "", "hidden width"),
    ("7", "0.25", "dropout", "literal", "knob", "", ""),
    ("8", "10", "class_count", "literal", "never", "", "ten digits"),
    ("10", "model.compile", "learning_rate", "implicit", "knob", "", "Adam's default"),
    ("11", "64", "batch_size", "literal", "knob", "", ""),
    ("11", "3", "epochs", "literal", "knob", "", ""),
    ("6", '"relu"', "activation", "literal", "maybe", "", ""),
)
METRICS = (("keras", "MLP", "val_accuracy", "test", "max", "yes"),)
OWNER, PATH = "someone/scripts", "digits/train.py"


def write_labels(
    folder: Path, labels: tuple[tuple[str, ...], ...] = LABELS, metrics: tuple[tuple[str, ...], ...] = METRICS
) -> None:
    head = ["repo", "path", "line", "text", "role", "style", "verdict", "tied_lines", "why"]
    _write_table(folder / "labels.tsv", head, labels)
    head = ["repo", "path", "framework", "kind", "metric", "split", "direction", "runs_today"]
    _write_table(folder / "metrics.tsv", head, metrics)


def _write_table(path: Path, head: list[str], rows: tuple[tuple[str, ...], ...]) -> None:
    lines = [head, *([OWNER, PATH, *row] for row in rows)]
    path.write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A folder with one script and its labels."""
    file = tmp_path / "someone+scripts" / PATH
    file.parent.mkdir(parents=True)
    file.write_text(SCRIPT, encoding="utf-8")
    write_labels(tmp_path)
    return tmp_path


def measured(corpus: Path) -> dict[str, float]:
    return understanding.figures(understanding.measure(corpus, corpus))


def test_a_script_that_is_understood(corpus: Path) -> None:
    found = measured(corpus)
    assert [found[figure] for figure in corpus_table.FIGURES] == [1.0, 1.0, 1.0, 1.0]
    assert found["values"] == 5


def test_what_is_absent_is_skipped_and_named(corpus: Path) -> None:
    with (corpus / "metrics.tsv").open("a", encoding="utf-8") as table:
        table.write("nobody/nothing\tgone.py\ttorch\tCNN\tloss\ttest\tmin\tyes\n")
    found = understanding.measure(corpus, corpus)
    assert found.skipped == ("nobody/nothing/gone.py: absent",)
    assert understanding.figures(found)["scripts"] == 1


def test_another_revision_is_not_judged_by_these_labels(corpus: Path) -> None:
    with (corpus / "metrics.tsv").open("a", encoding="utf-8") as table:
        table.write("someone/scripts\tother.py\tkeras\tMLP\taccuracy\ttest\tmax\tyes\n")
    with (corpus / "labels.tsv").open("a", encoding="utf-8") as table:
        table.write("someone/scripts\tother.py\t6\t256\tunits\tliteral\tknob\t\t\n")
    (corpus / "someone+scripts" / "other.py").write_text(SCRIPT, encoding="utf-8")
    found = understanding.measure(corpus, corpus)
    assert found.skipped == (
        "someone/scripts/other.py: not the labelled revision, line 6 does not hold '256'",
    )


def test_a_folder_without_any_of_the_scripts_is_refused(corpus: Path) -> None:
    with pytest.raises(SystemExit, match="none of the labelled scripts"):
        understanding.measure(corpus / "digits", corpus)


def test_a_script_that_does_not_parse_has_all_wrong_that_could_be_right(corpus: Path) -> None:
    (corpus / "someone+scripts" / PATH).write_text(SCRIPT + "print 'done'\n", encoding="utf-8")
    found = understanding.measure(corpus, corpus)
    share = found.verdicts[0].shares
    assert [str(share[figure]) for figure in ("kind_right", "values_reached", "metric_right")] == [
        "0/1",
        "0/5",
        "0/1",
    ]
    assert "knobs_accepted" not in share
    assert all("declined" in miss.why for miss in found.verdicts[0].misses)


def test_an_offered_value_without_a_label_counts_against(corpus: Path) -> None:
    write_labels(corpus, tuple(row for row in LABELS if row[1] != "0.25"))
    verdict = understanding.measure(corpus, corpus).verdicts[0]
    (miss,) = [miss for miss in verdict.misses if miss.figure == "knobs_accepted"]
    assert (miss.line, miss.text) == (7, "0.25")
    assert "unlabelled" in miss.why


def test_a_maybe_counts_neither_way(corpus: Path) -> None:
    found = understanding.measure(corpus, corpus).verdicts[0]
    assert (str(found.shares["knobs_accepted"]), found.uncounted) == ("5/5", 1)


def test_the_metric_needs_the_split_too(corpus: Path) -> None:
    write_labels(corpus, LABELS, (("keras", "MLP", "val_accuracy", "validation", "max", "yes"),))
    assert measured(corpus)["metric_right"] == 0.0


def test_scripts_of_which_only_the_kind_is_known_count_apart(corpus: Path) -> None:
    (corpus / "someone+scripts" / "forest.py").write_text("import sklearn\n", encoding="utf-8")
    (corpus / "scripts.tsv").write_text(
        f"repo\tpath\tframework\tkind\n{OWNER}\tforest.py\tsklearn\ttree-ens\n{OWNER}\t{PATH}\tkeras\tMLP\n",
        encoding="utf-8",
    )
    found = measured(corpus)
    assert (found["scripts"], found["scripts_listed"]) == (1, 2)
    assert (found["kind_right"], found["kind_right_listed"]) == (1.0, 0.5)


# Places: by line and text, and an argument left out by its call and its role.


def row(line: int, text: str, verdict: str = "knob", tied: tuple[int, ...] = (), role: str = "units") -> Row:
    return Row(line, text, role, "literal", verdict, tied, "")


def knob(*places: tuple[int, int, int], role: str = "units", style: Style = "literal") -> Knob:
    spans = tuple(Span("train.py", line, start, line, end) for line, start, end in places)
    return Knob(f"x.{role}", role, "train.py", places[0][0], 32, style, Domain("int", 1, 64), spans)


CONVOLUTIONS = "a = Conv(1, 32, 3, 1)\nb = Conv(32, 64, 3, 1)\nc = Linear(32, 10)\n"


def places(*rows: Row) -> list[corpus_places.Place]:
    return corpus_places.find_places(CONVOLUTIONS, rows)


def test_a_number_inside_another_is_not_meant() -> None:
    (place,) = places(row(1, "3"))
    assert (place.start, place.end) == ((1, 16), (1, 17))


def test_the_shorter_of_two_labels_on_one_value_decides() -> None:
    found = places(row(1, "3, 1", "never"), row(1, "3"))
    assert corpus_judging.verdict_of(knob((1, 16, 17)), found)[0] == "knob"
    assert corpus_judging.verdict_of(knob((1, 19, 20)), found)[0] == "never"


def test_a_width_that_the_next_layer_repeats_changes_with_it() -> None:
    tied = places(row(1, "32", tied=(2,)), row(2, "32", "never"))
    assert corpus_judging.verdict_of(knob((1, 12, 14), (2, 9, 11)), tied)[0] == "knob"


def test_a_never_that_is_tied_to_nothing_decides() -> None:
    loose = places(row(1, "32"), row(3, "32", "never"))
    assert corpus_judging.verdict_of(knob((1, 12, 14), (3, 11, 13)), loose)[0] == "never"


def test_an_argument_left_out_is_found_by_its_call_and_role() -> None:
    text = "model = Pipe(\n    SGD(\n        model,\n    ),\n)\n"
    wanted = Row(2, "SGD", "momentum", "implicit", "knob", (), "")
    (place,) = corpus_places.find_places(text, (wanted,))
    assert place.holds(knob((3, 13, 13), role="momentum", style="implicit"))
    assert not place.holds(knob((3, 13, 13), role="nesterov", style="implicit"))
    assert not place.holds(knob((5, 0, 0), role="momentum", style="implicit"))
    assert not place.holds(knob((3, 8, 13), role="momentum"))


def test_columns_count_characters_not_bytes() -> None:
    wanted = Row(1, "SGD", "momentum", "implicit", "knob", (), "")
    (place,) = corpus_places.find_places("é = SGD(1); y = 2\n", (wanted,))
    assert (place.start, place.end) == ((1, 4), (1, 10))


@pytest.mark.parametrize(
    ("said", "labelled", "same"),
    [
        ("accuracy", "Accuracy of the network", True),
        ("accuracy", "정확률 (accuracy)", True),
        ("accuracy", "Test score with L1 penalty", True),
        ("loss", "cost", True),
        ("logloss", "eval-logloss", True),
        ("loss", "eval-logloss", False),
        ("mse", "mean squared error (MSE)", True),
        ("error", "test-error-mean", True),
        ("accuracy", "val loss", False),
        ("score", "accuracy", False),
    ],
)
def test_names_of_metrics(said: str, labelled: str, same: bool) -> None:
    guess = MetricGuess(said, "print", "test", "max")
    assert corpus_judging.same_metric(guess, MetricRow(labelled, "test", "max", "yes")) is same


def test_a_direction_that_differs_is_another_metric() -> None:
    guess = MetricGuess("loss", "print", "test", "max")
    assert not corpus_judging.same_metric(guess, MetricRow("loss", "test", "min", "yes"))
    assert not corpus_judging.same_metric(None, MetricRow("loss", "test", "min", "yes"))


# The command.


def test_the_command_writes_json_and_keeps_the_rest_of_the_page(corpus: Path, tmp_path: Path) -> None:
    page = tmp_path / "understanding.md"
    page.write_text(f"# Page\n\n{corpus_table.BEGIN}\nold\n{corpus_table.END}\n\nMore.\n", encoding="utf-8")
    command = Path(understanding.__file__)
    written = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, command, corpus, "--json", written, "--markdown", page],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "values_reached: 1.000" in done.stdout
    body = json.loads(written.read_text(encoding="utf-8"))
    assert body.keys() == {"name", "date", "machine", "figures"}
    assert body["figures"]["kind_right"] == 1.0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Page\n\n")
    assert text.endswith("\n\nMore.\n")
    assert "| someone/scripts/digits/train.py | keras | yes | 5/5 | 5/5 | 1 | yes |" in text
    assert "old" not in text


def test_labels_are_read_as_they_stand(corpus: Path) -> None:
    (script,) = read_labels(corpus)
    assert isinstance(script, Labelled)
    assert script.rows[-1].text == '"relu"'
    assert script.file(corpus).is_file()
