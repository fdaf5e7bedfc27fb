"""Whatever the assignment: the file parses, differs inside the edits alone, and comes back byte for byte."""

from __future__ import annotations

import ast
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from samples import SAMPLES

from pushtune.errors import InfeasibleError
from pushtune.model.analysis import Candidate, Script, ScriptFile
from pushtune.model.space import Assignment, Domain, Value, canonical
from pushtune.rewrite import Rewriter
from pushtune.source import SourceText, undo_edits


@cache
def read(name: str) -> Rewriter:
    return Rewriter(script(SAMPLES[name]))


def script(data: bytes) -> Script:
    return Script("/nowhere", "train.py", (ScriptFile("train.py", data),))


def values_of(domain: Domain) -> st.SearchStrategy[Value]:
    if domain.type == "categorical":
        return st.sampled_from(domain.choices)
    assert domain.low is not None
    assert domain.high is not None
    if domain.type == "int":
        return st.integers(int(domain.low), int(domain.high))
    return st.floats(domain.low, domain.high)


def assignments(found: Rewriter, *, moves: bool) -> st.SearchStrategy[Assignment]:
    names = {
        p.name: values_of(p.domain)
        for p in found.discovery.space.parameters
        if moves or p.name in values_named(found)
    }
    epochs = found.discovery.space.epochs
    if epochs is not None:
        names[epochs.parameter] = st.integers(1, epochs.maximum)
    return st.fixed_dictionaries({}, optional=names).map(Assignment.of)


def values_named(found: Rewriter) -> set[str]:
    """Return the knobs: what a second reading finds again under the same name."""
    return {knob.name for knob in found.discovery.knobs}


def applied(found: Rewriter, assignment: Assignment) -> Candidate:
    """Apply ``assignment``; one that gives no buildable network is not looked at."""
    try:
        return found.apply(assignment)
    except InfeasibleError:
        reject()


ANY = settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("name", SAMPLES)
@ANY
@given(data=st.data())
def test_edits_are_exact_and_can_be_undone(name: str, data: st.DataObject) -> None:
    found = read(name)
    candidate = applied(found, data.draw(assignments(found, moves=True)))
    source = found.program.entry.source
    after = SourceText.read(candidate.files[0])
    assert undo_edits(source, candidate.edits, after.text) == source.text
    assert source.encode(undo_edits(source, candidate.edits, after.text)) == SAMPLES[name]


@pytest.mark.parametrize("name", SAMPLES)
@ANY
@given(data=st.data())
def test_the_candidate_is_found_to_hold_what_was_assigned(name: str, data: st.DataObject) -> None:
    found = read(name)
    assignment = data.draw(assignments(found, moves=False))
    candidate = applied(found, assignment)
    again = {knob.name: knob.value for knob in Rewriter(script(candidate.files[0].data)).discovery.knobs}
    before = {knob.name: knob.value for knob in found.discovery.knobs}
    assert again == {**before, **canonical(found.discovery.space, assignment).as_dict()}


@pytest.mark.parametrize("name", SAMPLES)
def test_git_accepts_the_diff_and_makes_the_candidate(name: str) -> None:
    found = read(name)
    everything = {
        p.name: other(p.domain, p.default)
        for p in found.discovery.space.parameters
        if p.name in values_named(found)
    }
    candidate = found.apply(Assignment.of(everything))
    assert candidate.diff.startswith("--- a/train.py\n+++ b/train.py\n")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "train.py")
        path.write_bytes(SAMPLES[name])
        patch = candidate.diff.encode("utf-8", "surrogateescape")
        subprocess.run(["git", "apply", "--whitespace=nowarn", "-"], cwd=folder, input=patch, check=True)
        assert path.read_bytes() == candidate.files[0].data


def other(domain: Domain, value: Value) -> Value:
    """Return some value of ``domain`` that is not ``value``."""
    ends = domain.choices or (domain.low, domain.high)
    picked = next(end for end in ends if end != value)
    return int(picked) if domain.type == "int" and isinstance(picked, float) else picked


@pytest.mark.parametrize("name", SAMPLES)
def test_the_empty_assignment_is_the_authors_script(name: str) -> None:
    found = read(name)
    defaults = Assignment.of({p.name: p.default for p in found.discovery.space.parameters})
    for assignment in (Assignment(), defaults):
        candidate = found.apply(assignment)
        assert (candidate.files[0].data, candidate.edits, candidate.diff) == (SAMPLES[name], (), "")


@pytest.mark.parametrize("name", SAMPLES)
def test_every_span_holds_the_value_that_is_shown(name: str) -> None:
    found = read(name)
    assert found.discovery.knobs
    for knob in found.discovery.knobs:
        for span in knob.spans if knob.style != "implicit" else ():
            assert ast.literal_eval(found.program.entry.source.segment(span)) == knob.value


def test_names_are_unique_and_domains_hold_the_authors_values() -> None:
    for name in SAMPLES:
        space = read(name).discovery.space
        names = [parameter.name for parameter in space.parameters]
        assert len(names) == len(set(names))
        assert all(parameter.domain.contains(parameter.default) for parameter in space.parameters)
