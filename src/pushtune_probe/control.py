"""Obeys pushtune while the script runs: pause after an epoch, end training after an epoch."""

import os
import sys
import time
from typing import Optional

from pushtune_probe import wire
from pushtune_probe.reporter import Reporter

GO_ON = "go on"
FINISH = "finish here"

_FIRST_NAP = 0.02
_LONGEST_NAP = 0.2

# Kept from before the script starts: the runner puts its own in the place of ``os._exit``.
_exit_now = os._exit


class Control:
    """What is asked of this attempt now: the plan, until ``order.json`` says otherwise.

    ``pause_at`` and ``finish_at`` count epochs from 1 over the whole trial; ``order`` is the number of
    the order last read. One thread (the one that trains) owns it.
    """

    def __init__(self, plan: wire.Plan, attempt: str, reporter: Reporter) -> None:
        self.pause_at = plan.pause_at if plan.record else None
        self.finish_at = plan.finish_at
        self.order = 0
        self._may_pause = plan.record
        self._patience = plan.patience
        self._reporter = reporter
        self._order_path = os.path.join(attempt, wire.ORDER)
        self._heartbeat = os.path.join(attempt, wire.HEARTBEAT)
        self._seen: Optional[tuple[int, int, int]] = None

    def read(self) -> bool:
        """Take over ``order.json`` if it holds a newer order; return whether it did. One ``stat`` if not."""
        try:
            facts = os.stat(self._order_path)
            mark = (facts.st_ino, facts.st_size, facts.st_mtime_ns)
            if mark == self._seen:
                return False
            with open(self._order_path, encoding="utf-8") as stream:
                order = wire.Order.from_json(stream.read())
        except (OSError, ValueError, TypeError):
            return False
        self._seen = mark
        if order.number <= self.order:
            return False
        self.order, self.finish_at = order.number, order.finish_at
        self.pause_at = order.pause_at if self._may_pause else None
        return True

    def will_stop_at(self, epoch: int) -> bool:
        """Whether ``obey(epoch)`` would pause or finish as things stand: the caller must checkpoint first."""
        self.read()
        return any(limit is not None and epoch >= limit for limit in (self.pause_at, self.finish_at))

    def obey(self, epoch: int) -> str:
        """Do what is asked after ``epoch`` epochs, whose checkpoint is on disk; ``GO_ON`` or ``FINISH``.

        Blocks while the trial is paused. Does not return if nobody watches a paused trial any more: the
        process then ends with ``wire.EXIT_PAUSED``.
        """
        self.read()
        while True:
            if self.finish_at is not None and epoch >= self.finish_at:
                return FINISH
            if self.pause_at is None or epoch < self.pause_at or not self._reporter.mine:
                return GO_ON
            self._reporter.emit("paused", epoch=epoch, order=self.order)
            self._wait()
            self._reporter.emit("resumed", epoch=epoch, order=self.order)

    def _wait(self) -> None:
        began = time.time()
        nap = _FIRST_NAP
        while not self.read():
            if time.time() - self._last_sign_of_life(began) > self._patience:
                leave_paused()
            self._reporter.write_kept()  # on a full disk nobody knew that it waits
            time.sleep(nap)
            nap = min(nap * 1.25, _LONGEST_NAP)

    def _last_sign_of_life(self, began: float) -> float:
        try:
            return os.stat(self._heartbeat).st_mtime
        except OSError:
            return began


def leave_paused() -> None:
    """End this process at once as a paused one; the checkpoint on disk is where the next attempt starts."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue  # closed or missing: nothing to save
    _exit_now(wire.EXIT_PAUSED)
