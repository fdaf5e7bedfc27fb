"""Showing what was understood: a table per script, the totals, the misses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from corpus_judging import Miss, Share, Verdict

BEGIN, END = "<!-- understanding: begin -->", "<!-- understanding: end -->"
"""What stands between these lines of a Markdown file is replaced; the rest of it is kept."""

FIGURES = ("kind_right", "values_reached", "knobs_accepted", "metric_right")
HEAD = ("script", "framework", "kind", "values reached", "knobs accepted", "neither way", "metric")


def total(verdicts: Iterable[Verdict], figure: str) -> Share:
    """Return the sum over scripts: each value counts the same, not each script."""
    return sum((verdict.shares.get(figure, Share()) for verdict in verdicts), Share())


def table(verdicts: Sequence[Verdict]) -> str:
    """Return the Markdown table of the labelled scripts, ordered by framework."""
    ordered = sorted(verdicts, key=lambda item: (item.script.framework, item.script.name))
    rows = [HEAD, tuple("---" for _ in HEAD), *map(_cells, ordered), _totals(verdicts)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cells(verdict: Verdict) -> tuple[str, ...]:
    shares = [verdict.shares.get(figure, Share()) for figure in FIGURES]
    kind, metric = (("yes" if share.right else "no") if share.of else "-" for share in (shares[0], shares[3]))
    script = verdict.script
    return (script.name, script.framework, kind, *map(str, shares[1:3]), str(verdict.uncounted), metric)


def _totals(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    kind, values, knobs, metric = (
        f"{share} = {share.value:.2f}" for share in (total(verdicts, figure) for figure in FIGURES)
    )
    uncounted = str(sum(verdict.uncounted for verdict in verdicts))
    return ("all", "", kind, values, knobs, uncounted, metric)


def write_markdown(path: Path, text: str) -> None:
    """Write ``text`` to ``path``: between its marks where it has them, else as the whole file."""
    block = f"{BEGIN}\n{text}{END}"
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    new = before + block + after if begin and end else block + "\n"
    path.write_text(new, encoding="utf-8")


def print_misses(misses: Sequence[Miss]) -> None:
    """Print every miss on a line, figure by figure."""
    for figure in dict.fromkeys(miss.figure for miss in misses):
        here = [miss for miss in misses if miss.figure == figure]
        print(f"\n{figure}: {len(here)} missed")
        for miss in here:
            print(f"  {miss}")
