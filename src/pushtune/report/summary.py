"""The same findings for a program: what ``--json`` prints at the end."""

from __future__ import annotations

import math
from typing import Any

from pushtune.report.records import Arm, Change, CommandLine, Demoted, StudyReport, TrialRecord


def summary_json(report: StudyReport) -> dict[str, Any]:
    """Return the study as plain JSON values; what is not a finite number becomes None."""
    return {
        "study": report.study,
        "script": report.script,
        "metric": {
            "name": report.metric,
            "direction": report.direction,
            "source": report.metric_source,
            "chosen_on": report.chosen_on,
            "looks": report.looks,
        },
        "target": None if report.target is None else str(report.target),
        "target_met": report.target_met,
        "confirmed": report.confirmed,
        "why_stopped": report.why_stopped,
        "winner": _arm(report.winner),
        "winner_trial": report.winner_trial,
        "baseline": _arm(report.baseline),
        "controls": [_arm(arm) for arm in report.controls],
        "gain": _number(report.gain),
        "noise": _number(report.noise),
        "command": _command(report.command),
        "demoted": [_demoted(one) for one in report.demoted],
        "changes": [_change(change) for change in report.changes],
        "trials": [_trial(trial) for trial in report.trials],
        "files": {file.path: file.what for file in report.files},
        "reproduce": list(report.reproduce),
        "warnings": list(report.warnings),
        "machine": report.machine,
        "versions": dict(report.versions),
        "seconds": round(report.seconds, 3),
        "started": report.started,
    }


def _arm(arm: Arm | None) -> dict[str, Any] | None:
    if arm is None:
        return None
    return {
        "name": arm.name,
        "values": [_number(value) for value in arm.values],
        "mean": _number(arm.mean),
        "std": _number(arm.std),
        "data": arm.data,
        "epochs": arm.epochs,
        "trials": list(arm.trials),
    }


def _command(command: CommandLine | None) -> dict[str, Any] | None:
    if command is None:
        return None
    return {"yours": command.yours, "winner": command.winners, "arguments": list(command.after)}


def _demoted(one: Demoted) -> dict[str, Any]:
    return {
        "trial": one.trial,
        "values": one.assignment.as_dict(),
        "searched": _number(one.searched),
        "arm": _arm(one.arm),
    }


def _trial(trial: TrialRecord) -> dict[str, Any]:
    return {
        "number": trial.number,
        "purpose": trial.purpose.value,
        "state": trial.state.value,
        "values": trial.assignment.as_dict(),
        "source": trial.assignment.source,
        "seed": trial.seed,
        "epochs": trial.epochs,
        "value": _number(trial.value),
        "report": _number(trial.report),
        "seconds": round(trial.seconds, 3),
        "curve": [_number(value) for value in trial.curve],
        "message": trial.message,
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "name": change.name,
        "before": change.before,
        "after": change.after,
        "file": change.file,
        "line": change.line,
        "what": change.what,
    }


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
