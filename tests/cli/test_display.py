"""What a run looks like on a terminal, in a pipe, and to a program."""

from __future__ import annotations

import io
import json
from dataclasses import replace

from rich.console import Console

from pushtune.cli.display import JsonLines, LiveTable, PlainLines, changes, clock, shown_rows
from pushtune.ledger import TrialRow, new_trial
from pushtune.model.space import Assignment
from pushtune.model.states import Purpose, StageName, TrialState
from pushtune.model.target import Target
from pushtune.service.snapshot import Snapshot


def trial(number: int, state: TrialState = TrialState.PAUSED, **more: object) -> TrialRow:
    row = new_trial("s", number, Purpose.SEARCH, Assignment.of({"dense_1.units": 64}), seed=0, now=0.0)
    return replace(row, state=state, **more)  # type: ignore[arg-type]


def picture(*rows: TrialRow) -> Snapshot:
    return Snapshot(
        study="s", script="train.py", metric="accuracy", target=Target("accuracy", 0.99, "max"),
        stage=StageName.TUNE, trials=rows, budget=40, slots=2, max_epochs=30, baseline=0.9, best=0.95,
        best_trial=1, best_assignment=None, elapsed=65.0, remaining=3700.0,
    )  # fmt: skip


def test_a_pipe_gets_plain_lines() -> None:
    stream = io.StringIO()
    with PlainLines(stream) as lines:
        lines.say("baseline: accuracy 0.97")
        lines.show(picture())
    assert stream.getvalue() == "[00:00] baseline: accuracy 0.97\n"


def test_a_program_gets_each_change_of_a_trial_once() -> None:
    stream = io.StringIO()
    with JsonLines(stream) as lines:
        lines.show(picture(trial(1, TrialState.RUNNING)))
        lines.show(picture(trial(1, TrialState.RUNNING)))
        lines.show(picture(trial(1, TrialState.PAUSED, epochs=3, value=0.5)))
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(event["state"], event["epochs"], event["value"]) for event in events] == [
        ("running", 0, None),
        ("paused", 3, 0.5),
    ]


def test_a_terminal_shows_the_best_its_distance_to_the_target_and_what_runs() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100, height=30)
    with LiveTable(console) as table:
        table.say("[bold]a script's own words are no markup")
        table.show(picture(trial(1, TrialState.RUNNING, epochs=3, value=0.95)))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "[bold]a script's own words" in text
    for words in ("0.9500", "0.9000", "+0.0400 to go", "1/40 trials", "1:05", "1:01:40", "3/30", "units=64"):
        assert words in text


def test_of_many_trials_the_running_and_the_best_keep_their_line() -> None:
    rows = [trial(number) for number in range(1, 100)]
    rows[4] = trial(5, TrialState.RUNNING)
    shown = [row.number for row in shown_rows(picture(*rows))]
    assert shown[:2] == [1, 5]
    assert shown[-1] == 99
    assert len(shown) == 12


def test_times_and_changes_are_short() -> None:
    assert (clock(5), clock(65), clock(3700)) == ("0:05", "1:05", "1:01:40")
    assert changes(replace(trial(1), assignment=Assignment())) == "as it stands"
    assert "tweak program" in changes(replace(trial(1), assignment=Assignment((), source="ab" * 32)))
