"""Hand the winner over: its source, a patch, the best model, the report."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from pushtune.ledger import TrialRow
from pushtune.model.analysis import COMMAND_LINE, Move
from pushtune.model.space import Assignment, Value, canonical
from pushtune.model.states import Purpose, StageName
from pushtune.pipeline.arms import Arm, arms_for, filled, trained
from pushtune.pipeline.starting import command_change, reproduce
from pushtune.pipeline.workbench import Workbench
from pushtune.report import Arm as ReportArm
from pushtune.report import (
    Change,
    Demoted,
    ReportFile,
    StudyReport,
    TrialRecord,
    render_html,
    render_text,
    summary_json,
)

PATCH = "winner.patch"
REPORT = "report.html"
SUMMARY = "summary.json"
TEXT = "summary.txt"
WINNER = "winner"

_DISPROVED = frozenset(
    {
        "opens-window", "removed-api", "python-2", "missing-sibling", "hidden-package", "missing-data",
        "needs-arguments", "needs-gpu", "needs-key", "needs-variable", "needs-network", "asks-input",
    }
)  # fmt: skip
"""What might have kept the script from running here, as reading saw it: it ran, with what is installed."""


def hand_over(bench: Workbench, arms: Sequence[Arm], *, why: str = "") -> None:
    """Write all that the developer gets into the study's folder. Writing it twice gives the same.

    ``arms``: the winner's first, the baseline's second (the same one where nothing better was found).
    ``why`` says why the study stopped, where the search did not.
    """
    winner = arms[0].assignment
    candidate = bench.candidates.of(winner)
    folder = bench.folder
    shutil.rmtree(folder / WINNER, ignore_errors=True)
    for file in candidate.files:
        path = folder / WINNER / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
    (folder / PATCH).write_bytes(candidate.diff.encode("utf-8", "surrogateescape"))
    model = _keep_model(bench, arms[0])
    bench.fix(winner=winner.to_json(), winner_trials=list(arms[0].trials), winner_args=list(candidate.args))
    bench.fix(means=[arm.mean if arm.values else None for arm in (arms[1], arms[0])])
    report = replace(study_report(bench, arms, model), why_stopped=why or _why_stopped(bench))
    (folder / REPORT).write_text(render_html(report), encoding="utf-8")
    (folder / TEXT).write_text(render_text(report), encoding="utf-8")
    (folder / SUMMARY).write_text(json.dumps(summary_json(report), indent=1), encoding="utf-8")


def _keep_model(bench: Workbench, arm: Arm) -> Path | None:
    """Copy the model of the winner's best run beside the report; None if no run kept one."""
    sign = 1 if bench.maximize else -1
    runs = sorted(zip(arm.values, arm.trials, strict=True), key=lambda run: -sign * run[0])
    for _, number in runs:
        kept = bench.trial_folder(number).artifacts
        for source in sorted(kept.iterdir()) if kept.is_dir() else []:
            goal = bench.folder / ("model" + "".join(source.suffixes[-1:]))
            if source.is_dir():
                shutil.copytree(source, goal, dirs_exist_ok=True)
            else:
                shutil.copyfile(source, goal)
            return goal
    return None


def study_report(bench: Workbench, arms: Sequence[Arm], model: Path | None) -> StudyReport:
    """Fill the report's records from the ledger."""
    winner, baseline, controls = arms[0], arms[1], arms[2:]
    better = winner.assignment != Assignment()
    candidate = bench.candidates.of(winner.assignment)
    search = bench.of_purpose(Purpose.SEARCH)
    return StudyReport(
        study=bench.study_id,
        title=bench.script.name,
        script=bench.script.entry,
        metric=bench.metric_name,
        direction="max" if bench.maximize else "min",
        target=bench.target,
        baseline=_report_arm(bench, baseline, "your script"),
        winner=_report_arm(bench, winner, "winner") if better else None,
        winner_trial=_winner_trial(bench, winner) if better else None,
        confirmed=len(winner.values) > 1,
        controls=tuple(_report_arm(bench, arm, "your script, only its epochs changed") for arm in controls),
        trials=tuple(_record(bench, row) for row in bench.trials.all()),
        why_stopped="",
        changes=_changes(bench, winner.assignment),
        diff=candidate.diff,
        command=command_change(bench.script, candidate),
        demoted=tuple(_demoted(bench, winner)),
        metric_source=bench.fact("metric_source", ""),
        chosen_on=bench.fact("chosen_on", ""),
        looks=sum(1 for row in search if row.value is not None),
        reproduce=tuple(reproduce(bench.script, candidate, bench.folder / PATCH)),
        files=_files(bench, model, better=better, patched=bool(candidate.diff)),
        next_command=f"pushtune apply {bench.study_id}" if better else "",
        warnings=tuple(item.text for item in bench.analysis.warnings if item.code not in _DISPROVED),
        machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        versions=(("Python", _python_version(bench)),),
        seconds=bench.elapsed(),
        started=datetime.fromtimestamp(bench.study.created, tz=timezone.utc).isoformat(timespec="seconds"),
    )


