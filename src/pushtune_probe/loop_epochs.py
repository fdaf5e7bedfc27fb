"""The epoch loops that the script has written itself: reported, checkpointed, paused and resumed.

``Loops`` is what the calls reach that ``instrument`` puts around a loop. One loop that runs once is resumed
exactly; where there are several, where it runs again, or where something it carries cannot be saved, the
trial is trained in one piece and says so. Where a framework reports epochs from within the loop
(``model.fit(epochs=1)`` in a ``for``), the loop steps back and leaves them to it.
"""

import sys
import threading
from typing import Any, Dict, Iterator, List, Optional, Tuple

from pushtune_probe import loop_checkpoints
from pushtune_probe.loop_kinds import Differences
from pushtune_probe.loop_run import Run, Silent
from pushtune_probe.loop_state import LoopFrame
from pushtune_probe.session import Session

SEVERAL = "the script has several epoch loops"
AGAIN = "the epoch loop runs more than once"
AFTER = "other epochs were trained before the loop"

_STAND_IN = (
    "type('Loops', (), dict("
    "starts=lambda s, i, c, b, *o: setattr(s, 'o', o), restores=lambda s: False,"
    "epochs=lambda s: s.o[0], again=lambda s: True, begins=lambda s: True, left=lambda s: None))()"
)


class Loops:
    """Told of the loops that the plan names, in the order in which the script runs them.

    ``count``: how many times one of them has begun.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._runs: List[Any] = []
        self._restored: Dict[str, Any] = {}
        self._gone: Tuple[str, ...] = ()
        self._thread = threading.get_ident()
        self.count = 0

    def __reduce__(self) -> Any:
        """Let code that is sent to another process find something there that does nothing."""
        return eval, (_STAND_IN,)

    # What the instrumented code calls ---------------------------------------------------------------

    def starts(self, index: int, carried: str, bound: str, *iterable: Any) -> None:
        """The loop of the plan's entry ``index`` is about to begin; names are divided by blanks."""
        items = iterable[0] if iterable else None
        if not self._is_ours():
            self._runs.append(Silent(items))
            return
        self.count += 1
        names = set(carried.split())
        where = LoopFrame(sys._getframe(1), names, set(bound.split()) - names)
        run = Run(self._session, len(self._session.reporter.calls) + 1, self._why_not(), items)
        self._runs.append(run)
        state = loop_checkpoints.read(self._session) if self.count == 1 else None
        found: Optional[Differences] = run.begin(where, index, state)
        if found is not None:
            self._restored, self._gone = dict(found.bound), found.gone

    def restores(self) -> bool:
        """Whether names are to be bound as they were at the checkpoint."""
        return bool(self._restored or self._gone)

    def holds(self, name: str) -> bool:
        """Whether ``name`` is among them."""
        return name in self._restored

    def take(self, name: str) -> Any:
        """Return what ``name`` is to be bound to."""
        return self._restored.pop(name)

    def lacks(self, name: str) -> bool:
        """Whether ``name`` is to be deleted."""
        return name in self._gone

    def epochs(self) -> Iterator[Any]:
        """Return what the ``for`` loop goes through."""
        self._gone = ()
        epochs: Iterator[Any] = self._runs[-1].items()
        return epochs

    def again(self) -> bool:
        """Whether the ``while`` loop may go round once more, if its own condition holds too."""
        self._gone = ()
        return bool(self._runs[-1].may_go_on())

    def begins(self) -> bool:
        """The body of the ``while`` loop is about to run."""
        self._runs[-1].epoch_begins()
        return True

    def left(self) -> None:
        """The loop was left, in whatever way."""
        self._restored.clear()
        self._runs.pop().left()

    # ------------------------------------------------------------------------------------------------

    def _is_ours(self) -> bool:
        outermost = not any(isinstance(run, Run) for run in self._runs)
        return self._session.mine and outermost and threading.get_ident() == self._thread

    def _why_not(self) -> str:
        if len(self._session.plan.loops) > 1:
            return SEVERAL
        if self.count > 1:
            return AGAIN
        return AFTER if self._session.reporter.trainings else ""
