"""What a strategy is, and the settings that every strategy knows."""

from __future__ import annotations

from typing import Protocol

from pushtune.model.jobs import Ask
from pushtune.tune.study import Study


class Strategy(Protocol):
    """Decides what comes next. It holds no state: all it may know is in the study.

    That is what makes a replay exact: the same study always gives the same answer.
    """

    name: str

    def next(self, study: Study) -> Ask:
        """Return the next step and change nothing.

        A ``Job`` or a ``RunProgram`` must carry ``study.asks`` as its number; chance must be drawn from
        ``study.chance()``. ``Wait`` only where nothing can start before an outcome is told.
        """
