"""The three pictures of a report, as shapes with their pixels worked out. The template draws them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pushtune.model.states import Purpose
from pushtune.report import words
from pushtune.report.records import Arm, StudyReport, TrialRecord
from pushtune.report.scale import Scale, Tick, focused, scale

MAX_CURVES = 60
"""Learning curves drawn in one picture: the best, and what is beside them up to here."""
MAX_POINTS = 400
"""Points drawn of one line; longer ones are thinned."""
HIGHLIGHTED = 3

_WIDTH, _HEIGHT = 720, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 700.0, 14.0, 256.0
_SEARCHED = (Purpose.BASELINE, Purpose.SEARCH)


@dataclass(frozen=True)
class Line:
    """A polyline. ``kind`` is its CSS class, ``points`` its SVG points, ``label`` what hovering says."""

    kind: str
    points: str
    label: str


@dataclass(frozen=True)
class Dot:
    """A point; ``label`` is what hovering says."""

    kind: str
    x: float
    y: float
    label: str


@dataclass(frozen=True)
class Key:
    """One entry of the legend."""

    kind: str
    text: str


@dataclass(frozen=True)
class Chart:
    """One picture. ``target`` is the line of the target: across, or upright where rows are named on y."""

    title: str
    note: str
    x_label: str
    y_label: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    dots: tuple[Dot, ...]
    legend: tuple[Key, ...]
    target: Tick | None = None
    upright: bool = False
    width: int = _WIDTH
    height: int = _HEIGHT
    left: float = _LEFT
    right: float = _RIGHT
    top: float = _TOP
    bottom: float = _BOTTOM


def progress(report: StudyReport) -> Chart | None:
    """Best value so far over the trials, against the target; None where no trial has a value."""
    trials = [trial for trial in _ordered(report) if trial.purpose in _SEARCHED and _finite(trial.value)]
    if not trials:
        return None
    wanted = _target(report)
    x = scale([trial.number for trial in trials], _LEFT, _RIGHT)
    y = scale(focused([_value(trial) for trial in trials], wanted), _BOTTOM, _TOP)
    return Chart(
        title="Best so far",
        note=f"Each dot is a trial of the search; the value is {_selection(report)}.",
        x_label="trial",
        y_label=report.metric,
        x_ticks=x.ticks(8, whole=True),
        y_ticks=y.ticks(),
        lines=(Line("best", _steps(report, trials, x, y), "best so far"),),
        dots=tuple(_dot(trial, x, y) for trial in _thinned(trials)),
        legend=_keys(("best", "best so far"), ("trial", "a trial"), ("baseline", "your script")),
        target=_target_line(report, y),
    )


def curves(report: StudyReport) -> Chart | None:
    """Learning curves of the search's trials, the best few in colour; None where nobody has a curve."""
    trials = [trial for trial in _ordered(report) if trial.purpose in _SEARCHED and _has_curve(trial)]
    if not trials:
        return None
    ranked = _ranked(report, trials)
    shown = _with_baseline(ranked, trials)
    longest = max(len(trial.curve) for trial in shown)
    x = scale([1.0, float(longest)], _LEFT, _RIGHT, margin=0.02)
    y = scale(focused([v for trial in shown for v in trial.curve], _target(report)), _BOTTOM, _TOP)
    best = [trial.number for trial in ranked[:HIGHLIGHTED]]
    return Chart(
        title="Learning curves",
        note=_curves_note(len(shown), len(trials)),
        x_label="epoch",
        y_label=report.metric,
        x_ticks=x.ticks(8, whole=True),
        y_ticks=y.ticks(),
        # The best are drawn last, so that they lie on top.
        lines=tuple(_curve(trial, best, x, y) for trial in reversed(shown)),
        dots=tuple(_single(trial, best, x, y) for trial in shown if len(trial.curve) == 1),
        legend=_curve_keys(shown, best),
        target=_target_line(report, y),
    )


def arms(report: StudyReport) -> Chart | None:
    """Every seed of every arm as a dot, with its mean; None where no arm has a value."""
    shown = [arm for arm in report.arms if arm.mean is not None][:12]
    if not shown:
        return None
    left, row, top = 210.0, 34.0, 30.0
    bottom = top + row * len(shown)
    x = scale([v for arm in shown for v in arm.values] + list(_target(report)), left, _RIGHT)
    return Chart(
        title="Winner and baseline, seed by seed",
        note="",
        x_label=f"{report.metric}, {shown[0].data}",
        y_label="",
        x_ticks=x.ticks(6),
        y_ticks=tuple(
            Tick(top + row * (index + 0.5), words.shortened(arm.name, 30)) for index, arm in enumerate(shown)
        ),
        lines=tuple(
            line for index, arm in enumerate(shown) for line in _arm_lines(arm, top + row * (index + 0.5), x)
        ),
        dots=tuple(
            dot for index, arm in enumerate(shown) for dot in _arm_dots(arm, top + row * (index + 0.5), x)
        ),
        legend=(),
        target=_target_line(report, x),
        upright=True,
        height=int(bottom + 44),
        left=left,
        top=top,
        bottom=bottom,
    )


