"""What most likely needs more memory than there is: what is larger, on the whole, than all that fitted."""

from __future__ import annotations

import math
from collections.abc import Iterator

from pushtune.model.jobs import OutcomeKind
from pushtune.model.space import Assignment, Parameter, Space, Value
from pushtune.tune.sizes import WIDTHS, is_repeat
from pushtune.tune.study import Study

_SIZES = WIDTHS | {"batch_size", "kernel_size", "max_depth"}
_WENT_WELL = (OutcomeKind.FINISHED, OutcomeKind.PAUSED)


def is_too_large(study: Study, proposal: Assignment) -> bool:
    """Whether ``proposal`` is no smaller than what ran out of memory, and larger than all that fitted.

    Sizes are compared by their product, as multiples of the author's: crude, but a narrower layer does make
    room for a larger batch. What ran out of memory though something larger fits had met the machine in a bad
    moment, and says nothing.
    """
    ran_out = list(_volumes(study, (OutcomeKind.OUT_OF_MEMORY,)))
    if not ran_out:
        return False
    fits = max(_volumes(study, _WENT_WELL), default=0.0)
    volume = _volume(study.space, proposal)
    return volume > fits and any(volume >= other > fits for other in ran_out)


def _volumes(study: Study, kinds: tuple[OutcomeKind, ...]) -> Iterator[float]:
    for trial in study.trials.values():
        if trial.kind in kinds:
            yield _volume(study.space, trial.configuration)


def _volume(space: Space, assignment: Assignment) -> float:
    """Return the logarithm of the product of all sizes, as multiples of the author's."""
    given = assignment.as_dict()
    return sum(
        math.log(_number(given[item.name]) / _number(item.default))
        for item in space.parameters
        if item.name in given and _is_size(item)
    )


def _is_size(item: Parameter) -> bool:
    return item.role in _SIZES or is_repeat(item)


def _number(value: Value) -> float:
    """Return a size as a number; what has none (a depth of None) counts as one."""
    return float(value) if isinstance(value, (int, float)) and value > 0 else 1.0
