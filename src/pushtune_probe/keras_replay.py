"""Feeds a fit's data through finished epochs without training on it.

Keras's own ``fit`` runs the loop, with a train function and a test function that only take their
batches: its epoch iterators, generators and shuffles are then where they were when the checkpoint was
taken. The first batch of each is really trained on (and forgotten, as the checkpoint's state is put
back afterwards): that builds and traces the model at the moment, and with the random draws, that the
first process did.
"""

from __future__ import annotations

import itertools
import sys
import time
from typing import Any, Callable, Optional

REPLAY_SHARE = 0.1
"""Share of the training time saved that feeding the data again may cost."""

FREE_SECONDS = 10.0
"""Seconds that it may cost in any case: less than that is not worth another order of the data."""


class ReplayTooDearError(Exception):
    """Feeding the data again takes too long; training goes on without it."""


class Budget:
    """How long feeding data may take, over all fits of a script. Tracing a model anew does not count."""

    def __init__(self, saved_seconds: float) -> None:
        self._left = max(FREE_SECONDS, REPLAY_SHARE * saved_seconds)
        self._since = 0.0

    def start(self) -> None:
        """Count from now on."""
        self._since = time.monotonic()

    def spend(self) -> None:
        """Count the time since the last call; raise ``ReplayTooDearError`` once none is left."""
        now = time.monotonic()
        self._left -= now - self._since
        self._since = now
        if self._left < 0:
            raise ReplayTooDearError


class Replay:
    """Stands in for a model's train and test functions until ``end``.

    ``brief``: the data belongs to this fit alone and is not needed again, so each epoch ends after its
    first batch.
    """

    def __init__(self, model: Any, budget: Budget, brief: bool) -> None:
        self._model = model
        self._budget = budget
        self._brief = brief
        self._train = _Function(model, "train_function", "make_train_function")
        self._test = _Function(model, "test_function", "make_test_function")

    def begin(self) -> None:
        """Put the stand-ins in place."""
        self._budget.start()
        self._train.replace(self._stand_in(self._train, "stop_training"))
        self._test.replace(self._stand_in(self._test, "stop_evaluating"))

    def end(self) -> None:
        """Put the model's own functions back."""
        self._train.put_back()
        self._test.put_back()

    def _stand_in(self, function: "_Function", stop: str) -> Callable[..., Any]:
        takes_state = sys.modules["keras.src.backend"].backend() == "jax"

        def take(*arguments: Any) -> Any:
            if function.first:
                function.first = False
                outputs = function.real()(*arguments)
                self._budget.start()
            else:
                _take_batches(self._model, arguments[-1])
                self._budget.spend()
                outputs = ({}, arguments[0]) if takes_state else {}
            if self._brief:
                setattr(self._model, stop, True)
            return outputs

        return take


class _Function:
    """One of a model's compiled functions: the attribute that holds it and the method that makes it."""

    def __init__(self, model: Any, attribute: str, maker: str) -> None:
        self._model = model
        self._attribute = attribute
        self._maker = maker
        self._kept = getattr(model, attribute, None)
        self._stand_in: Optional[Callable[..., Any]] = None
        self.first = True

    def replace(self, stand_in: Callable[..., Any]) -> None:
        self._stand_in = stand_in
        setattr(self._model, self._attribute, stand_in)

    def real(self) -> Callable[..., Any]:
        """Make the model's own function if it has none yet."""
        if self._kept is None:
            setattr(self._model, self._attribute, None)
            getattr(self._model, self._maker)()
            self._kept = getattr(self._model, self._attribute)
            setattr(self._model, self._attribute, self._stand_in)
        function: Callable[..., Any] = self._kept
        return function

    def put_back(self) -> None:
        setattr(self._model, self._attribute, self._kept)
        if self._kept is None and not self.first:
            getattr(self._model, self._maker)()


def _take_batches(model: Any, iterator: Any) -> None:
    """Take what one call of the model's own function would take. Raises as that would at the data's end.

    Only TensorFlow's functions draw from the iterator; the other backends hand over drawn batches.
    """
    if not hasattr(iterator, "get_next_as_optional"):
        if hasattr(iterator, "__next__"):
            for _ in itertools.islice(iterator, model.steps_per_execution):
                pass
        return
    if model.steps_per_execution == 1:
        iterator.get_next()
        return
    for step in range(model.steps_per_execution):
        if not iterator.get_next_as_optional().has_value():
            if step == 0:
                raise StopIteration
            return
