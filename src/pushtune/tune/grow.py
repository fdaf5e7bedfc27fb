"""The original rule: each turn more of what makes the model bigger, until the value falls.

Turns alternate: all widths doubled, then one more copy of every block that can be repeated. Kept because
people know it; it looks at nothing but size.
"""

from __future__ import annotations

from pushtune.model.jobs import Ask, Job, Stop, Wait
from pushtune.model.space import Assignment, Parameter, Space, Value, canonical
from pushtune.tune.ending import budget_used
from pushtune.tune.sizes import at_most, is_repeat, widened
from pushtune.tune.study import Study, Trial


class Grow:
    """One trial after the other, in one piece, with the author's epochs."""

    name = "grow"

    def next(self, study: Study) -> Ask:
        """Return the next bigger model, or the end: it fell, or it cannot grow."""
        if study.closed is not None:
            return Stop(study.closed)
        if study.running():
            return Wait()
        last = study.trials[study.next_number - 1]
        over = _fell(study, last) or budget_used(study)
        if over is not None:
            return Stop(over)
        bigger = grown(study.space, last.configuration, study.next_number)
        if bigger is None:
            return Stop("nothing is left to grow")
        return Job(study.asks, study.next_number, bigger, 0, None, finish=True)


def _fell(study: Study, last: Trial) -> str | None:
    if last.number == 0:
        return None
    before = study.trials[last.number - 1].goodness
    if last.goodness is None or last.failed:
        return f"trial {last.number} failed: growing ends"
    if before is not None and last.goodness < before:
        return f"trial {last.number} is worse than the one before: growing ends"
    return None


def grown(space: Space, configuration: Assignment, turn: int) -> Assignment | None:
    """Return the configuration one turn bigger; None if every width and count is at its limit.

    Odd turns double the widths, even ones repeat blocks; a turn that would change nothing is passed over.
    """
    for kind in (turn, turn + 1):
        step = _wider if kind % 2 else _deeper
        values = {item.name: step(item, configuration) for item in space.parameters}
        bigger = canonical(space, Assignment.of({**configuration.as_dict(), **values}))
        if bigger != configuration:
            return bigger
    return None


def _wider(item: Parameter, configuration: Assignment) -> Value:
    return widened(item, configuration.get(item.name, item.default), 2)


def _deeper(item: Parameter, configuration: Assignment) -> Value:
    value = configuration.get(item.name, item.default)
    if not is_repeat(item) or not isinstance(value, int):
        return value
    return at_most(item, value + 1, value)
