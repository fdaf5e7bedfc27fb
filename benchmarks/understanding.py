"""What Pushtune understands of strangers' scripts, against what an expert said of them line by line.

FOLDER holds the scripts, each at ``<owner>+<name>/<path>``, fetched by hand; what is absent is skipped and
named. Nothing is run: each script is read as ``pushtune inspect --json`` reads it. Four figures, from 0 to 1:

* ``kind_right``      scripts whose framework and kind are the labelled ones;
* ``values_reached``  values labelled *knob* that are offered, matched by path, line and text; an argument
  that a call leaves out is matched by its call and its role;
* ``knobs_accepted``  offered knobs that are labelled *knob*; against them stand values that are labelled
  *never* or not at all. *Maybe* and unlabelled arguments left out count neither way;
* ``metric_right``    scripts whose predicted metric is one that they report (name, split, direction).

``kind_right_listed`` adds the scripts of ``scripts.tsv``, of which only the kind is known, and
``metric_right_of_runnable`` leaves out the scripts that no longer run.

Usage: ``python benchmarks/understanding.py FOLDER [--labels DIR] [--json FILE] [--markdown FILE]``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus_judging import Miss, Share, Verdict, judge_kind, judge_knobs, judge_metric, judge_values
from corpus_labels import Labelled, read_labels
from corpus_places import LabelsDoNotFitError, find_places
from corpus_table import FIGURES, print_misses, table, total, write_markdown
from figures import report

from pushtune.analyse import inspect
from pushtune.errors import PushtuneError
from pushtune.source import load_script


@dataclass(frozen=True)
class Measured:
    """All scripts that were there, and the names of those that were not or are not the labelled ones."""

    verdicts: tuple[Verdict, ...]
    skipped: tuple[str, ...]

    @property
    def labelled(self) -> list[Verdict]:
        """The scripts that are labelled line by line."""
        return [verdict for verdict in self.verdicts if verdict.script.metrics]


def measure(folder: Path, labels: Path) -> Measured:
    """Judge every labelled script below ``folder``; ``SystemExit`` if none is there."""
    verdicts, skipped = [], []
    for script in read_labels(labels):
        if not script.file(folder).is_file():
            skipped.append(f"{script.name}: absent")
            continue
        try:
            verdicts.append(judge(script, script.file(folder)))
        except LabelsDoNotFitError as error:
            skipped.append(f"{script.name}: not the labelled revision, {error}")
    if not verdicts:
        raise SystemExit(f"none of the labelled scripts is in {folder}")
    return Measured(tuple(verdicts), tuple(skipped))


def judge(script: Labelled, file: Path) -> Verdict:
    """Judge one script. One that cannot be analysed has everything wrong that could be right."""
    try:
        analysis = inspect(load_script(file))
    except PushtuneError as error:
        return failed(script, f"declined: {error}")
    except Exception as error:  # noqa: BLE001 - a crash on one script must not hide what the others show
        return failed(script, f"CRASHED with {type(error).__name__}: {error}")
    kind, misses = judge_kind(script, analysis)
    if not script.metrics:
        return Verdict(script, {"kind_right": kind}, tuple(misses))
    places = find_places(file.read_text(encoding="utf-8"), script.rows)
    values, unreached = judge_values(script, places, analysis)
    knobs, wrong, uncounted = judge_knobs(script, places, analysis)
    metric, other = judge_metric(script, analysis.metric)
    shares = dict(zip(FIGURES, (kind, values, knobs, metric), strict=True))
    return Verdict(script, shares, (*misses, *unreached, *wrong, *other), uncounted)


def failed(script: Labelled, why: str) -> Verdict:
    """Return the verdict on a script that was not analysed."""
    wanted = [row for row in script.rows if row.verdict == "knob"]
    shares = {"kind_right": Share(0, 1), "values_reached": Share(0, len(wanted))}
    if script.metrics:
        shares["metric_right"] = Share(0, 1)
    lines = {"kind_right": [(0, "")], "values_reached": [(row.line, row.text) for row in wanted]}
    misses = [
        Miss(figure, script.name, script.framework, line, text, why)
        for figure in shares
        for line, text in lines.get(figure, [(0, "")])
    ]
    return Verdict(script, shares, tuple(misses))


def figures(measured: Measured) -> dict[str, float]:
    """Return the shares, from 0 to 1, and how many scripts, values and knobs stand behind them."""
    labelled = measured.labelled
    runnable = [item for item in labelled if any(row.runs == "yes" for row in item.script.metrics)]
    return {
        **{figure: total(labelled, figure).value for figure in FIGURES},
        "kind_right_listed": total(measured.verdicts, "kind_right").value,
        "metric_right_of_runnable": total(runnable, "metric_right").value,
        "scripts": float(len(labelled)),
        "scripts_listed": float(len(measured.verdicts)),
        "values": float(total(labelled, "values_reached").of),
        "knobs_counted": float(total(labelled, "knobs_accepted").of),
        "knobs_counted_neither_way": float(sum(item.uncounted for item in labelled)),
    }


def show(measured: Measured) -> None:
    """Print the table, the misses, what was skipped, and the figures."""
    print(table(measured.labelled))
    print_misses(ordered_misses(measured.verdicts))
    for name in measured.skipped:
        print(f"skipped {name}")
    print(*(f"{name}: {value:.3f}" for name, value in figures(measured).items()), sep="\n")


def ordered_misses(verdicts: Sequence[Verdict]) -> list[Miss]:
    """Return all misses, figure by figure, framework by framework."""
    misses = [miss for verdict in verdicts for miss in verdict.misses]
    return sorted(misses, key=lambda miss: (FIGURES.index(miss.figure), miss.framework, miss.script))


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the scripts")
    parser.add_argument("--labels", type=Path, metavar="DIR", help="labels.tsv and metrics.tsv (FOLDER)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table to FILE")
    chosen = parser.parse_args()
    measured = measure(chosen.folder, chosen.labels or chosen.folder)
    show(measured)
    if chosen.json is not None:
        written = report("understanding", figures(measured))
        chosen.json.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    if chosen.markdown is not None:
        write_markdown(chosen.markdown, table(measured.labelled))


if __name__ == "__main__":
    main()
