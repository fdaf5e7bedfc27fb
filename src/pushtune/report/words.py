"""Numbers and findings in words, the same in the page, in the terminal and in a mail."""

from __future__ import annotations

import math

from pushtune.model.space import Value
from pushtune.report.records import Arm, Change, Demoted, StudyReport, TrialRecord

_LONGEST = 300


def number(value: float | None) -> str:
    """Return a metric's value with four decimals, or four figures where that would say nothing."""
    if value is None:
        return "–"
    if not math.isfinite(value):
        return "not a number"
    if value == 0 or 0.001 <= abs(value) < 1000:
        return f"{value:.4f}"
    return f"{value:.4g}"


def deviation(value: float | None) -> str:
    """Return a standard deviation with two figures, or an empty text if there is none."""
    if value is None or not math.isfinite(value):
        return ""
    return f"{value:.4f}" if value == 0 or value >= 0.001 else f"{value:.1g}"


def mean_and_deviation(arm: Arm) -> str:
    """Return ``0.9903 ± 0.0012``, or only the mean for one seed."""
    spread = deviation(arm.std)
    return f"{number(arm.mean)} ± {spread}" if spread else number(arm.mean)


def seeds(arm: Arm) -> str:
    """Return ``3 seeds``."""
    return counted(len(arm.values), "seed")


def counted(count: int, thing: str) -> str:
    """Return ``1 look`` or ``2 looks``."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """Return ``4.2 s``, ``3 min 5 s`` or ``2 h 10 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def setting(value: Value) -> str:
    """Return a knob's value as it would be typed, short enough for one cell."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return shortened(repr(value) if isinstance(value, str) else str(value), 80)


def printable(text: str) -> str:
    """Return ``text`` with every control character, line ends among them, made a space."""
    return "".join(character if character.isprintable() else " " for character in text)


def shortened(text: str, longest: int = _LONGEST) -> str:
    """Return one line of at most ``longest`` characters, without control characters."""
    # A script can print megabytes in one line: only what can be shown is looked at.
    line = printable(text.strip()[: longest + 1]).strip()
    return line if len(line) <= longest else line[: longest - 1] + "…"


def assignment(trial: TrialRecord) -> str:
    """Return ``filters=32, batch_size=64`` of a trial; an em dash for the author's own values."""
    if trial.assignment.source is not None:
        return f"whole source {trial.assignment.source[:12]}"
    pairs = [f"{name}={setting(value)}" for name, value in trial.assignment.values]
    return shortened(", ".join(pairs)) if pairs else "—"


def place(change: Change) -> str:
    """Return ``train.py:14``, or what is known of it."""
    return f"{change.file}:{change.line}" if change.file and change.line else change.file


def verdict(report: StudyReport) -> str:
    """Return the finding in one sentence, without figures."""
    if report.baseline is None or report.best is None or report.best.mean is None:
        return "Nothing was measured"
    if report.target is None:
        return _found(report)
    if report.target_met:
        return "Target met" if report.winner else "Your script meets the target as it is"
    return "Target not met"


def _found(report: StudyReport) -> str:
    if report.winner is None:
        return "Nothing better than your script was found"
    if not report.within_noise:
        return "A better script was found"
    known = "the gain is within the noise" if report.noise is not None else "one run of each is no proof"
    return f"A script that may be better was found: {known}"


def demoted(one: Demoted) -> str:
    """Say what a candidate reached in the search, and what was left of it when it was trained again."""
    seen = "" if one.searched is None else f"{number(one.searched)} in the search, "
    if not one.arm.values:
        return f"{seen}no run of it came to its end when it was trained again"
    return f"{seen}{mean_and_deviation(one.arm)} when it was trained again ({seeds(one.arm)})"


def demoted_name(one: Demoted) -> str:
    """Return ``trial 7 (units=64)``."""
    pairs = ", ".join(f"{name}={setting(value)}" for name, value in one.assignment.values)
    pairs = pairs or f"whole source {(one.assignment.source or '')[:12]}"
    return shortened(f"{'a candidate' if one.trial is None else f'trial {one.trial}'} ({pairs})", 160)


def gain(report: StudyReport) -> str:
    """Say how large the gain is, and how it compares with what the seed alone does."""
    if report.gain is None:
        return ""
    text = f"Gain over your script: {'-' if report.gain < 0 else '+'}{number(abs(report.gain))}"
    if report.noise is None:
        return text + ". One seed only: this may be luck."
    if report.noise == 0:
        return text + ". Every seed gave the same: the script sets its own, or none matters."
    times = report.gain / report.noise
    judged = "" if times >= 2 else ". Less than twice the noise: it may be luck"
    return f"{text}, {times:.1f} times the standard deviation between seeds{judged}."


def _judged_by_what_chose(report: StudyReport) -> bool:
    """Whether the winner's value was measured on the very data that it was chosen by."""
    judged = "" if report.winner is None else report.winner.data.removesuffix(" set")
    return "test" in report.chosen_on or (judged != "" and f" {judged} " in f" {report.chosen_on} ")


def honesty(report: StudyReport) -> tuple[str, ...]:
    """Say on which data the winner was chosen, how often, and what was confirmed: a sentence each."""
    parts = []
    if report.chosen_on:
        parts.append(f"Chosen on {report.chosen_on}, {counted(report.looks, 'look')}.")
    if report.winner is not None and _judged_by_what_chose(report):
        parts.append("It was chosen by the data that it is judged on: expect somewhat less on new data.")
    if report.winner is not None and not report.confirmed:
        parts.append("Not confirmed on further seeds.")
    return tuple(parts)
