"""Which configuration to try next: steps around the author's values first, then a sampler that learns."""

from __future__ import annotations

import random

from pushtune.model.space import Assignment, Space, Value, canonical
from pushtune.tune import tpe
from pushtune.tune.merging import merged
from pushtune.tune.merits import merits
from pushtune.tune.out_of_memory import is_too_large
from pushtune.tune.startup import STARTUP, first_steps
from pushtune.tune.steps import active_parameters, stepped
from pushtune.tune.study import Study, Trial

LEADERS = 3
STEPPED = (1, 1, 2, 2, 3)
"""How many parameters change near a leader: mostly one or two."""

LEAST, MOST = 0.05, 0.35
"""Distance of a step near a leader, as a share of the (logarithmic) range."""

CHANGED = 6
"""Most parameters in which a proposal of the sampler differs from a leader."""

MERGED_EVERY = 4
"""From the start-up's end on, every so many trials puts together what helped apart."""

RETRIES = 5
NEIGHBOURS = 100


def propose(study: Study) -> Assignment | None:
    """Return a configuration that was not tried yet, without epochs; None if none can be found.

    One that is known to need more memory than there is comes last: only where nothing else is drawn.
    """
    space, chance = study.space, study.chance()
    if not space.parameters:
        return None
    seen = study.seen()
    proposal = Assignment()
    for _ in range(RETRIES):
        proposal = canonical(space, _draw(study, chance))
        if proposal.key not in seen and not is_too_large(study, proposal):
            return proposal
    return _unseen_neighbour(space, proposal, seen, chance)


def _draw(study: Study, chance: random.Random) -> Assignment:
    """Take the author's surroundings first, then the sampler and the leaders' surroundings in turn."""
    if study.started < STARTUP:
        return first_steps(study, chance)
    if study.started % MERGED_EVERY == 0 and (together := merged(study)) is not None:
        return together
    found = leaders(study)
    if not found:
        return tpe.sample(study, chance)
    leader = chance.choice(found)
    if study.started % 2:
        return near(study, leader, chance)
    return blended(study, leader, tpe.sample(study, chance), chance)


def leaders(study: Study) -> list[Trial]:
    """Return the best few trials that told a value, the best first."""
    merit = merits(study)
    best = sorted(merit, key=lambda number: (-merit[number], number))[:LEADERS]
    return [study.trials[number] for number in best if not study.trials[number].failed]


def near(study: Study, leader: Trial, chance: random.Random) -> Assignment:
    """Return the leader's configuration with one to three parameters stepped.

    With a few dozen trials a model of the whole space is coarse; half the trials are better spent close
    to what is good already (docs/decisions/0001).
    """
    values = complete(study.space, leader.configuration)
    parameters = list(active_parameters(study.space, values))
    chance.shuffle(parameters)
    for item in parameters[: chance.choice(STEPPED)]:
        values[item.name] = stepped(item, values[item.name], chance, chance.uniform(LEAST, MOST))
    return Assignment.of(values)


def blended(study: Study, leader: Trial, proposal: Assignment, chance: random.Random) -> Assignment:
    """Return the leader's configuration with at most ``CHANGED`` of the values that ``proposal`` has else.

    In a small space that is the proposal itself. In a large one a sampler that has seen a few dozen trials
    sets most values by chance, and one bad value in twenty spoils the rest.
    """
    space = study.space
    values = complete(space, leader.configuration)
    wanted = complete(space, proposal)
    differing = [item.name for item in space.parameters if values[item.name] != wanted[item.name]]
    chance.shuffle(differing)
    for name in differing[:CHANGED]:
        values[name] = wanted[name]
    return Assignment.of(values)


def _unseen_neighbour(
    space: Space, start: Assignment, seen: set[str], chance: random.Random
) -> Assignment | None:
    """Walk at random from ``start``, one parameter at a time, until something new is met."""
    values = complete(space, start)
    for _ in range(NEIGHBOURS):
        parameter = chance.choice(active_parameters(space, values))
        values[parameter.name] = stepped(parameter, values[parameter.name], chance, chance.uniform(0.05, 0.5))
        found = canonical(space, Assignment.of(values))
        if found.key not in seen:
            return found
    return None


def complete(space: Space, assignment: Assignment) -> dict[str, Value]:
    """Return a value for every parameter, the author's where the assignment names none."""
    return {**{item.name: item.default for item in space.parameters}, **assignment.as_dict()}
