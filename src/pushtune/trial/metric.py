"""Which of the reported numbers is the one that was asked for, and in which words that is said."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pushtune.model.analysis import MetricGuess, Split
from pushtune.trial.progress import MetricReading, Progress
from pushtune_probe import wire

same_metric = wire.same_metric

REPORT_SPLITS: tuple[Split, ...] = ("test", "validation", "unknown")
"""Where the value that a script ends with is looked for, best first. Training data is never among them."""

CURVE_SPLITS: tuple[Split, ...] = ("validation", "test", "unknown")
"""Where the value after each epoch is looked for, best first."""

TRAINERS = {
    "keras": "keras.fit",
    "lightning": "lightning.fit",
    "xgboost": "xgboost.train",
    "lightgbm": "lightgbm.train",
}
"""What told the values after each epoch, by framework; in the others the script's own loop does."""

BEST = "best_"
"""What the canonical name of a value begins with that is the best of a script's epochs, not its last."""


@dataclass(frozen=True)
class MetricChoice:
    """The metric that was chosen, and its values.

    ``name`` is canonical. ``curve`` holds the value after each epoch that the search sees, from epoch 1
    up to the first that is missing or not finite; empty where there is none. ``selection`` is what the
    search compares finished trials by: the curve's end, but ``report``, what the script itself ends with,
    where the curve ends before the training does (a later ``fit`` told other metrics). Where nothing is told
    per epoch, but the model was measured once on validation and once on test data, it is the former;
    ``selection_split`` tells the data. ``proxy`` is the last
    value on the training data, where only that is told per epoch: fit for comparing paused trials and
    nothing else. ``looks_at_test``: what the search compares is measured on the data that the script
    reports on. ``says`` tells a person what was matched.
    """

    name: str
    curve: tuple[float, ...] = ()
    curve_split: Split = "unknown"
    selection: float | None = None
    selection_split: Split = "unknown"
    report: float | None = None
    report_split: Split = "unknown"
    report_source: str = ""
    report_line: int = 0
    proxy: float | None = None
    looks_at_test: bool = False
    says: str = ""


def choose_metric(
    progress: Progress, wanted: str | None, guess: MetricGuess | None = None
) -> MetricChoice | None:
    """Return the metric called ``wanted``, or None if nothing of that name was reported.

    Without a name: accuracy, else the one the source seemed to report (``guess``), else the only one
    there is (a loss counts only where there is nothing else); what was measured on held-out data comes
    first. The best of several values (``best_accuracy``) stands in where no last one was reported. A
    printed value whose line tells no data has that which reading the source found (``guess``).
    """
    progress = _told_by(guess, progress)
    name = wanted or _unnamed(progress, guess)
    if name is None:
        return None
    canonical, asked = wire.canonical_metric(name)
    curve_split, curve = _curve(progress, canonical, _asked(asked, CURVE_SPLITS))
    reading = _report(progress.metrics, canonical, _asked(asked, REPORT_SPLITS))
    if reading is None and not curve:
        reading = _report(progress.metrics, BEST + canonical, _asked(asked, REPORT_SPLITS))
    proxy = _last(_finite_head(progress.curves.get((canonical, "train"), ())))
    if not curve and reading is None and proxy is None:
        return None
    choice = _choice(canonical, curve_split, curve, reading, proxy, progress)
    held = _held_apart(progress.metrics, reading) if reading is not None and not curve else None
    if held is not None:
        return _chosen_apart(choice, held, _trainer(progress))
    return _watched_test_set(choice) if _is_said_to_be_the_test_set(guess, choice) else choice


def _is_said_to_be_the_test_set(guess: MetricGuess | None, choice: MetricChoice) -> bool:
    """Whether the validation set of a script without another set is its test set, as its source says."""
    if guess is None or wire.canonical_metric(guess.name)[0] != choice.name:
        return False
    return (guess.split, choice.report_split) == ("test", "validation")


def _watched_test_set(choice: MetricChoice) -> MetricChoice:
    return replace(choice, report_split="test", looks_at_test=True)


