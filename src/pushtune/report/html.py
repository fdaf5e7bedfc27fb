"""The report as one self-contained page: no network, no files beside it, everything escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined

from pushtune.model.states import Purpose, TrialState
from pushtune.report import charts, words
from pushtune.report.records import StudyReport, TrialRecord

MAX_ROWS = 500
"""Trials in the table. The rest are in the ledger; the page says how many."""
MAX_DIFF_LINES = 2000
MAX_WARNINGS = 50
_LONGEST_LINE = 400

_STATES = {
    TrialState.FINISHED: "finished",
    TrialState.PRUNED: "stopped early",
    TrialState.PAUSED: "paused",
    TrialState.OUT_OF_MEMORY: "out of memory",
    TrialState.TIMED_OUT: "timed out",
}
_PURPOSES = {
    Purpose.BASELINE: "your script",
    Purpose.SEARCH: "search",
    Purpose.CONFIRM_WINNER: "confirms the winner",
    Purpose.CONFIRM_BASELINE: "confirms your script",
    Purpose.EPOCHS_ONLY: "your script, only epochs changed",
}


@dataclass(frozen=True)
class DiffLine:
    """One line of the patch; ``kind`` is ``file``, ``hunk``, ``added``, ``removed`` or ``same``."""

    kind: str
    text: str


@dataclass(frozen=True)
class Row:
    """One line of the trials table. The ``*_key`` fields are what a click on the header sorts by."""

    trial: TrialRecord
    purpose: str
    state: str
    changes: str
    message: str
    winner: bool


def render_html(report: StudyReport) -> str:
    """Return the page. Every text of ``report`` comes out as text, whatever it holds.

    The size is bounded: at most ``MAX_ROWS`` trials, ``charts.MAX_CURVES`` curves and ``MAX_DIFF_LINES``
    lines of the patch are shown, and what was left out is said.
    """
    template = _environment().get_template("report.html.j2")
    style, script = _asset("report.css"), _asset("report.js")
    rows = _rows(report)
    return template.render(
        report=report,
        words=words,
        pictures=[chart for chart in (charts.progress(report), charts.curves(report)) if chart],
        seeds_chart=charts.arms(report),
        diff=diff_lines(report.diff),
        rows=rows,
        left_out=len(report.trials) - len(rows),
        warnings=[words.shortened(text) for text in report.warnings[:MAX_WARNINGS]],
        style=style,
        script=script,
        policy=_policy(script),
    )


def diff_lines(diff: str) -> tuple[DiffLine, ...]:
    """Split a unified diff into lines with their kinds; long lines and long diffs are cut."""
    lines = diff.splitlines()
    shown = [DiffLine(_diff_kind(line), line[:_LONGEST_LINE]) for line in lines[:MAX_DIFF_LINES]]
    if len(lines) > MAX_DIFF_LINES:
        shown.append(DiffLine("hunk", f"… {len(lines) - MAX_DIFF_LINES:,} more lines in winner.patch"))
    return tuple(shown)


def _diff_kind(line: str) -> str:
    if line.startswith(("+++", "---", "diff ", "index ", "new file", "deleted file")):
        return "file"
    return {"@": "hunk", "+": "added", "-": "removed"}.get(line[:1], "same")


def _rows(report: StudyReport) -> tuple[Row, ...]:
    trials = sorted(report.trials, key=lambda trial: trial.number)
    if len(trials) > MAX_ROWS:
        trials = _most_telling(report, trials)
    return tuple(
        Row(
            trial=trial,
            purpose=_PURPOSES.get(trial.purpose, trial.purpose.value),
            state=_STATES.get(trial.state, trial.state.value.replace("_", " ")),
            changes=words.assignment(trial),
            message=words.shortened(trial.message, 200),
            winner=trial.number == report.winner_trial,
        )
        for trial in trials
    )


def _most_telling(report: StudyReport, trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Keep the confirmations, the baseline and the winner, then the best; in order of number."""
    sign = -1.0 if report.direction == "max" else 1.0

    def rank(trial: TrialRecord) -> tuple[bool, bool, float, int]:
        searched = trial.purpose is Purpose.SEARCH and trial.number != report.winner_trial
        known = trial.value is not None and trial.value == trial.value
        return searched, not known, sign * (trial.value or 0.0) if known else 0.0, trial.number

    return sorted(sorted(trials, key=rank)[:MAX_ROWS], key=lambda trial: trial.number)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("pushtune.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _asset(name: str) -> str:
    return resources.files("pushtune.report").joinpath(f"templates/{name}").read_text(encoding="utf-8")


def _policy(script: str) -> str:
    """Return a content security policy: even if a text slipped through as markup, nothing would run."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"
