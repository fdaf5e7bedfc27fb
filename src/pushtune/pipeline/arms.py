"""The arms of a confirmation: the same source on several seeds, and what they came to."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import mean, stdev

from pushtune.ledger import TrialRow
from pushtune.model.space import Assignment, canonical
from pushtune.model.states import Purpose, TrialState
from pushtune.pipeline.workbench import Workbench, measured


@dataclass(frozen=True)
class Arm:
    """One source on several seeds. ``values`` are what its runs are said to reach, by seed."""

    purpose: Purpose
    assignment: Assignment
    seeds: tuple[int, ...]
    values: tuple[float, ...] = ()
    trials: tuple[int, ...] = ()

    @property
    def mean(self) -> float:
        """The mean over the seeds that came to an end."""
        return mean(self.values)

    @property
    def deviation(self) -> float:
        """The sample standard deviation; 0 for a single value."""
        return stdev(self.values) if len(self.values) > 1 else 0.0


def arms_for(bench: Workbench, assignment: Assignment) -> list[Arm]:
    """Return the arms of one candidate, the winner's first, the baseline's second."""
    first = bench.study.seed
    seeds = tuple(range(first, first + 1 + bench.settings.confirm_seeds))
    arms = [
        Arm(Purpose.CONFIRM_WINNER, assignment, seeds),
        Arm(Purpose.CONFIRM_BASELINE, Assignment(), seeds),
    ]
    epochs = bench.space.epochs
    if epochs is not None and epochs.parameter in assignment.as_dict() and len(assignment.values) > 1:
        alone = Assignment.of({epochs.parameter: assignment.get(epochs.parameter)})
        arms.append(Arm(Purpose.EPOCHS_ONLY, alone, seeds))
    return arms


def run_of(bench: Workbench, assignment: Assignment, seed: int) -> TrialRow | None:
    """Return the trial that runs exactly this source with this seed to its end, if there is one.

    A trial of the search counts if it finished with the winner's epochs: stopped after *k* epochs it is
    the trial whose source says *k*.
    """
    space = bench.space
    for row in bench.trials.all():
        if row.seed != seed:
            continue
        if row.purpose is Purpose.SEARCH and row.state is not TrialState.FINISHED:
            continue
        if canonical(space, trained(bench, row)) == canonical(space, assignment):
            return row
    return None


def trained(bench: Workbench, row: TrialRow) -> Assignment:
    """Return the assignment that a trial really trained: its epochs are those at which it ended."""
    epochs = bench.space.epochs
    if row.purpose is not Purpose.SEARCH or epochs is None or row.to_epoch is None or not epochs.rungs:
        return row.assignment
    return row.assignment.with_value(epochs.parameter, row.to_epoch)


def filled(bench: Workbench, arm: Arm) -> Arm:
    """Return the arm with the values of its runs that came to an end."""
    rows = [run_of(bench, arm.assignment, seed) for seed in arm.seeds]
    found = [(row.number, value) for row in rows if row is not None and (value := _value(row)) is not None]
    return Arm(
        arm.purpose,
        arm.assignment,
        arm.seeds,
        tuple(value for _, value in found),
        tuple(number for number, _ in found),
    )


def sentence(bench: Workbench, arm: Arm) -> str:
    """Say what an arm reached."""
    names = {
        Purpose.CONFIRM_WINNER: "winner",
        Purpose.CONFIRM_BASELINE: "your script",
        Purpose.BASELINE: "your script",
        Purpose.EPOCHS_ONLY: "your script with only the winner's epochs",
    }
    name = names.get(arm.purpose, arm.purpose.value)
    if not arm.values:
        return f"{name}: no run came to its end"
    runs = f"{len(arm.values)} seed{'s' * (len(arm.values) > 1)}"
    return f"{name}: {bench.metric_name} {arm.mean:.4f} ± {arm.deviation:.4f} ({runs})"


def _value(row: TrialRow) -> float | None:
    return measured(row) if row.state is TrialState.FINISHED else None