def _arm_lines(arm: Arm, y: float, x: Scale) -> tuple[Line, ...]:
    mean = x.at(arm.mean or 0.0)
    values = [value for value in arm.values if math.isfinite(value)]
    label = f"{words.shortened(arm.name, 60)}: {words.mean_and_deviation(arm)}"
    return (
        Line("range", f"{x.at(min(values))},{y} {x.at(max(values))},{y}", label),
        Line("mean", f"{mean},{y - 12} {mean},{y + 12}", label),
    )


def _arm_dots(arm: Arm, y: float, x: Scale) -> tuple[Dot, ...]:
    shown = [value for value in arm.values if math.isfinite(value)][:MAX_POINTS]
    return tuple(Dot("seed", x.at(value), y, words.number(value)) for value in shown)


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _value(trial: TrialRecord) -> float:
    assert trial.value is not None
    return trial.value


def _has_curve(trial: TrialRecord) -> bool:
    return any(math.isfinite(value) for value in trial.curve)


def _ordered(report: StudyReport) -> list[TrialRecord]:
    return sorted(report.trials, key=lambda trial: trial.number)


def _ranked(report: StudyReport, trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    sign = -1.0 if report.direction == "max" else 1.0
    # The winner leads even where another trial's single look was luckier.
    return sorted(
        trials,
        key=lambda t: (
            t.number != report.winner_trial,
            not _finite(t.value),
            sign * (t.value if t.value is not None and math.isfinite(t.value) else 0.0),
            t.number,
        ),
    )


def _with_baseline(ranked: Sequence[TrialRecord], trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    shown = list(ranked[:MAX_CURVES])
    baselines = [trial for trial in trials if trial.purpose is Purpose.BASELINE and trial not in shown]
    return shown + baselines[:1]


def _selection(report: StudyReport) -> str:
    where = f" on {report.chosen_on}" if report.chosen_on else ""
    return f"what the search saw: {report.metric}{where}"


def _curves_note(shown: int, total: int) -> str:
    return "" if shown == total else f"{shown} of {words.counted(total, 'trial')}, the best ones."


def _target(report: StudyReport) -> tuple[float, ...]:
    return () if report.target is None else (report.target.value,)


def _target_line(report: StudyReport, axis: Scale) -> Tick | None:
    if report.target is None:
        return None
    return Tick(axis.at(report.target.value), f"target {report.target.value:g}")


def _keys(*pairs: tuple[str, str]) -> tuple[Key, ...]:
    return tuple(Key(kind, text) for kind, text in pairs)


def _curve_keys(shown: Sequence[TrialRecord], best: Sequence[int]) -> tuple[Key, ...]:
    keys = [Key(f"rank{place}", f"trial {trial}") for place, trial in enumerate(best, 1) if trial != 0]
    if any(trial.purpose is Purpose.BASELINE for trial in shown):
        keys.append(Key("baseline", "your script"))
    if len(shown) > len(best):
        keys.append(Key("other", "other trials"))
    return tuple(keys)


def _steps(report: StudyReport, trials: Sequence[TrialRecord], x: Scale, y: Scale) -> str:
    """Return a stair: it rises at the trial that was better, and runs on to the last one."""
    better = max if report.direction == "max" else min
    best = _value(trials[0])
    points = [(x.at(trials[0].number), y.at(best))]
    for trial in trials[1:]:
        after = better(best, _value(trial))
        if after != best:
            points += [(x.at(trial.number), y.at(best)), (x.at(trial.number), y.at(after))]
            best = after
    points.append((x.at(trials[-1].number), y.at(best)))
    return _points(points)


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)


def _thinned(trials: Sequence[TrialRecord]) -> Sequence[TrialRecord]:
    return trials[:: -(-len(trials) // (2 * MAX_POINTS))]


def _kind(trial: TrialRecord, best: Sequence[int]) -> str:
    if trial.purpose is Purpose.BASELINE:
        return "baseline"
    return f"rank{best.index(trial.number) + 1}" if trial.number in best else "other"


def _dot(trial: TrialRecord, x: Scale, y: Scale) -> Dot:
    kind = "baseline" if trial.purpose is Purpose.BASELINE else "trial"
    label = f"trial {trial.number}: {words.number(trial.value)} ({words.assignment(trial)})"
    return Dot(kind, x.at(trial.number), y.at(_value(trial)), label)


def _curve(trial: TrialRecord, best: Sequence[int], x: Scale, y: Scale) -> Line:
    step = -(-len(trial.curve) // MAX_POINTS)
    points = [(epoch, value) for epoch, value in enumerate(trial.curve, 1) if math.isfinite(value)]
    shown = points[::step] if (len(points) - 1) % step == 0 else [*points[::step], points[-1]]
    label = f"trial {trial.number}: {words.number(trial.value)} ({words.assignment(trial)})"
    return Line(_kind(trial, best), _points((x.at(a), y.at(b)) for a, b in shown), label)


def _single(trial: TrialRecord, best: Sequence[int], x: Scale, y: Scale) -> Dot:
    label = f"trial {trial.number}: {words.number(trial.value)}"
    return Dot(_kind(trial, best), x.at(1), y.at(trial.curve[0]), label)
