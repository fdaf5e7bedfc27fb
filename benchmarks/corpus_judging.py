"""One script's analysis against what an expert said of it: four shares, and every miss with its reason."""

from __future__ import annotations

import re
from dataclasses import dataclass

from corpus_labels import Labelled, MetricRow, Row
from corpus_places import Place

from pushtune.model.analysis import Analysis, Knob, MetricGuess, Span

FRAMEWORKS: dict[str, str] = {"tf1": "tensorflow1"}
"""Frameworks that the labels call otherwise than Pushtune does."""

KINDS: dict[str, tuple[str, ...]] = {
    "AE": ("autoencoder",),
    "CNN-ft": ("CNN",),
    "VAE": ("VAE", "autoencoder"),
    "tree-ens": ("tree-ensemble",),
    "linear/many": ("linear", "ensemble"),
    "RNN/transformer": ("RNN", "transformer"),
    "RBM+linear": ("linear", "pipeline"),
}
"""Kinds that the labels call otherwise, or that have two right names. All others must be equal."""

METRIC_WORDS: dict[str, str] = {
    "accuracy": r"accura|\bacc\b|_acc\b|정확률",
    "logloss": r"log_?loss",
    "mse": r"\bmse\b|mean squared error",
    "rmse": r"\brmse\b",
    "loss": r"loss|\bcost\b",
    "error": r"error",
    "score": r"score",
}
"""What the name of a metric comes to: the first pattern that fits. Other names must be equal."""

SCORES = ("accuracy", "r2")
"""What an estimator's own score is: a label that says no more than *score* is met by these."""


@dataclass(frozen=True)
class Miss:
    """Something that was not understood. ``line`` is 0 where it is about the whole script."""

    figure: str
    script: str
    framework: str
    line: int
    text: str
    why: str

    def __str__(self) -> str:
        return f"{self.script}:{self.line} {self.text} — {self.why}"


@dataclass(frozen=True)
class Share:
    """How many of how many."""

    right: int = 0
    of: int = 0

    def __add__(self, other: Share) -> Share:
        return Share(self.right + other.right, self.of + other.of)

    def __str__(self) -> str:
        return f"{self.right}/{self.of}" if self.of else "-"

    @property
    def value(self) -> float:
        """From 0 to 1; 0 of nothing, as nothing was shown."""
        return self.right / self.of if self.of else 0.0


@dataclass(frozen=True)
class Verdict:
    """One script judged. ``uncounted`` are the knobs that count neither way."""

    script: Labelled
    shares: dict[str, Share]
    misses: tuple[Miss, ...] = ()
    uncounted: int = 0


def judge_kind(script: Labelled, analysis: Analysis) -> tuple[Share, list[Miss]]:
    """Return whether framework and kind are the labelled ones."""
    framework = FRAMEWORKS.get(script.framework, script.framework)
    kinds = KINDS.get(script.kind, (script.kind,))
    if analysis.framework == framework and analysis.kind in kinds:
        return Share(1, 1), []
    text = f"{analysis.framework} {analysis.kind}"
    why = f"labelled {script.framework} {script.kind}"
    return Share(0, 1), [Miss("kind_right", script.name, script.framework, 0, text, why)]


def judge_values(script: Labelled, places: list[Place], analysis: Analysis) -> tuple[Share, list[Miss]]:
    """Return how many of the values that an expert would tune are offered."""
    wanted = [place for place in places if place.row.verdict == "knob"]
    missed = [place.row for place in wanted if not _reached(place, analysis)]
    empty = "; nothing at all is offered in this script" if not analysis.knobs else ""
    return Share(len(wanted) - len(missed), len(wanted)), [
        Miss("values_reached", script.name, script.framework, row.line, row.text, _described(row) + empty)
        for row in missed
    ]


def _described(row: Row) -> str:
    return f"{row.role}, {row.style}" + (f" ({row.why})" if row.why else "")