def _told_by(guess: MetricGuess | None, progress: Progress) -> Progress:
    """Let ``guess`` say on which data the values of its own line were measured, where they do not say it."""
    if guess is None or guess.split == "unknown" or guess.source != "print":
        return progress
    name = wire.canonical_metric(guess.name)[0]
    metrics = tuple(
        replace(item, split=guess.split)
        if item.split == "unknown" and (item.line, item.name.removeprefix(BEST)) == (guess.line, name)
        else item
        for item in progress.metrics
    )
    curves = dict(progress.curves)
    if (name, guess.split) not in curves and (name, "unknown") in curves:
        curves[name, guess.split] = curves.pop((name, "unknown"))
    return replace(progress, metrics=metrics, curves=curves)


def missing_metric(
    progress: Progress, wanted: str | None, guess: MetricGuess | None = None
) -> tuple[str, str]:
    """Return what to say where ``choose_metric`` found nothing fit to compare by: one line, and the fix."""
    progress = _told_by(guess, progress)
    seen = seen_metrics(progress)
    listed = ", ".join(seen)
    on_training_data = _only_on_training_data(progress, wanted or _unnamed(progress, guess))
    if on_training_data is not None:
        name, insist = on_training_data, _label(on_training_data, "train")
        return (
            f"the script measures {name} on its training data only, which says nothing about new data",
            f"print it for test data too, as 'test {name}: …', or insist with --metric {insist}",
        )
    if wanted is not None and seen:
        return (
            f"the script reported no {wanted!r}; it reported {listed}",
            f"name one of them with --metric: {listed}",
        )
    if seen:
        return f"the script reported several metrics: {listed}", f"name one of them with --metric: {listed}"
    looked = (
        'Keras fit and evaluate, scikit-learn scores, printed lines like "accuracy: 0.98", and files it wrote'
    )
    what = "no metric" if wanted is None else f"no {wanted!r}"
    fix = 'print it at the end of the script, as "accuracy: 0.98", or name one with --metric'
    return f"{what} was found in {looked}", fix


def _only_on_training_data(progress: Progress, wanted: str | None) -> str | None:
    """Return the canonical name of the metric ``wanted``, if training data is all it was measured on."""
    if wanted is None:
        return None
    name, asked = wire.canonical_metric(wanted)
    splits = {split for other, split in progress.curves if other == name}
    splits |= {item.split for item in progress.metrics if item.name.removeprefix(BEST) == name}
    return name if splits == {"train"} and asked != "train" else None


def seen_metrics(progress: Progress) -> tuple[str, ...]:
    """Name every metric that was reported, with the data it was measured on, in the order of reporting."""
    pairs = [*progress.curves, *((reading.name, reading.split) for reading in progress.metrics)]
    return tuple(dict.fromkeys(_label(name, split) for name, split in pairs))


def _unnamed(progress: Progress, guess: MetricGuess | None) -> str | None:
    held = list(dict.fromkeys(name for name, split in _reported(progress) if split != "train"))
    names = held or list(dict.fromkeys(name for name, _ in _reported(progress)))
    for name in ("accuracy", *([] if guess is None else [wire.canonical_metric(guess.name)[0]])):
        if name in names:
            return name
    telling = [name for name in names if name not in ("loss", BEST + "loss")] or names
    plain = list(dict.fromkeys(name.removeprefix(BEST) for name in telling))
    return plain[0] if len(plain) == 1 else None


def _reported(progress: Progress) -> Iterable[tuple[str, Split]]:
    yield from ((reading.name, reading.split) for reading in progress.metrics)
    yield from progress.curves


def _asked(split: str, order: tuple[Split, ...]) -> tuple[Split, ...]:
    """Return the splits to look at, best first: the one that the wanted name tells, else ``order``.

    A printed number often does not tell its data, so unknown stands in for test; and for training data,
    where somebody insists on that: edits move lines, and with them what was read of a line.
    """
    told: dict[str, tuple[Split, ...]] = {
        "train": ("train", "unknown"), "validation": ("validation",), "test": ("test", "unknown"),
    }  # fmt: skip
    return told.get(split, order)


def _curve(progress: Progress, name: str, splits: Sequence[Split]) -> tuple[Split, tuple[float, ...]]:
    for split in splits:
        values = _finite_head(progress.curves.get((name, split), ()))
        if values:
            return split, values
    return "unknown", ()


def _report(metrics: Sequence[MetricReading], name: str, splits: Sequence[Split]) -> MetricReading | None:
    """Return the last reading of ``name`` on the best split that has one: an API's before a printed one."""
    for split in splits:
        found = [reading for reading in metrics if reading.name == name and reading.split == split]
        if found:
            return next((reading for reading in reversed(found) if not _is_text(reading)), found[-1])
    return None


