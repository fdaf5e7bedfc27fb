"""Drive the real scheduler with a table of learning curves: how soon does it find a good configuration?

Each order starts from another middling row as the author's script (three epochs) and another seed. A
proposal is taken to the nearest row that was not used yet. Two questions are asked of each order:

* epochs trained until the first row of the best 2 % was *finished* (and until one was merely *started*);
* with a budget of 40 trials: the test accuracy of the winner at its chosen epochs, and the epochs it took.

Usage: ``python benchmarks/search_quality.py [TABLE] [--json FILE] [--orders N]``.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, quantiles

from figures import report

from pushtune.model.jobs import Job, Outcome, OutcomeKind, Stop, Wait
from pushtune.model.space import Assignment, Domain, Epochs, Parameter, Space, Value, canonical
from pushtune.tune.auto import Auto, Sampler
from pushtune.tune.proposals import complete, propose
from pushtune.tune.scheduler import Scheduler
from pushtune.tune.settings import SearchSettings
from pushtune.tune.steps import ordered, place
from pushtune.tune.study import Study

TABLE = Path(__file__).resolve().parents[2] / "shared" / "bench" / "curves.jsonl"
AUTHOR_EPOCHS, MAXIMUM = 3, 27
ENOUGH = 0.02
TRIALS = 40
ROLES = {"lr": "learning_rate", "opt": "optimizer", "bs": "batch_size", "blocks": "move.copies"}


@dataclass(frozen=True)
class Row:
    """One configuration: its values, and validation and test accuracy after each epoch."""

    values: dict[str, Value]
    validation: tuple[float, ...]
    test: tuple[float, ...]


@dataclass
class Run:
    """What one search came to. ``started`` and ``finished``: epochs until a top row was, None if never."""

    epochs: int = 0
    started: int | None = None
    finished: int | None = None
    winner_test: float = 0.0
    ask_seconds: list[float] = field(default_factory=list)
    rows: dict[int, Row] = field(default_factory=dict)


class Table:
    """The rows, as a space and as the answer to jobs."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self.domains = {name: _domain([row.values[name] for row in rows]) for name in rows[0].values}
        self.top = {id(row) for row in sorted(rows, key=_best, reverse=True)[: int(len(rows) * ENOUGH)]}
        self.named = {Assignment.of(row.values).key: row for row in reversed(rows)}
        self._places = [(row, self._place(row.values)) for row in rows]

    def space(self, author: Row) -> Space:
        """Return the space as the script of ``author`` would offer it."""
        parameters = [
            Parameter(name, ROLES.get(name, name), domain, author.values[name])
            for name, domain in self.domains.items()
        ]
        return Space(tuple(parameters), Epochs("epochs", AUTHOR_EPOCHS, MAXIMUM))

    def nearest(self, space: Space, assignment: Assignment, used: set[str]) -> Row | None:
        """Return the nearest row whose configuration is not among ``used``."""
        values = complete(space, assignment)
        values.pop("epochs", None)
        here = self._place(values)
        by_distance = sorted(self._places, key=lambda item: _distance(here, item[1]))
        for row, _ in by_distance:
            if canonical(space, Assignment.of(row.values)).key not in used:
                return row
        return None

    def _place(self, values: dict[str, Value]) -> list[tuple[bool, float]]:
        return [(ordered(domain), place(domain, values[name])) for name, domain in self.domains.items()]


def _distance(one: list[tuple[bool, float]], other: list[tuple[bool, float]]) -> float:
    return sum(abs(a - b) if known else float(a != b) for (known, a), (_, b) in zip(one, other, strict=True))


def _domain(values: list[Value]) -> Domain:
    choices = sorted(set(values), key=lambda value: value if isinstance(value, (int, float)) else 0)
    return Domain("categorical", choices=tuple(sorted(choices, key=str) if "adam" in choices else choices))


def _best(row: Row) -> float:
    return max(row.validation)


def read(path: Path) -> Table:
    """Read the table; see the README beside it for its fields."""
    found = [json.loads(line) for line in path.read_text().splitlines()]
    # One whole number in a column of fractions would be another value than the same as a fraction.
    clean = [{k: float(v) if k in ("lr", "dropout") else v for k, v in item["c"].items()} for item in found]
    return Table([Row(c, tuple(i["va"]), tuple(i["te"])) for c, i in zip(clean, found, strict=True)])


def snapped(table: Table, sampler: Sampler) -> Sampler:
    """Return ``sampler`` with each proposal taken to the nearest unused row."""

    def sample(study: Study) -> Assignment | None:
        proposal = sampler(study)
        if proposal is None:
            return None
        row = table.nearest(study.space, proposal, study.seen())
        return None if row is None else canonical(study.space, Assignment.of(row.values))

    return sample


def uniform(table: Table) -> Sampler:
    """Return a sampler that draws rows at random."""

    def sample(study: Study) -> Assignment | None:
        chance = study.chance()
        while True:
            found = canonical(study.space, Assignment.of(chance.choice(table.rows).values))
            if found.key not in study.seen():
                return found

    return sample


