"""What a study came to: summary, patch, report.html."""

from __future__ import annotations

from pushtune.report.html import render_html
from pushtune.report.records import (
    Arm,
    Change,
    CommandLine,
    Demoted,
    ReportFile,
    StudyReport,
    TrialRecord,
)
from pushtune.report.summary import summary_json
from pushtune.report.text import render_text

__all__ = [
    "Arm",
    "Change",
    "CommandLine",
    "Demoted",
    "ReportFile",
    "StudyReport",
    "TrialRecord",
    "render_html",
    "render_text",
    "summary_json",
]