def _report_arm(bench: Workbench, arm: Arm, name: str) -> ReportArm:
    epochs = bench.space.epochs
    count = None
    if epochs is not None:
        value = arm.assignment.get(epochs.parameter, epochs.author)
        count = value if isinstance(value, int) else None
    return ReportArm(
        name, arm.values, bench.fact("report_data", "the script's own metric"), count, arm.trials
    )


def _winner_trial(bench: Workbench, winner: Arm) -> int | None:
    for number in winner.trials:
        row = bench.trials.get(number)
        if row is not None and row.purpose is Purpose.SEARCH:
            return number
    return None


def _record(bench: Workbench, row: TrialRow) -> TrialRecord:
    return TrialRecord(
        row.number, row.purpose, row.state, trained(bench, row), row.seed, row.epochs or None, row.value,
        row.report, row.seconds, row.curve, row.message,
    )  # fmt: skip


def _why_stopped(bench: Workbench) -> str:
    push = bench.ledger.pushes.of_study(bench.study_id)
    stages = bench.ledger.pushes.stages_of(push.id)
    return stages[StageName.TUNE].message


def _changes(bench: Workbench, winner: Assignment) -> tuple[Change, ...]:
    analysis = bench.analysis
    knobs = {knob.name: knob for knob in analysis.knobs}
    moves = {move.name: move for move in analysis.moves}
    defaults: dict[str, Value] = {one.name: one.default for one in bench.space.parameters}
    if bench.space.epochs is not None:
        defaults[bench.space.epochs.parameter] = bench.space.epochs.author
    changes = []
    for name, value in winner.values:
        place = knobs.get(name) or moves.get(name)
        changes.append(
            Change(
                name,
                defaults.get(name),
                value,
                place.file if place else "",
                place.line if place and place.file != COMMAND_LINE else 0,
                _what(moves[name]) if name in moves else "",
            )
        )
    if winner.source is not None:
        changes.append(Change("source", "yours", f"your tweak program's {winner.source[:12]}"))
    return tuple(changes)


def _what(move: Move) -> str:
    """Say what a move does, without the choices that were on offer: they stand behind a colon."""
    what, offered, _ = move.what.partition(": ")
    return what if offered else ""


def _demoted(bench: Workbench, winner: Arm) -> Iterator[Demoted]:
    """Yield the candidates that were trained again and are not the winner, in that order."""
    space = bench.space
    tried = dict.fromkeys(row.assignment for row in bench.of_purpose(Purpose.CONFIRM_WINNER))
    for assignment in tried:
        if canonical(space, assignment) == canonical(space, winner.assignment):
            continue
        found = next(
            (
                row
                for row in bench.of_purpose(Purpose.SEARCH)
                if canonical(space, trained(bench, row)) == canonical(space, assignment)
            ),
            None,
        )
        again = filled(bench, arms_for(bench, assignment)[0])
        yield Demoted(
            _report_arm(bench, again, "demoted"),
            assignment,
            None if found is None else found.number,
            None if found is None else found.value,
        )


def _files(bench: Workbench, model: Path | None, *, better: bool, patched: bool) -> tuple[ReportFile, ...]:
    """Return what there is to look at; without a winner its patch is empty, and its source the author's."""
    folder = bench.folder
    files = [ReportFile(_short(folder / REPORT), "curves, trials, the diff, how to reproduce")]
    if patched:
        files.append(ReportFile(_short(folder / PATCH), "the change to your source, for git apply"))
    if better:
        files.append(ReportFile(_short(folder / WINNER), "the winner's source"))
    if model is not None:
        files.insert(0, ReportFile(_short(model), "the best model" if better else "your script's model"))
    return tuple(files)


def _short(path: Path) -> str:
    """Return the path as it is shortest to type from here."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _python_version(bench: Workbench) -> str:
    return str(bench.fact("python_version", ""))
