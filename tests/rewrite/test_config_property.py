"""Whatever is assigned: the file reads as its format, differs in the values alone, and comes back."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import pytest
from config_scripts import FILES, configured
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pushtune.model.space import Assignment, Domain, Value
from pushtune.rewrite import Rewriter
from pushtune.source import undo_edits
from pushtune.source.documents import format_of

NEWLINES = ("\n", "\r\n")


@cache
def read(form: str, newline: str) -> Rewriter:
    with tempfile.TemporaryDirectory() as folder:
        return configured(Path(folder), form, FILES[form].replace("\n", newline))


def drawn(domain: Domain) -> st.SearchStrategy[Value]:
    if domain.type == "categorical":
        return st.sampled_from(domain.choices)
    assert domain.low is not None
    assert domain.high is not None
    return (
        st.integers(int(domain.low), int(domain.high))
        if domain.type == "int"
        else st.floats(domain.low, domain.high)
    )


@pytest.mark.parametrize("newline", NEWLINES)
@pytest.mark.parametrize("form", FILES)
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_assignment_reads_back_and_is_undone(form: str, newline: str, data: st.DataObject) -> None:
    found = read(form, newline)
    shown = [knob for knob in found.discovery.knobs if knob.style == "config"]
    values = data.draw(st.fixed_dictionaries({}, optional={k.name: drawn(k.domain) for k in shown}))
    candidate = found.apply(Assignment.of(values))
    path = f"config.{form}"
    source = found.program.module(path).source
    after = candidate.files[-1].data.decode()
    content = format_of(path).load(after)
    for knob in shown:
        part = content
        for key in knob.name.split(".")[1:]:
            name, _, _number = key.partition("_0")
            part = part[name][0] if key.endswith("_0") else part[key]
        expected = values.get(knob.name, knob.value)
        assert (float(part) if isinstance(expected, float) else part) == expected
    here = [edit for edit in candidate.edits if edit.span.file == path]
    assert undo_edits(source, here, after) == source.text