def _reached(place: Place, analysis: Analysis) -> bool:
    if any(place.holds(knob) for knob in entry_knobs(analysis)):
        return True
    # A value may also be varied by a move: `compile('adam')` by swapping the optimizer.
    roles = {item.name: item.role for item in analysis.space.parameters}
    return any(
        move.file == analysis.script
        and move.line == place.row.line
        and roles.get(move.name) == f"move.{place.row.role}"
        for move in analysis.moves
    )


def entry_knobs(analysis: Analysis) -> list[Knob]:
    """Return the knobs in the entry file; other files are not labelled."""
    return [knob for knob in analysis.knobs if knob.file == analysis.script]


def judge_knobs(script: Labelled, places: list[Place], analysis: Analysis) -> tuple[Share, list[Miss], int]:
    """Return how many of the offered knobs an expert would tune too, and how many count neither way.

    Against them are values labelled *never* and values without a label. Neither way count *maybe*,
    arguments left out that have no label (they stand nowhere in the source), and other files.
    """
    right, uncounted, misses = 0, len(analysis.knobs) - len(entry_knobs(analysis)), []
    for knob in entry_knobs(analysis):
        verdict, row = verdict_of(knob, places)
        if verdict == "knob":
            right += 1
        elif verdict == "maybe" or (verdict == "unlabelled" and knob.style == "implicit"):
            uncounted += 1
        else:
            text = row.text if row else repr(knob.value)
            line = row.line if row else knob.line
            why = f"offered as {knob.name} ({knob.role}, {knob.style}), {verdict}"
            why += f": {_described(row)}" if row else ""
            misses.append(Miss("knobs_accepted", script.name, script.framework, line, text, why))
    return Share(right, right + len(misses)), misses, uncounted


def verdict_of(knob: Knob, places: list[Place]) -> tuple[str, Row | None]:
    """Return knob, maybe, never or unlabelled, with the row that decides.

    A knob of several spans is what the best of its rows says, if all others are tied to that one: the
    width that the next layer repeats must change with it. A *never* that is tied to nothing decides.
    """
    rows = [row for span in knob.spans if (row := _row_at(knob, span, places)) is not None]
    best = min(rows, key=lambda row: ("knob", "maybe", "never").index(row.verdict), default=None)
    if best is None:
        return "unlabelled", None
    for row in rows:
        if row.verdict == "never" and not _tied(row, rows):
            return "never", row
    return best.verdict, best


def _row_at(knob: Knob, span: Span, places: list[Place]) -> Row | None:
    here = [place for place in places if place.holds_span(knob, span)]
    return min(here, key=lambda place: place.size).row if here else None


def _tied(row: Row, rows: list[Row]) -> bool:
    """Whether ``row`` must change with another one that is tuned."""
    return any(
        other.verdict != "never" and (row.line in other.tied_lines or other.line in row.tied_lines)
        for other in rows
    )


def judge_metric(script: Labelled, guess: MetricGuess | None) -> tuple[Share, list[Miss]]:
    """Return whether the predicted metric is one that the script reports: name, split and direction."""
    if any(same_metric(guess, row) for row in script.metrics):
        return Share(1, 1), []
    said = "none" if guess is None else f"{guess.name}/{guess.split}/{guess.direction}"
    known = " or ".join(f"{row.name}/{row.split}/{row.direction}" for row in script.metrics)
    why = f"labelled {known} (runs today: {script.metrics[0].runs})"
    line = 0 if guess is None else guess.line
    return Share(0, 1), [Miss("metric_right", script.name, script.framework, line, said, why)]


def same_metric(guess: MetricGuess | None, row: MetricRow) -> bool:
    """Whether ``guess`` is the metric of ``row``."""
    if guess is None or (guess.split, guess.direction) != (row.split, row.direction):
        return False
    said, labelled = metric_word(guess.name), metric_word(row.name)
    return said == labelled or (labelled == "score" and said in SCORES)


def metric_word(name: str) -> str:
    """Return the one name that ``METRIC_WORDS`` gives to a metric, else its own."""
    found = (word for word, pattern in METRIC_WORDS.items() if re.search(pattern, name.lower()))
    return next(found, name.lower())
