"""Versions of ``transformers`` whose epochs are no method of their own: a callback reports them."""

from __future__ import annotations

import sys
from typing import Any


def callback_for(fit: Any) -> Any:
    """Return a callback that tells ``fit`` of epochs. Evaluations come after it, and count to the next."""
    base: Any = sys.modules["transformers"].TrainerCallback

    class Reporting(base):  # type: ignore[misc]
        """Reports each epoch; ends training where an order says so."""

        def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self._close(state)
            steps = int(state.max_steps / state.num_train_epochs) if state.num_train_epochs else None
            fit.epoch_begins(round(state.epoch or 0), kwargs.get("train_dataloader"), steps)
            self._open = True

        def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self._close(state)

        def _close(self, state: Any) -> None:
            if getattr(self, "_open", False):
                self._open = False
                fit.epoch_ends()

    return Reporting()
