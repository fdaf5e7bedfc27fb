"""The end of a run in the terminal: what was won, on which data, what changed, what to do next."""

from __future__ import annotations

from collections.abc import Iterator

from pushtune.model.space import Value
from pushtune.report import words
from pushtune.report.records import StudyReport

_MOST_CHANGES = 30


def render_text(report: StudyReport) -> str:
    """Return the summary as plain lines without a trailing newline; nothing in it is markup."""
    blocks = (
        _headline(report),
        _measured(report),
        _judged(report),
        _changed(report),
        _commanded(report),
        _demoted(report),
        _warned(report),
        _listed("Files", [(file.path, file.what) for file in report.files]),
        _next(report),
    )
    # Whatever a path or a metric is called, it cannot steer the terminal.
    return "\n\n".join("\n".join(map(words.printable, block)) for block in map(list, blocks) if block)


def _headline(report: StudyReport) -> Iterator[str]:
    wanted = f" (wanted {report.target})" if report.target is not None else ""
    yield f"{words.verdict(report)}{wanted}. Stopped because: {words.shortened(report.why_stopped)}"


def _measured(report: StudyReport) -> Iterator[str]:
    if not report.arms:
        return
    names = [_arm_name(report, index) for index in range(len(report.arms))]
    width = max(map(len, names))
    for name, arm in zip(names, report.arms, strict=True):
        value = words.mean_and_deviation(arm)
        data = words.shortened(arm.data, 60)
        yield f"  {name:<{width}}  {report.metric} {value}  ({data}, {words.seeds(arm)})"


def _arm_name(report: StudyReport, index: int) -> str:
    arm = report.arms[index]
    trial = (
        f" (trial {report.winner_trial})" if arm is report.winner and report.winner_trial is not None else ""
    )
    return words.shortened(arm.name, 60) + trial


def _judged(report: StudyReport) -> Iterator[str]:
    for text in (words.gain(report), *words.honesty(report), words.shortened(report.metric_source)):
        if text:
            yield f"  {text}"


def _changed(report: StudyReport) -> Iterator[str]:
    shown = report.changes[:_MOST_CHANGES]
    pairs = [
        (words.place(change), f"{_what(change.what or change.name)}: {_arrow(change.before, change.after)}")
        for change in shown
    ]
    yield from _listed("What changed", pairs)
    if len(report.changes) > len(shown):
        yield f"  and {len(report.changes) - len(shown)} more"


def _commanded(report: StudyReport) -> Iterator[str]:
    if report.command is not None:
        yield "Start it with other arguments (they are part of the winner, and no patch can hold them)"
        yield f"  yours   {report.command.yours}"
        yield f"  winner  {report.command.winners}"


def _demoted(report: StudyReport) -> Iterator[str]:
    if report.demoted:
        yield "Led the search, and not when trained again"
    for one in report.demoted[:_MOST_CHANGES]:
        yield f"  {words.demoted_name(one)}: {words.demoted(one)}"


def _what(text: str) -> str:
    return words.shortened(text, 100)


def _arrow(before: Value, after: Value) -> str:
    return f"{words.setting(before)} -> {words.setting(after)}"


def _warned(report: StudyReport) -> Iterator[str]:
    for warning in report.warnings[:_MOST_CHANGES]:
        yield f"  note: {words.shortened(warning)}"


def _listed(title: str, pairs: list[tuple[str, str]]) -> Iterator[str]:
    if not pairs:
        return
    width = min(60, max(len(left) for left, _right in pairs))
    yield title
    for left, right in pairs:
        yield f"  {left:<{width}}  {right}"


def _next(report: StudyReport) -> Iterator[str]:
    if report.next_command:
        yield f"Next: {report.next_command}"
