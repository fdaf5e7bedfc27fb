"""Reading what an expert said of strangers' scripts: tab-separated files, one row a value or a metric.

``labels.tsv``   ``repo path line text role style verdict tied_lines why``; verdicts: knob, maybe, never
``metrics.tsv``  ``repo path framework kind metric split direction … runs_today``; several rows a script
``scripts.tsv``  ``repo path framework kind …``: more scripts, of which only the kind is known

A script lies at ``<owner>+<name>/<path>`` below the folder that is measured.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

Key = tuple[str, str]
"""Repository and path."""


@dataclass(frozen=True)
class Row:
    """One labelled value: ``text`` stands once on ``line``; for an implicit one it is the call.

    ``tied_lines`` are the lines that must change with it.
    """

    line: int
    text: str
    role: str
    style: str
    verdict: str
    tied_lines: tuple[int, ...]
    why: str


@dataclass(frozen=True)
class MetricRow:
    """One metric that a script reports; ``runs`` is yes, no or needs-data."""

    name: str
    split: str
    direction: str
    runs: str


@dataclass(frozen=True)
class Labelled:
    """All that is known of one script. ``rows`` and ``metrics`` are empty where only its kind is."""

    repository: str
    path: str
    framework: str
    kind: str
    rows: tuple[Row, ...] = ()
    metrics: tuple[MetricRow, ...] = ()

    @property
    def name(self) -> str:
        """How it is printed."""
        return f"{self.repository}/{self.path}"

    def file(self, folder: Path) -> Path:
        """Return where it lies below ``folder``."""
        return folder / self.repository.replace("/", "+") / self.path


def read_labels(folder: Path) -> list[Labelled]:
    """Return the labelled scripts, then those of which only the kind is known."""
    rows, metrics = _by_script(folder / "labels.tsv"), _by_script(folder / "metrics.tsv")
    labelled = [_labelled(key, rows.get(key, []), found) for key, found in metrics.items()]
    listed = folder / "scripts.tsv"
    others = _by_script(listed) if listed.is_file() else {}
    return labelled + [_labelled(key, [], found) for key, found in others.items() if key not in metrics]


def _by_script(path: Path) -> dict[Key, list[dict[str, str]]]:
    if not path.is_file():
        raise SystemExit(f"no {path.name} in {path.parent}; --labels DIR says where the labels are")
    found: dict[Key, list[dict[str, str]]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["path"]:  # a line with the total may end the table
                found[row["repo"], row["path"]].append(row)
    return dict(found)


def _labelled(key: Key, rows: list[dict[str, str]], described: list[dict[str, str]]) -> Labelled:
    # Only metrics.tsv says which way is better; a list of scripts has other columns.
    metrics = [row for row in described if "direction" in row]
    first = described[0]
    return Labelled(
        *key, first["framework"], first["kind"], tuple(map(_row, rows)), tuple(map(_metric, metrics))
    )


def _row(row: dict[str, str]) -> Row:
    return Row(
        int(row["line"]),
        row["text"],
        row["role"],
        row["style"],
        row["verdict"],
        tuple(_numbers(row["tied_lines"].split(","))),
        row["why"] or "",
    )


def _numbers(words: Iterable[str]) -> Iterable[int]:
    return (int(word) for word in words if word.strip())


def _metric(row: dict[str, str]) -> MetricRow:
    return MetricRow(row["metric"], row["split"], row["direction"], row["runs_today"])
