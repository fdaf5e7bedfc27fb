"""The arms of a confirmation: the same source on several seeds, and what they came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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


def first_look(arms: Sequence[Arm]) -> list[Arm]:
    """Return what shows whether seeds matter at all: two of winner and baseline, one of the others."""
    return [replace(arm, seeds=arm.seeds[: 2 if place < 2 else 1]) for place, arm in enumerate(arms)]


def seeds_matter(bench: Workbench, arms: Sequence[Arm]) -> bool | None:
    """Whether another seed gives another run; None as long as that cannot be told.

    A script that sets its own seed gives the same curve and the same values each time, and training it
    again tells nothing. Both winner and baseline must show it: one may do so by chance. That seeds do matter
    is seen at the first epoch that differs.
    """
    pairs = [[run_of(bench, arm.assignment, seed) for seed in arm.seeds[:2]] for arm in arms[:2]]
    there = [
        (pair[0], pair[1]) for pair in pairs if len(pair) == 2 and pair[0] is not None and pair[1] is not None
    ]
    if any(_curves_part(one, other) for one, other in there):
        return True
    ended = [(one, other) for one, other in there if _both_finished(one, other)]
    if any(
        (one.curve, one.value, one.report) != (other.curve, other.value, other.report) for one, other in ended
    ):
        return True
    return False if len(ended) == len(pairs) else None


def _curves_part(one: TrialRow, other: TrialRow) -> bool:
    """Whether the curves differ as far as both have come, where both are numbers."""
    return any(abs(first - second) > 0 for first, second in zip(one.curve, other.curve, strict=False))


def _both_finished(one: TrialRow, other: TrialRow) -> bool:
    return one.state is TrialState.FINISHED and other.state is TrialState.FINISHED


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
