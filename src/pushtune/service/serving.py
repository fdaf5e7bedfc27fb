"""``pushtune serve``: news in, pushes through their stages, letters out. One loop, level-triggered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from pushtune.errors import MachineError
from pushtune.ledger import Ledger, PushRow
from pushtune.model.states import PushState
from pushtune.pipeline import Server
from pushtune.pipeline.errands import InBackground
from pushtune.pipeline.prepare import cores
from pushtune.reconcile import fair_shares
from pushtune.service.driver import Driver
from pushtune.service.intake import Intake
from pushtune.service.post import Post

TICK_SECONDS = 0.05
IDLE_SECONDS = 0.1
FOLLOW_SECONDS = 0.25
"""How often the ledger is asked for new, cancelled and retried pushes."""

TROUBLE_SECONDS = 5.0
"""How long nothing is tried when the machine lacks something that concerns all: a disk for the ledger."""

ERRANDS = 4
"""Fetches and builds under way at the same time."""


@dataclass
class Serving:
    """The server's loop. Not thread-safe: one thread ticks it; errands and polling have their own.

    It holds nothing that is not rebuilt from the ledger: another server starts where this one was stopped.
    ``also`` is called with every tick, and decides itself whether there is something to do.
    """

    ledger: Ledger
    server: Server
    intake: Intake
    post: Post
    sleep: Callable[[float], None] = time.sleep
    also: Callable[[], None] = lambda: None
    _drivers: dict[int, Driver] = field(default_factory=dict)
    _errands: dict[int, InBackground] = field(default_factory=dict)
    _followed: float = 0.0

    def __post_init__(self) -> None:
        self._executor = ThreadPoolExecutor(ERRANDS, thread_name_prefix="errand")

    def run(self, stopped: Callable[[], bool]) -> None:
        """Tick until ``stopped``. Trials are left running: the next server finds them again."""
        self.sweep()
        while not stopped():
            self.sleep(self._tick())

    def close(self, *, end_trials: bool) -> None:
        """Let go. ``end_trials``: what trains ends now, and is gone on from its checkpoints."""
        if end_trials:
            for driver in self._drivers.values():
                driver.stop()
        self._drivers.clear()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def wait(self) -> None:
        """Wait for the errands under way: they write into the home, which is to be ours for so long."""
        if any(errands.busy for errands in self._errands.values()):
            self.server.tell("waiting for what is being fetched or built")
        self._executor.shutdown(wait=True)

    def sweep(self) -> None:
        """End the trials of pushes that are over: whoever cancelled them could not."""
        for push in self.ledger.pushes.over_with_open_attempts():
            driver = self._driver(push)
            driver.adopt()
            driver.stop()

    def _tick(self) -> float:
        """Do what is to be done now; return the seconds until the next time."""
        try:
            moved = self.tick()
        except MachineError as error:
            # Nothing can be written down now. What runs goes on, and is looked at again when that has passed.
            self.server.tell(f"{error}; trying again in {TROUBLE_SECONDS:.0f} s")
            return TROUBLE_SECONDS
        return 0.0 if moved else TICK_SECONDS if self._drivers else IDLE_SECONDS

    def tick(self) -> bool:
        """Take news, follow the ledger, step what moved, share the slots, send letters; whether any moved."""
        news = self.intake.take()
        now = self.server.clock()
        # A clock that was set back must not make it wait for hours.
        if news or not 0 <= now - self._followed < FOLLOW_SECONDS:
            self._followed = now
            self._follow(self.ledger.pushes.open())
        moved = self._step([driver for driver in self._drivers.values() if driver.look() or driver.due(now)])
        self.post.send()
        self.also()
        return moved

    def _follow(self, rows: Iterable[PushRow]) -> None:
        """Make the drivers those of the pushes that the ledger says are to be worked on."""
        open_ = {row.id: row for row in rows}
        for push in set(self._drivers) - set(open_):
            self._drivers.pop(push).stop()
        for push in set(self._errands) - set(self._drivers):
            if not self._errands[push].busy:
                del self._errands[push]
        for row in open_.values():
            # Retried at once: what was under way when it was cancelled still writes to the same folders.
            if row.id in self._drivers or row.id in self._errands:
                continue
            if row.state is PushState.RUNNING or len(self._drivers) < self.server.settings.pushes:
                self._begin(row)

    def _begin(self, row: PushRow) -> None:
        if row.state is PushState.QUEUED and not self.ledger.pushes.take_up(row.id):
            return
        driver = self._driver(row.id)
        self._drivers[row.id] = driver

    def _driver(self, push: int) -> Driver:
        self._errands[push] = InBackground(self._executor)
        return Driver(self.ledger, push, self.server, self._errands[push])

    def _step(self, drivers: list[Driver]) -> bool:
        over = [driver for driver in drivers if driver.step()]
        for driver in over:
            del self._drivers[driver.push]
        if drivers:
            self._share()
        return bool(over)

    def _share(self) -> None:
        """Give every push its share of the machine's slots."""
        demands = {driver.push: driver.demand() for driver in self._drivers.values()}
        asked = [demand for demand in demands.values() if demand is not None]
        shares = fair_shares(self.server.settings.slots or cores(), asked)
        for push, demand in demands.items():
            if demand is not None:
                self._drivers[push].act(shares[demand.study])
