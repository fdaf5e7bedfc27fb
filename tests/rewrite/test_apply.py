"""Applying assignments: names and types are checked, and the diff is git's."""

from pathlib import Path

import pytest
from rewriting import rewriter, rewritten
from samples import SEQUENTIAL

from pushtune.errors import InfeasibleError, UsageError
from pushtune.model.analysis import Edit
from pushtune.model.space import Assignment, Value
from pushtune.rewrite import apply, discover
from pushtune.rewrite.base import Transform
from pushtune.rewrite.compose import compose
from pushtune.rewrite.diff import unified_diff


def test_a_name_nobody_knows_is_refused_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no knob or move called 'dense_9\.units'") as caught:
        rewriter(tmp_path, SEQUENTIAL).apply(Assignment.of({"dense_9.units": 3}))
    assert "pushtune inspect" in caught.value.fix


@pytest.mark.parametrize(
    ("name", "value"),
    [("dense_1.units", 1.5), ("dense_1.units", True), ("dense_1.units", "64"), ("dense_1.activation", 3),
     ("dropout_1.rate", "0.5"), ("epochs", 2.5), ("dense_1.units", None)],
)  # fmt: skip
def test_a_value_of_the_wrong_type_is_refused(tmp_path: Path, name: str, value: Value) -> None:
    with pytest.raises(UsageError, match="is not a value for"):
        rewriter(tmp_path, SEQUENTIAL).apply(Assignment.of({name: value}))


def test_a_value_outside_the_domain_may_be_tried(tmp_path: Path) -> None:
    text = rewritten(
        rewriter(tmp_path, SEQUENTIAL), {"dense_1.units": 1100, "dropout_1.rate": 0, "epochs": 99}
    )
    expected = SEQUENTIAL.replace("Dense(128", "Dense(1100").replace("Dropout(0.25)", "Dropout(0.0)")
    assert text == expected.replace("epochs = 12", "epochs = 99")


def test_the_functions_do_what_the_rewriter_does(tmp_path: Path) -> None:
    found = rewriter(tmp_path, SEQUENTIAL)
    assignment = Assignment.of({"dense_1.units": 77})
    assert discover(found.script) == found.discovery
    assert apply(found.script, assignment) == found.apply(assignment)


def test_a_region_is_built_from_the_text_with_the_edits_inside_it(tmp_path: Path) -> None:
    found = rewriter(tmp_path, "a = f(1)\nb = g(2)\n")
    source = found.program.entry.source
    line = source.between(0, 9)
    copied = Transform(
        line, lambda rendered: rendered.of(line) + rendered.of(line, [Edit(source.between(4, 5), "h")])
    )
    edits = compose(
        found.program, [Edit(source.between(6, 7), "64"), copied, Edit(source.between(15, 16), "9")]
    )
    assert [edit.text for edit in edits] == ["a = f(64)\na = h(64)\n", "9"]


def test_insertions_at_one_place_come_one_behind_the_other(tmp_path: Path) -> None:
    found = rewriter(tmp_path, "a = 1\n")
    place = found.program.entry.source.between(6, 6)
    assert compose(found.program, [Edit(place, "b\n"), Edit(place, "c\n")]) == (Edit(place, "b\nc\n"),)


def test_regions_that_cross_are_infeasible(tmp_path: Path) -> None:
    found = rewriter(tmp_path, "a = 1\nb = 2\nc = 3\n")
    between = found.program.entry.source.between
    with pytest.raises(InfeasibleError, match="overlap"):
        compose(
            found.program, [Transform(between(0, 12), lambda _: ""), Transform(between(6, 18), lambda _: "")]
        )


def test_a_name_with_blanks_or_quotes_is_written_as_git_does() -> None:
    assert unified_diff("my file.py", b"a\n", b"b\n").startswith("--- a/my file.py\t\n+++ b/my file.py\t\n")
    assert unified_diff('a"b.py', b"a\n", b"b\n").startswith('--- "a/a\\"b.py"\n')
    assert unified_diff("x.py", b"a", b"b").endswith(
        "-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n"
    )
