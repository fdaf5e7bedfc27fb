"""The values that a script prints or measures during one epoch of its own loop."""

from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from pushtune_probe import wire

_PREFIXES = {"train": "train_", "validation": "val_", "test": "test_", "unknown": ""}
_TRAINING = ("train", "unknown")


class Value(NamedTuple):
    """One value; ``name`` as it was told, ``source``, ``text`` and ``line`` as in the ``metric`` event."""

    name: str
    value: float
    split: str
    source: str
    text: str
    line: int = 0


class EpochValues:
    """Collects, while an epoch runs, the last value of each name and split.

    A printed copy of a value that an API told in the same epoch is left out.
    """

    def __init__(self) -> None:
        self._last: Dict[Tuple[str, str], Value] = {}
        self._measured: List[Tuple[str, float]] = []

    @property
    def any(self) -> bool:
        """Whether anything was collected."""
        return bool(self._last)

    def printed(self, value: Value, tolerance: float) -> None:
        """Take up a value that was printed, rounded to within ``tolerance``."""
        canonical = wire.canonical_metric(value.name)[0]
        for name, number in self._measured:
            if name == canonical and abs(number - value.value) <= tolerance:
                return
        self._last[canonical, value.split] = value

    def measured(self, value: Value) -> None:
        """Take up a value that an API told."""
        canonical = wire.canonical_metric(value.name)[0]
        self._measured.append((canonical, value.value))
        self._last[canonical, value.split] = value

    def take(self) -> List[Value]:
        """Return what was collected, and begin anew."""
        values = list(self._last.values())
        self._last.clear()
        self._measured.clear()
        return values


def as_event(values: List[Value]) -> Dict[str, Dict[str, Any]]:
    """Return values as the ``epoch`` event has them; names tell the split, so that none hides another."""
    return {_name(value): {"value": value.value, "split": value.split} for value in values}


def _name(value: Value) -> str:
    canonical, told = wire.canonical_metric(value.name)
    return value.name if told == value.split else _PREFIXES[value.split] + canonical


def not_finite(values: List[Value]) -> Optional[Value]:
    """Return the loss on training data that is no finite number, if there is one."""
    return next(_diverged(values), None)


def _diverged(values: List[Value]) -> Iterator[Value]:
    for value in values:
        is_loss = wire.canonical_metric(value.name)[0] == "loss" and value.split in _TRAINING
        if is_loss and not abs(value.value) < float("inf"):
            yield value
