"""The first trials: a few parameters changed at a time, at a moderate distance from the author's values.

An author's script works; a uniform draw from a wide space mostly does not. Every parameter is moved
once before any is moved twice; the first trial repeats a block where the script offers that, and the second
widens the whole model.
"""

from __future__ import annotations

import random

from pushtune.model.space import Assignment, Parameter, Space
from pushtune.tune.sizes import all_wider, is_repeat, one_more
from pushtune.tune.steps import stepped
from pushtune.tune.study import Study

STARTUP = 8
TELLING = frozenset(
    {
        "learning_rate",
        "units",
        "filters",
        "kernel_size",
        "batch_size",
        "dropout",
        "move.copies",
        "move.dropout",
        "move.optimizer",
        "n_estimators",
        "max_depth",
        "C",
        "shrinkage",
    }
)
"""Roles that mostly decide: they are moved before the many small helps that a library offers."""

WIDER = (3,)
"""One of the first trials is the author's model with all widths so many times as large.

A script whose target is still ahead is mostly too small, and stepping one width at a time finds that late.
"""

LEAST, MOST = 0.1, 0.4
"""Distance of a first step, as a share of the (logarithmic) range."""


def first_steps(study: Study, chance: random.Random) -> Assignment:
    """Return the next of the first proposals: one to four parameters stepped from the author's values."""
    space = study.space
    repeat = _repeat(space)
    if repeat is not None and not any(_repeats(trial.configuration, repeat) for trial in study.candidates()):
        return Assignment.of({repeat.name: one_more(repeat)})
    for factor in WIDER:
        wider = all_wider(space, factor)
        if wider.values and wider.key not in study.seen():
            return wider
    chosen = _next_in_turn(study, chance)
    return Assignment.of(
        {item.name: stepped(item, item.default, chance, _distance(chance)) for item in chosen}
    )


def _distance(chance: random.Random) -> float:
    return chance.uniform(LEAST, MOST)


def _next_in_turn(study: Study, chance: random.Random) -> list[Parameter]:
    """Choose parameters, the ones moved least often so far first."""
    free = [item for item in study.space.parameters if study.space.active(item, {})]
    moved = {item.name: 0 for item in free}
    for trial in study.candidates():
        for name, _ in trial.configuration.values:
            if name in moved:
                moved[name] += 1
    chance.shuffle(free)
    free.sort(key=lambda item: (moved[item.name], item.role not in TELLING))
    return free[: chance.randint(1, 4)]


def _repeat(space: Space) -> Parameter | None:
    """Return the parameter that repeats a block, None if the script offers none."""
    return next((item for item in space.parameters if is_repeat(item)), None)


def _repeats(configuration: Assignment, parameter: Parameter) -> bool:
    return configuration.get(parameter.name) is not None