def _is_text(reading: MetricReading) -> bool:
    return reading.source.startswith(("stdout:", "stderr:", "file:"))


def _choice(
    name: str,
    curve_split: Split,
    curve: tuple[float, ...],
    reading: MetricReading | None,
    proxy: float | None,
    progress: Progress,
) -> MetricChoice:
    last = _last(curve)
    whole = len(curve) >= progress.epochs_done
    report = reading.value if reading is not None else last
    seen = reading is not None and reading.seen_by_fit
    selection_split = curve_split if curve else (reading.split if reading else "unknown")
    trainer = _trainer(progress)
    return MetricChoice(
        name=name,
        curve=curve,
        curve_split=curve_split,
        selection=last if last is not None and (whole or reading is None) else report,
        selection_split=selection_split,
        report=report,
        report_split=reading.split if reading is not None else curve_split,
        report_source=reading.source if reading is not None else trainer,
        report_line=reading.line if reading is not None else 0,
        proxy=None if curve else proxy,
        # A number of unknown origin is the very one that the script ends with: the search looks at it.
        looks_at_test=seen or selection_split in ("test", "unknown"),
        says=_words(
            name, curve_split if curve else None, reading, trainer, has_proxy=not curve and proxy is not None
        ),
    )


def _held_apart(metrics: Sequence[MetricReading], report: MetricReading) -> MetricReading | None:
    """Return the one value on validation data beside the one on test data that the script ends with.

    Of several, nobody can say which model they are of; a printed value may be a copy of either.
    """
    if report.split != "test" or report.seen_by_fit or _is_text(report):
        return None
    same = [item for item in metrics if item.name == report.name and not _is_text(item)]
    tests = [item for item in same if item.split == "test"]
    held = [item for item in same if item.split == "validation" and not item.seen_by_fit]
    return held[0] if len(held) == len(tests) == 1 else None


def _chosen_apart(choice: MetricChoice, held: MetricReading, trainer: str) -> MetricChoice:
    """Let ``held`` choose, and leave the test data for the report."""
    first = _words(choice.name, None, held, trainer, has_proxy=False)
    return replace(
        choice,
        selection=held.value,
        selection_split=held.split,
        looks_at_test=False,
        says=f"{first}; {choice.says}",
    )


def _trainer(progress: Progress) -> str:
    """Return what reports the epochs, for people."""
    told = [fit.by for fit in progress.fits if fit.by]
    return told[0] if told else TRAINERS.get(progress.framework, "the training loop")


def _words(
    name: str, curve_split: Split | None, reading: MetricReading | None, trainer: str, *, has_proxy: bool
) -> str:
    """Say what was matched: ``val_accuracy per epoch from keras.fit; test accuracy from …, line 31``."""
    parts = []
    if curve_split is not None:
        parts.append(f"{_label(name, curve_split)} per epoch from {trainer}")
    elif has_proxy:
        parts.append(f"{_label(name, 'train')} per epoch from {trainer} (to compare paused trials only)")
    if reading is not None:
        data = "" if reading.split == "unknown" else f"{reading.split} "
        place = f", line {reading.line}" if reading.line else ""
        best = "the best " if reading.name.startswith(BEST) else ""
        parts.append(f"{best}{data}{name} from {_source(reading)}{place}")
    return "; ".join(parts)


def _source(reading: MetricReading) -> str:
    kind, _, rest = reading.source.partition(":")
    if kind in ("stdout", "stderr"):
        # Without its numbers: they are those of one run, and this is said of all.
        text = re.sub(r"\d+(?:[.,]\d+)*", "…", reading.text)
        return f'the printed line "{text}"' if text else f"printed line {rest}"
    return f"the file {rest}" if kind == "file" else reading.source


def _label(name: str, split: Split) -> str:
    prefixes: dict[Split, str] = {"train": "train_", "validation": "val_", "test": "test_", "unknown": ""}
    return prefixes[split] + name


def _finite_head(values: Sequence[float]) -> tuple[float, ...]:
    """Return ``values`` up to the first that is not finite: what comes after it is not to be trusted."""
    for number, value in enumerate(values):
        if not math.isfinite(value):
            return tuple(values[:number])
    return tuple(values)


def _last(values: Sequence[float]) -> float | None:
    return values[-1] if values else None
