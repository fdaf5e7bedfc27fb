"""One push on its way: its stages stepped, its trials kept as they want them."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Callable
from contextlib import suppress

from pushtune.errors import MachineError, PushtuneError
from pushtune.ledger import Ledger
from pushtune.model.states import PushState, StageName
from pushtune.pipeline import Desk, Server, advance, fail
from pushtune.pipeline.backoff import waits
from pushtune.pipeline.errands import Errands
from pushtune.pipeline.workbench import Workbench, measured
from pushtune.reconcile import Demand
from pushtune.service.study_run import StudyRun

STEP_SECONDS = 1.0
"""A push is stepped at least so often, whether or not anything was seen to happen: a level, not an edge."""


class Driver:
    """Drives one push. Not thread-safe. What it knows is rebuilt from the ledger by the next one."""

    def __init__(self, ledger: Ledger, push: int, server: Server, errands: Errands) -> None:
        self.push = push
        self._ledger = ledger
        self._server = server
        self._errands = errands
        self._desk = Desk(ledger, push, server=server, errands=errands)
        self._run: StudyRun | None = None
        self._stepped = 0.0
        self._listed: tuple[float | None, float | None] = (None, None)

    def step(self, until: StageName | None = None) -> bool:
        """Take the push as far as it can go now; True when it is over (or ``until`` is behind)."""
        self._stepped = self._desk.now()
        over = self._guarded(lambda: advance(self._desk, until))
        if over:
            self._unharmed(self._end)
        else:
            self._guarded(lambda: self._begin_run() and self._list())
        return over

    def due(self, now: float) -> bool:
        """Whether it was not stepped for a while."""
        return not 0 <= now - self._stepped < STEP_SECONDS

    def demand(self) -> Demand | None:
        """Return how many slots it has and wants; None while it trains nothing."""
        if self._run is None:
            return None
        self._guarded(self._adopted)
        return self._run.demand()

    def _adopted(self) -> bool:
        """Find again what an earlier server left running: it has its slots."""
        assert self._run is not None
        self._run.adopt()
        return True

    def act(self, slots: int) -> None:
        """Start and stop trials, in at most ``slots`` slots."""
        run = self._run
        if run is not None and not self._waits():
            self._guarded(lambda: self._acted(run, slots))

    def look(self) -> bool:
        """See how its errands and its trials go on; whether anything changed."""
        run = self._run
        changed = run is not None and self._guarded(run.look)
        return changed or self._errands.settled()

    def rest(self) -> None:
        """Let go after a stage: what waits at rungs ends, and is gone on from its checkpoints."""
        self._close()

    def stop(self) -> None:
        """End its trials, now: it was cancelled, or this program ends and nothing is to go on."""
        if self._run is not None:
            self._unharmed(self._run.stop)

    def adopt(self) -> None:
        """Take over the trials of a push that is over, so that they can be ended."""
        self._unharmed(self._adopt)

    def _adopt(self) -> None:
        if self._desk.has_study and self._desk.bench.fact("interpreter") is not None:
            bench = self._desk.bench
            self._run = StudyRun(bench, bench.environment.runtime, say=self._desk.say)
            self._run.adopt()

    def _end(self) -> None:
        """Let go of a push that is over; what a cancel found training is left for a retry."""
        if self._desk.row.state is PushState.CANCELLED:
            self.stop()
            return
        self._list()
        self._close()

    def _acted(self, run: StudyRun, slots: int) -> bool:
        run.act(slots)
        row = self._desk.row
        # Over only when the stage was stepped again too: a step that fails puts its next time off.
        if row.trouble and not waits(row.retry_at, self._stepped):
            self._ledger.pushes.set_trouble(self.push, "", retry_at=None)
        return True

    def _waits(self) -> bool:
        """Whether something stood in its way a moment ago."""
        return waits(self._desk.row.retry_at, self._desk.now())

    def _trains(self) -> bool:
        """Whether there may be trials: the environment is prepared."""
        return self._desk.bench.fact("interpreter") is not None

    def _close(self) -> None:
        if self._run is not None:
            self._run.close()

    def _begin_run(self) -> bool:
        """Begin to keep its trials, once there may be any."""
        if self._run is None and self._desk.has_study and self._trains():
            bench = self._desk.bench
            self._run = StudyRun(
                bench,
                bench.environment.runtime,
                say=self._desk.say,
                silence=self._server.settings.silence,
            )
        return self._run is not None

    def _list(self) -> bool:
        """Keep what lists show up to date; whether it changed."""
        values = _values(self._desk.bench) if self._run is not None else (None, None)
        if values != self._listed:
            self._listed = values
            self._ledger.pushes.set_values(self.push, baseline=values[0], best=values[1])
            return True
        return False

    def _guarded(self, work: Callable[[], bool]) -> bool:
        """Do one push's work; what goes wrong with it must not end the others'.

        What the machine lacks is trouble that passes; a bug of ours fails the push, with a log.
        """
        try:
            return work()
        except PushtuneError as error:
            fail(self._desk, error)
        except OSError as error:
            fail(self._desk, self._bug(error) if error.errno not in _FULL else _full(error))
        except Exception as error:  # noqa: BLE001 - the boundary between one push and the others
            fail(self._desk, self._bug(error))
        return False

    def _unharmed(self, work: Callable[[], None]) -> None:
        """Let go of a push's trials. Where that fails, the next server's sweep finds them in the ledger."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 - as in ``_guarded``; the push is over and cannot fail
            self._server.tell(f"push {self.push}: what it left running could not be ended now: {error}")

    def _bug(self, error: Exception) -> PushtuneError:
        """Keep the traceback of a mistake of ours, and return what is said of it."""
        log = self._server.home.push(self.push) / "logs" / "bug.log"
        with suppress(OSError):
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("a", encoding="utf-8") as stream:
                stream.write("".join(traceback.format_exception(error)))
        return PushtuneError(f"this is a bug in pushtune: {error!r}", fix=f"see {log}")


_FULL = (errno.ENOSPC, errno.EDQUOT)


def _full(error: OSError) -> MachineError:
    where = f" that holds {error.filename}" if error.filename else ""
    return MachineError(f"the disk{where} is full", fix="free some room: it goes on by itself")


def _values(bench: Workbench) -> tuple[float | None, float | None]:
    """Return the baseline's value and the best so far; once confirmed, the means over the seeds."""
    means = bench.fact("means")
    if means is not None:
        return means[0], means[1]
    baseline = bench.baseline
    value = measured(baseline) if baseline is not None and baseline.over else None
    if value is None or bench.fact("trials") is None:
        return value, value
    best = bench.search.best()
    return value, value if best is None else best.value
