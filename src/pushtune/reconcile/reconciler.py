"""Make what runs equal what the ledger wants.

Level-triggered: ``act`` compares the trials that are wanted with the attempts that live, and starts,
orders, stops or concludes. It holds nothing that cannot be rebuilt: ``adopt`` finds again what an earlier
program left running. The order of writing is always: the ledger first, then the deed.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn, TypeVar

from pushtune.errors import MachineError
from pushtune.ledger import AttemptRow, TrialRow, Trials
from pushtune.model.jobs import Outcome, OutcomeKind
from pushtune.model.ports import Exit, Handle, Runtime
from pushtune.model.states import AttemptState, Purpose, TrialState
from pushtune.reconcile.attempt import LiveAttempt
from pushtune.reconcile.endings import Ending, ending_of
from pushtune.reconcile.losses import (
    INTERRUPTED,
    MACHINE,
    NOT_STARTED,
    is_backing_off,
    is_lost,
    is_no_fault,
    lost_note,
)
from pushtune.reconcile.memory import too_many_paused
from pushtune.reconcile.recipe import Recipe
from pushtune.reconcile.requests import request_for, untimed
from pushtune.reconcile.shares import Demand
from pushtune.reconcile.silence import normal_seconds, silence_allowed
from pushtune.reconcile.trouble import full_disk
from pushtune.trial import (
    Order,
    TrialFolder,
    Watcher,
    beat,
    changed_links,
    collect_model,
    finish_attempt,
    finish_trial,
    make_attempt,
    order,
    read_trial,
)

Worked = TypeVar("Worked")

BEAT_SECONDS = 2.0
PAUSED_LOOK_SECONDS = 1.0
LINGER_SECONDS = 15.0


class Reconciler:
    """Runs the trials of one study. Not thread-safe: one thread steps it.

    ``folder`` is the study's; ``now`` returns unix seconds; ``warn`` takes a line for a person.
    """

    def __init__(
        self,
        trials: Trials,
        folder: Path,
        recipe: Recipe,
        runtime: Runtime,
        now: Callable[[], float],
        warn: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._trials = trials
        self._folder = folder
        self._recipe = recipe
        self._runtime = runtime
        self._now = now
        self._warn = warn
        self._live: dict[int, LiveAttempt] = {}
        self._untidy: set[int] = set()
        # The same study may exist in two copies of a project: each knows its own attempts.
        place = hashlib.sha256(str(folder.absolute()).encode("utf-8", "surrogateescape"))
        self._labels = f"{trials.study}.{place.hexdigest()[:8]}/"
        self._normal: float | None = None
        self._served = max((row.started for row in trials.attempts()), default=0.0)

    def adopt(self) -> int:
        """Find again what an earlier program left running; return how many attempts were adopted.

        Attempts that are open in the ledger and no longer live are concluded by what they wrote; what lives
        of attempts that have ended is ended; and what the earlier program had begun to write is completed.
        """
        rows = self._trials.attempts()
        found = self._runtime.find([row.label for row in rows if row.label.startswith(self._labels)])
        for row in rows:
            handle = found.get(row.label)
            live = self._live.get(row.trial)
            if live is not None and live.row.number == row.number:
                continue
            if row.state is AttemptState.ENDED:
                if handle is not None:
                    self._runtime.kill(handle)
            elif handle is not None:
                self._adopt(row, handle)
            else:
                self._gone(row)
        self._complete()
        return len(self._live)

    def _adopt(self, row: AttemptRow, handle: Handle) -> None:
        if row.state is AttemptState.STARTING:
            self._trials.started(row, handle.identity)
        else:
            # By label alone a stray that leads its own session looks like the attempt itself.
            handle = Handle(row.label, row.identity)
        self._watch(row, handle)

    def _complete(self) -> None:
        """Finish what was half done: an attempt was written off, and what follows for its trial was not."""
        for trial in self._trials.all():
            if trial.number in self._live:
                continue
            if trial.state is TrialState.RUNNING:
                last = self._trials.attempts(trial.number)[-1]
                self._follow(trial.number, trial.memory, self._ending_of(trial, last))
            elif trial.over and TrialFolder.of(self._folder, trial.number).has_workspaces:
                self._tidy(trial.number)

    def _ending_of(self, trial: TrialRow, last: AttemptRow) -> Ending:
        """Return what follows on an attempt whose end is in the ledger already."""
        live = self._attempt(last, Handle(last.label, last.identity))
        if is_no_fault(last):
            return Ending(Outcome(OutcomeKind.LOST), again=True)
        return self._outcome(live, Exit(last.code, "" if is_lost(last) else last.note))

    @property
    def recipe(self) -> Recipe:
        """How its trials are run."""
        return self._recipe

    def use(self, recipe: Recipe) -> None:
        """Run what is started from now on by another recipe."""
        self._recipe = recipe

    def look(self) -> bool:
        """See how every live attempt goes on; whether one came to a rung or an end. Cheap: often called.

        Raises ``MachineError`` where one cannot be looked at, once the others were: whether an engine answers
        for one says nothing of those that the kernel tells of.
        """
        changed = self._each(self._look)
        return any(changed)

    def _each(self, work: Callable[[LiveAttempt], Worked]) -> list[Worked]:
        """Do ``work`` for every live attempt; what the machine lacks for the first of them is raised last."""
        done, errors = [], []
        for live in list(self._live.values()):
            try:
                done.append(work(live))
            except MachineError as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return done

    def act(self, slots: int | None = None) -> None:
        """Stop what is not wanted any more, start or order what is, and make room.

        At most ``slots`` attempts train at once then (None: the recipe's); what trains already is never
        stopped for that. Raises ``MachineError`` where the disk is full or an engine does not answer; what
        was wanted stays wanted, and the next call tries it again.
        """
        rows = self._trials.all()
        if any(row.state is TrialState.RUNNING and row.number not in self._live for row in rows):
            self.adopt()  # its start or its end could not be written down: as though we had died then
            rows = self._trials.all()
        self._stop_unwanted(rows)
        for trial in sorted(self._untidy):
            self._tidy(trial)
        self._send_unsent()
        self._start_wanted(rows, self._recipe.slots if slots is None else slots)
        self._make_room(rows)

    def demand(self) -> Demand:
        """Return how many slots this study has and how many more it could use now, for ``fair_shares``."""
        rows = self._trials.all()
        startable = [row for row in rows if self._can_start(row)]
        since = max(self._served, min((row.created for row in startable), default=0.0))
        return Demand(self._trials.study, _running(rows), len(startable), since)

    def shut_down(self) -> None:
        """End every live attempt, now. What they had saved is gone on from by the next command.

        Raises ``MachineError`` where one cannot be ended, once the others are.
        """
        self._each(self._shut_down)

    def _shut_down(self, live: LiveAttempt) -> None:
        self._stop(live, INTERRUPTED)
        trial = self._trials.get(live.row.trial)
        if trial is not None and trial.state is TrialState.RUNNING:
            self._trials.move(trial.number, TrialState.WANTED)

    def close(self) -> None:
        """End the attempts that still wait at rungs: the study is over. Raises as ``shut_down`` does."""
        self._each(lambda live: self._stop(live, "not needed any more"))

    # Looking.

    def _look(self, live: LiveAttempt) -> bool:
        """See how one attempt goes on. The process is looked at before its events: an end shows them all."""
        now = self._now()
        if not live.training and 0 <= now - live.looked_at < PAUSED_LOOK_SECONDS:
            return False
        live.looked_at = now
        live.count_time(now)
        exit_ = self._ended(live)
        before = live.read(all_of_it=exit_ is not None)
        if exit_ is not None:
            live.peak = max(live.peak, exit_.peak_memory)
            self._conclude(live, exit_)
            return True
        self._beat(live, now)
        if live.waits and live.training:
            self._pause(live)
            live.training = False
            return True
        if live.progress.epochs_done > before.epochs_done and live.training:
            outcome = self._outcome(live, None).outcome
            self._trials.progress(live.row.trial, outcome)
        # An epoch more is nothing to act on at once: where epochs are short, stages would do nothing else.
        return False

    def _ended(self, live: LiveAttempt) -> Exit | None:
        """Return how the attempt's process ended, or None while it may live on."""
        if self._over_time(live):
            self._runtime.kill(live.handle)
            return Exit(None, "time")
        if self._lingers(live):
            self._runtime.kill(live.handle)
            return Exit(0)
        if self._hangs(live):
            self._runtime.kill(live.handle)
            return Exit(None, "silence")
        return self._runtime.poll(live.handle, untimed(self._recipe.limits), str(live.folder))

    def _over_time(self, live: LiveAttempt) -> bool:
        limit = self._recipe.limits.seconds
        return limit is not None and live.training and live.trained > limit

    def _hangs(self, live: LiveAttempt) -> bool:
        """Whether it has trained for too long without an event and without printing anything."""
        setting = self._recipe.silence
        if setting is None or not live.training or live.silent <= setting:
            return False
        own = normal_seconds(live.progress.epoch_seconds, 0.0)
        return live.silent > silence_allowed(setting, max(own, self._normal_silence()))

    def _normal_silence(self) -> float:
        """Return the longest that the baseline went without a word, in seconds; 0 until it has ended."""
        if self._normal is None:
            baseline = next((row for row in self._trials.all() if row.purpose is Purpose.BASELINE), None)
            if baseline is None or not baseline.over:
                return 0.0
            told = read_trial(TrialFolder.of(self._folder, baseline.number))
            self._normal = normal_seconds(told.epoch_seconds, baseline.seconds)
        return self._normal

    def _lingers(self, live: LiveAttempt) -> bool:
        """Whether the script said its last word long ago and its process does not go (a thread holds it)."""
        return live.said_last > LINGER_SECONDS

    def _beat(self, live: LiveAttempt, now: float) -> None:
        if now - live.beaten_at >= BEAT_SECONDS:
            beat(live.folder)
            live.beaten_at = now

    # Concluding.

    def _pause(self, live: LiveAttempt) -> None:
        live.peak = max(live.peak, self._runtime.memory(live.handle))
        ending = self._outcome(live, None)
        self._trials.conclude(live.row.trial, ending.outcome, now=self._now(), memory=live.peak)

    def _conclude(self, live: LiveAttempt, exit_: Exit) -> None:
        """An attempt's process is gone: its trial has ended, or must go on from its last checkpoint.

        It is forgotten once that is written: a ledger on a full disk is written to again at the next look.
        """
        trial = self._trials.get(live.row.trial)
        assert trial is not None
        if trial.state is not TrialState.RUNNING:
            # It waited at a rung and gave up, or it was pruned.
            self._write_off(live, exit_.code, exit_.killed_for)
            self._live.pop(trial.number, None)
            return
        # Remembered: on a full disk the ledger may refuse what follows until there is room again.
        believed = sum(row.note.startswith(MACHINE) for row in self._trials.attempts(trial.number))
        live.full = live.full or full_disk(live.progress, exit_, live.folder, believed=believed)
        if live.full:
            self._make_way(live, exit_, f"the disk that holds {live.full} is full")
        ending = self._outcome(live, exit_)
        note = lost_note(ending.outcome.message) if ending.lost else exit_.killed_for
        self._write_off(live, exit_.code, note)
        self._follow(trial.number, live.peak, ending)

    def _make_way(self, live: LiveAttempt, exit_: Exit, why: str) -> NoReturn:
        """Write off an attempt that ended through the machine's fault; its trial is tried again later."""
        self._write_off(live, exit_.code, f"{MACHINE}{why}")
        self._trials.move(live.row.trial, TrialState.WANTED)
        self._live.pop(live.row.trial, None)
        finish_attempt(live.folder, keep_checkpoints=True)
        raise MachineError(why, fix="free some space: it goes on from its last checkpoint")

    def _write_off(self, live: LiveAttempt, code: int | None, note: str) -> None:
        """Write that an attempt has ended. What an orphan of it writes from now on is not believed."""
        if live.written_off:
            return
        with contextlib.suppress(OSError):  # a full disk: without the note all is believed
            live.watcher.fence()
        self._trials.ended(live.row, now=self._now(), code=code, note=note)
        live.written_off = True

    def _follow(self, trial: int, peak: int, ending: Ending) -> None:
        """Write what follows for a trial on the end of its attempt (whose row is written already)."""
        if ending.again:
            self._trials.move(trial, TrialState.WANTED)
            self._live.pop(trial, None)
            return
        self._trials.conclude(trial, ending.outcome, now=self._now(), memory=peak)
        self._live.pop(trial, None)
        self._tidy(trial)

    def _outcome(self, live: LiveAttempt, exit_: Exit | None) -> Ending:
        trial = self._trials.get(live.row.trial)
        assert trial is not None
        attempts = self._trials.attempts(live.row.trial)
        folder = TrialFolder.of(self._folder, trial.number)
        return ending_of(
            folder, trial, attempts, exit_, self._recipe, live.told, seconds=live.trained, silent=live.silent
        )

    def _gone(self, row: AttemptRow) -> None:
        """An attempt that the ledger holds open does not live: its events tell how far it came."""
        live = self._attempt(row, Handle(row.label, row.identity))
        if row.state is AttemptState.STARTING and not live.progress.started:
            # We died between writing it down and starting it: no fault of the trial's.
            self._trials.ended(row, now=self._now(), code=None, note=f"{NOT_STARTED}pushtune ended")
            self._trials.move(row.trial, TrialState.WANTED)
            return
        self._live[row.trial] = live
        self._conclude(live, Exit(None))

    def _attempt(self, row: AttemptRow, handle: Handle) -> LiveAttempt:
        parent = TrialFolder.of(self._folder, row.trial)
        folder = parent.attempt(row.number)
        trial = self._trials.get(row.trial)
        assert trial is not None
        live = LiveAttempt(row, handle, folder, Watcher(folder), row.order, self._now(), trial.seconds)
        live.earlier = tuple(
            Watcher(parent.attempt(number)).read(all_of_it=True)
            for number in parent.attempts()
            if number < row.number
        )
        live.read(all_of_it=True)
        return live

    def _tidy(self, trial: int) -> None:
        """Keep what an ended trial showed; give back the disk that its workspaces take."""
        self._untidy.add(trial)  # until it is: there may be no room for its model now
        folder = TrialFolder.of(self._folder, trial)
        for number in folder.attempts():
            for name in changed_links(folder.attempt(number)):
                self._warn(f"trial {trial} changed {name}, which it only reads from your folder by a link")
        collect_model(folder, lambda line: self._warn(f"trial {trial}: {line}"))
        finish_trial(folder)
        self._untidy.discard(trial)

    # Starting and stopping.

    def _start_wanted(self, rows: list[TrialRow], slots: int) -> None:
        free = max(0, slots - _running(rows))
        for row in [row for row in rows if self._can_start(row)][:free]:
            live = self._live.get(row.number)
            if live is None:
                self._start(row)
            else:
                self._order(live, row)
            self._served = self._now()

    def _can_start(self, trial: TrialRow) -> bool:
        """Whether it is wanted, its source is written, and it need not wait after a crash."""
        folder = TrialFolder.of(self._folder, trial.number)
        if trial.state is not TrialState.WANTED or not folder.candidate.is_dir():
            return False
        if trial.number in self._live:
            return True
        return not is_backing_off(folder, self._trials.attempts(trial.number), self._now())

    def _start(self, trial: TrialRow) -> None:
        earlier = self._trials.attempts(trial.number)
        number = max((row.number for row in earlier), default=0) + 1
        label = f"{self._labels}{trial.number}/{number}"
        self._trials.begin_attempt(trial.number, number, label, trial.epochs, now=self._now())
        row = self._trials.attempts(trial.number)[-1]
        try:
            handle = self._runtime.start(
                make_attempt(request_for(self._recipe, self._folder, trial, number, label))
            )
        except MachineError as error:
            self._trials.ended(row, now=self._now(), code=None, note=f"{NOT_STARTED}{error}")
            self._trials.move(trial.number, TrialState.WANTED)
            raise
        self._trials.started(row, handle.identity)
        self._watch(self._trials.attempts(trial.number)[-1], handle)

    def _order(self, live: LiveAttempt, trial: TrialRow) -> None:
        """Let a paused attempt go on: written in the ledger first, so that a crash in between repeats it."""
        live.order += 1
        self._trials.ordered(live.row, live.order)
        live.row = replace(live.row, order=live.order)
        live.train_from(self._now())
        self._send_order(live, trial)

    def _send_order(self, live: LiveAttempt, trial: TrialRow) -> None:
        live.unsent = True  # until it is: a full disk may keep it from being written now
        pause = None if trial.finish else trial.to_epoch
        order(live.folder, Order(live.order, pause, trial.to_epoch if trial.finish else None))
        live.unsent = False

    def _send_unsent(self) -> None:
        for live in self._live.values():
            trial = self._trials.get(live.row.trial) if live.unsent else None
            if trial is not None and trial.state is TrialState.RUNNING:
                self._send_order(live, trial)

    def _watch(self, row: AttemptRow, handle: Handle) -> None:
        live = self._attempt(row, handle)
        trial = self._trials.get(row.trial)
        assert trial is not None
        self._live[row.trial] = live
        if trial.state is TrialState.RUNNING:
            live.train_from(self._now())
            if row.order > live.progress.order_obeyed:
                self._send_order(live, trial)  # we may have died before sending it

    def _stop_unwanted(self, rows: list[TrialRow]) -> None:
        for row in rows:
            live = self._live.get(row.number)
            if live is not None and row.over:
                self._stop(live, "pruned")
                self._tidy(row.number)

    def _stop(self, live: LiveAttempt, note: str) -> None:
        self._runtime.kill(live.handle)
        live.read(all_of_it=True)
        self._write_off(live, None, note)
        self._live.pop(live.row.trial, None)

    def _make_room(self, rows: list[TrialRow]) -> None:
        """End the paused processes that memory has no room for; their checkpoints stay."""
        paused = [self._live[row.number] for row in rows
                  if row.state is TrialState.PAUSED and row.number in self._live]  # fmt: skip
        for live in too_many_paused(paused, self._runtime, self._recipe.paused_share):
            self._stop(live, "made room; its checkpoint stays")


def _running(rows: list[TrialRow]) -> int:
    return sum(1 for row in rows if row.state is TrialState.RUNNING)
