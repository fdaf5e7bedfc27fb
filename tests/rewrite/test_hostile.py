"""Source that is hard to read is analysed or declined with a reason, and never edited wrongly."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest
from hostile_scripts import EXECUTED, HOSTILE, SQUEEZED, UNREADABLE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rewriting import knobs, rewriter, rewritten

from pushtune.errors import InfeasibleError, UnparsableError
from pushtune.model.analysis import Script, ScriptFile
from pushtune.model.space import Assignment, Domain, Value
from pushtune.rewrite import Rewriter
from pushtune.source import SourceText, undo_edits


@cache
def read(name: str) -> Rewriter:
    return Rewriter(Script("/nowhere", "train.py", (ScriptFile("train.py", HOSTILE[name]),)))


def drawn(domain: Domain) -> st.SearchStrategy[Value]:
    if domain.type == "categorical":
        return st.sampled_from(domain.choices)
    assert domain.low is not None
    assert domain.high is not None
    if domain.type == "int":
        return st.integers(int(domain.low), int(domain.high))
    return st.floats(domain.low, domain.high)


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_python_cannot_read_is_declined_with_its_place(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnparsableError, match=r"train\.py line \d+: ."):
        rewriter(tmp_path, UNREADABLE[name])


@pytest.mark.parametrize("name", HOSTILE)
@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_assignment_is_exact_and_can_be_undone(name: str, data: st.DataObject) -> None:
    found = read(name)
    parameters = found.discovery.space.parameters
    values = data.draw(st.fixed_dictionaries({}, optional={p.name: drawn(p.domain) for p in parameters}))
    try:
        candidate = found.apply(Assignment.of(values))
    except InfeasibleError:
        return
    source = found.program.entry.source
    after = SourceText.read(candidate.files[0])
    assert source.encode(undo_edits(source, candidate.edits, after.text)) == HOSTILE[name]


@pytest.mark.parametrize("name", HOSTILE)
def test_the_authors_own_values_change_nothing(name: str) -> None:
    found = read(name)
    defaults = {p.name: p.default for p in found.discovery.space.parameters}
    assert found.apply(Assignment.of(defaults)).files[0].data == HOSTILE[name]


@pytest.mark.parametrize("name", HOSTILE)
def test_every_place_holds_the_value_that_is_shown(name: str) -> None:
    found = read(name)
    source = found.program.entry.source
    assert found.discovery.knobs
    for knob in found.discovery.knobs:
        for span in knob.spans if knob.style != "implicit" else ():
            assert ast.literal_eval(source.segment(span)) == knob.value


@pytest.mark.parametrize(
    "name", [name for name in HOSTILE if name not in ("dynamic attributes", "decorated training", "globals")]
)
def test_the_rate_is_found_in_all_of_them(name: str) -> None:
    assert 0.5 in knobs(read(name)).values() or name == "walrus and match"


def test_what_exec_may_replace_is_not_sure(tmp_path: Path) -> None:
    shown = {knob.name: knob.certain for knob in rewriter(tmp_path, EXECUTED).discovery.knobs}
    assert (shown["units"], shown["rate"], shown["fit.epochs"]) == (False, False, True)


def test_numbers_do_not_run_into_words(tmp_path: Path) -> None:
    found = rewriter(tmp_path, SQUEEZED)
    named = {knob.value: knob.name for knob in found.discovery.knobs}
    text = rewritten(found, {named[40]: 48, named[0.2]: 0.3, named[0.1]: 0.4})
    assert "L.Dense(48 if x else 16)" in text
    assert "L.Dropout(0.4 if x else 0.3)" in text


def test_quotes_nested_in_an_f_string_are_python_3_12(tmp_path: Path) -> None:
    text = 'd = {"a": 1}\nprint(f"{d["a"]}")\n'
    try:
        ast.parse(text)
    except SyntaxError:
        with pytest.raises(UnparsableError, match=r"train\.py line 2"):
            rewriter(tmp_path, text)
    else:
        assert knobs(rewriter(tmp_path, text)) == {}