def search(table: Table, author: Row, sampler: Sampler, settings: SearchSettings, *, until_top: bool) -> Run:
    """Run one search over the table, one job at a time."""
    space = table.space(author)
    baseline = _outcome(author, AUTHOR_EPOCHS, finish=True)
    scheduler = Scheduler(space, "max", None, settings, baseline, strategies={"auto": Auto(sampler)})
    run = Run()
    while not (until_top and run.finished is not None):
        begun = time.process_time()
        step = scheduler.ask()
        run.ask_seconds.append(time.process_time() - begun)
        if isinstance(step, Stop):
            break
        assert isinstance(step, Job), Wait
        scheduler.tell(step, _train(table, space, step, run))
    best = scheduler.best()
    assert best is not None
    row = run.rows.get(best.trial, author)
    run.winner_test = row.test[(best.epochs or AUTHOR_EPOCHS) - 1]
    return run


def _train(table: Table, space: Space, job: Job, run: Run) -> Outcome:
    row = run.rows.setdefault(job.trial, _row(table, space, job))
    upto = job.to_epoch or MAXIMUM
    run.epochs += upto - job.from_epoch
    if id(row) in table.top:
        run.started = run.epochs if run.started is None else run.started
        if upto == MAXIMUM and run.finished is None:
            run.finished = run.epochs
    return _outcome(row, upto, finish=job.finish)


def _row(table: Table, space: Space, job: Job) -> Row:
    values = complete(space, job.assignment)
    values.pop("epochs", None)
    return table.named[Assignment.of(values).key]


def _outcome(row: Row, epochs: int, *, finish: bool) -> Outcome:
    kind = OutcomeKind.FINISHED if finish else OutcomeKind.PAUSED
    curve = row.validation[:epochs]
    return Outcome(kind, curve[-1], curve[-1] if finish else None, epochs, curve)


def middling(table: Table, chance: random.Random) -> Row:
    """Return a row from the middle half, as an author might have left it."""
    ranked = sorted(table.rows, key=_best)
    return chance.choice(ranked[len(ranked) // 4 : len(ranked) * 3 // 4])


def measure(table: Table, sampler: Sampler, orders: int) -> dict[str, float]:
    """Return the means over ``orders`` searches; epochs, accuracies from 0 to 1, seconds."""
    to_top, budgeted = [], []
    for order in range(orders):
        author = middling(table, random.Random(order))
        endless = SearchSettings(trials=len(table.rows) // 2, patience=len(table.rows), seed=order)
        fixed = SearchSettings(trials=TRIALS, patience=TRIALS, seed=order)
        to_top.append(search(table, author, sampler, endless, until_top=True))
        budgeted.append(search(table, author, sampler, fixed, until_top=False))
    return {
        "epochs_to_start_a_top_row": mean(run.started or run.epochs for run in to_top),
        "epochs_to_finish_a_top_row": mean(run.finished or run.epochs for run in to_top),
        f"winner_test_accuracy_{TRIALS}_trials": mean(run.winner_test for run in budgeted),
        f"epochs_{TRIALS}_trials": mean(run.epochs for run in budgeted),
        "ask_cpu_seconds_95_percent": quantiles([s for run in budgeted for s in run.ask_seconds], n=20)[-1],
    }


def in_full(table: Table, orders: int) -> dict[str, float]:
    """Return the same for random rows trained to the last epoch, the best validation value winning."""
    to_top, winners = [], []
    for order in range(orders):
        rows = random.Random(order).sample(table.rows, len(table.rows))
        first = next(number for number, row in enumerate(rows, start=1) if id(row) in table.top)
        to_top.append(first * MAXIMUM)
        winners.append(max(rows[:TRIALS], key=lambda row: row.validation[-1]).test[-1])
    return {
        "epochs_to_finish_a_top_row": mean(to_top),
        f"winner_test_accuracy_{TRIALS}_trials": mean(winners),
        f"epochs_{TRIALS}_trials": float(TRIALS * MAXIMUM),
    }


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", nargs="?", type=Path, default=TABLE, help="the table of curves (JSON lines)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    parser.add_argument("--orders", type=int, default=12, metavar="N", help="searches averaged (12)")
    return parser.parse_args()


def main() -> None:
    """Measure the scheduler with its own sampler, with random rows, and random rows trained in full."""
    chosen = arguments()
    table = read(chosen.table)
    figures = {
        "scheduler": measure(table, snapped(table, propose), chosen.orders),
        "random_with_rungs": measure(table, uniform(table), chosen.orders),
        "random_in_full": in_full(table, chosen.orders),
    }
    for name, found in figures.items():
        print(name, *(f"{key}={value:.4g}" for key, value in found.items()), sep="\n  ")
    if chosen.json is not None:
        flat = {f"{name}.{key}": value for name, found in figures.items() for key, value in found.items()}
        written = report("search_quality", {**flat, "orders": chosen.orders})
        chosen.json.write_text(json.dumps(written, indent=1) + "\n")


if __name__ == "__main__":
    main()
