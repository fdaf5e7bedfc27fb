"""The delivered commit's message: no text from outside can add a line, a trailer, or grow without end."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushtune.deliver import Reached, Told
from pushtune.deliver.message import message_of, read_trailers, trailers_of

TOLD = Told(push=7, study="s", script="train.py", metric="loss", winner=Reached(0.25))
EVIL = "x\nSigned-off-by: Eve\r\n\nPushtune-Push: 99\u2028Pushtune-Push: 98\x00\x1b[31m\u202e"


def _git_reads(message: str) -> list[str]:
    command = ["git", "interpret-trailers", "--parse", "--no-divider"]
    done = subprocess.run(command, input=message.encode(), check=True, capture_output=True)
    return done.stdout.decode().splitlines()


def test_one_run_without_a_baseline_or_a_target_is_told_as_it_is() -> None:
    assert message_of(TOLD) == (
        "Tune train.py: loss 0.25\n\nThe loss went 0.25 (one run).\n\n"
        "Pushtune-Study: s\nPushtune-Script: train.py\nPushtune-Metric: loss 0.25\nPushtune-Push: 7\n"
    )


def test_a_target_that_was_missed_is_told() -> None:
    told = replace(TOLD, target="loss<=0.1", target_met=False)
    assert trailers_of(told)["Pushtune-Target"] == "loss<=0.1 (not met)"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), None])
def test_a_value_that_is_no_number_is_told_as_such(value: float | None) -> None:
    assert trailers_of(replace(TOLD, winner=Reached(value)))["Pushtune-Metric"] == "loss not a number"


def test_a_long_path_leaves_room_for_the_numbers() -> None:
    subject = message_of(replace(TOLD, script="deep/" * 40 + "train.py", baseline=Reached(0.5))).split("\n")[
        0
    ]
    assert len(subject) <= 72
    assert subject.startswith("Tune …")
    assert subject.endswith("deep/train.py: loss 0.5 → 0.25")


@pytest.mark.parametrize("field", ["study", "script", "metric", "data", "target", "command"])
def test_hostile_text_adds_neither_a_line_nor_a_trailer(field: str) -> None:
    told = replace(TOLD, **{field: EVIL})
    message = message_of(told)
    assert len(message.split("\n")) == len(message_of(replace(TOLD, **{field: "plain"})).split("\n"))
    assert message.replace("\n", "").isprintable()
    assert _git_reads(message)[-1] == "Pushtune-Push: 7"
    assert read_trailers(message) == trailers_of(told)
    assert not any(line.startswith(("Signed-off-by", "Pushtune-Push: 9")) for line in message.split("\n"))


_TEXT = st.text(max_size=300) | st.sampled_from(
    [EVIL, "Pushtune-Push: 99", "a: b", "---", "# x", "\n\n", " x"]
)
_VALUE = st.builds(Reached, st.none() | st.floats(), st.none() | st.floats(), st.integers(1, 9))


@settings(max_examples=60, deadline=None)
@given(
    st.builds(
        Told,
        push=st.integers(0, 10**9),
        study=_TEXT,
        script=_TEXT,
        metric=_TEXT,
        winner=_VALUE,
        baseline=st.none() | _VALUE,
        data=_TEXT,
        target=_TEXT,
        target_met=st.none() | st.booleans(),
        command=_TEXT,
    )
)
def test_git_reads_exactly_our_trailers_whatever_is_told(told: Told) -> None:
    message = message_of(told)
    wanted = trailers_of(told)
    assert read_trailers(message) == wanted
    assert _git_reads(message) == [f"{name}: {value}" for name, value in wanted.items()]
    assert len(message) < 5000
    assert len(message.split("\n")[0]) <= 120
    assert list(wanted)[-1] == "Pushtune-Push"


def test_the_reference_names_every_trailer() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "delivery.md"
    told = replace(TOLD, baseline=Reached(0.5), target="loss<=0.1")
    assert [name for name in trailers_of(told) if name not in page.read_text(encoding="utf-8")] == []
