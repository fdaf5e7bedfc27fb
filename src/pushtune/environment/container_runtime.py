"""Attempts as containers of Docker or Podman: started shut in, found by label, kept to their limits."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pushtune.environment.container_command import (
    ATTEMPT_LABEL,
    ENDED,
    TRIAL_LABEL,
    RunCommand,
    attempt_number,
    container_name,
    owner_of,
    run_command,
    trial_of,
)
from pushtune.environment.container_files import bytes_written, end_note
from pushtune.environment.container_kernel import Kernel
from pushtune.environment.disk_watch import cap_log, open_log
from pushtune.environment.engines import Container, Engine
from pushtune.environment.ownership import give_folder, take_folder
from pushtune.environment.process_table import seconds_since
from pushtune.errors import MachineError
from pushtune.model.containers import HOME_LABEL
from pushtune.model.ports import AttemptSpec, Exit, Handle, Limits
from pushtune.process import Completed

START_TIMEOUT = 180.0
"""Seconds that an engine may take to start a container (its first look at a large image is slow)."""

LOOK_AGE = 0.25
"""Seconds between two looks at a container's memory and log."""

DISK_AGE = 0.5
LONGEST_DISK_AGE = 1.5
"""Seconds between two counts of an attempt's bytes: at the least, and however long a count takes."""

ASK_AGE = 1.0
"""Seconds between two questions to an engine about one container."""

MONITOR_PATIENCE = 5.0
"""Seconds after which an engine that has not noticed a container's end is taken to have lost it."""

LATE_AGE = 10.0
"""Seconds after which a container that an earlier program's client was still starting is there."""

KILL_PATIENCE = 10.0

_NAME_TAKEN = "is already in use"
_SIGNALS = range(129, 160)
_UNSEEN = 255


@dataclass
class _Watched:
    """What this runtime remembers of one attempt. Lost with us; the engine and the folder tell it again."""

    handle: Handle
    kernel: Kernel | None = None
    folder: str = ""
    peak: int = 0
    kills: int = 0
    killed_for: str = ""
    next_look: float = 0.0
    next_disk: float = 0.0
    next_question: float = 0.0
    gone_since: float | None = None
    late_check: float | None = None
    ended: Exit | None = None

    @property
    def id(self) -> str:
        """The container's full id; empty where none is known."""
        return self.handle.identity.partition(":")[0]


class ContainerRuntime:
    """Implements ``Runtime`` with an engine's containers, all labelled with ``home``.

    A handle's identity is ``"id:start"``: the container's full id and the engine's time stamp. An attempt's
    container is removed when ``poll`` has told its end, or by ``kill``; until then ``find`` returns it, so
    that ends are seen that came while nobody watched. Whether a container lives is asked of the kernel, not
    of the engine: an engine that is being restarted changes nothing, and one that has lost a container is
    not believed. Every ``AttemptSpec`` must have a ``container``.
    """

    def __init__(self, engine: Engine, home: str) -> None:
        self._engine = engine
        self._home = home
        self._watched: dict[str, _Watched] = {}

    def start(self, spec: AttemptSpec) -> Handle:
        """Start the attempt's container; what is left of earlier attempts of its trial is removed.

        Raises ``MachineError`` if the engine refuses, ``EngineAwayError`` if it does not answer; then no
        container of this attempt is left, or ``start`` and ``find`` see it later.
        """
        assert spec.container is not None, "an attempt in a container says how that is set up"
        command = run_command(self._engine, self._home, spec)
        if attempt_number(spec.label) > 1:
            self._remove_earlier(spec.label)
        os.close(open_log(spec.folder))
        owner = owner_of(self._engine, spec.container.user)
        if owner is not None:
            give_folder(spec.folder, owner)
        answer = self._run(command)
        if answer.code != 0 and _NAME_TAKEN in answer.stderr:
            # Of this very attempt: whoever started it died before it was written down.
            self._engine.remove([container_name(self._home, spec.label)])
            answer = self._run(command)
        if answer.code != 0:
            self._engine.remove([container_name(self._home, spec.label)])
            raise MachineError(
                f"{self._engine.name} cannot start a container of {spec.container.image}: {answer.last_words}"
            )
        return self._begin(spec, answer.stdout.split()[-1])

    def find(self, labels: Sequence[str]) -> dict[str, Handle]:
        """Return the attempts among ``labels`` that live, or whose end nobody has been told yet."""
        if not labels:
            return {}
        wanted = set(labels)
        ours = self._engine.containers(f"{HOME_LABEL}={self._home}", ATTEMPT_LABEL)
        return {
            container.labels[ATTEMPT_LABEL]: _handle(container)
            for container in ours
            if container.labels[ATTEMPT_LABEL] in wanted and container.status != "created"
        }

    def poll(self, handle: Handle, limits: Limits, folder: str) -> Exit | None:
        """Return how the attempt ended, or None while it lives. Enforces ``limits``."""
        watched = self._watch(handle, folder)
        if watched.ended is not None:
            return watched.ended
        self._remove_late(watched)
        if self._lives(watched):
            self._enforce(watched, limits)
            if not watched.killed_for:
                return None
        ended = self._how_it_ended(watched, limits)
        if ended is not None:
            self._remove(watched)
            cap_log(folder, limits.log)
            watched.ended = ended
        return ended

    def kill(self, handle: Handle) -> None:
        """End the container and remove it. Ending twice is no error.

        Raises ``EngineAwayError`` if the engine does not answer, ``MachineError`` if the kernel holds on.
        """
        watched = self._watch(handle, "")
        self._remove(watched)
        if watched.ended is None:
            watched.ended = Exit(None, watched.killed_for, watched.peak)

    def memory(self, handle: Handle) -> int:
        """Return the bytes that the container holds and that cannot be dropped, 0 if it is gone."""
        kernel = self._watch(handle, "").kernel
        return kernel.memory() if kernel is not None and kernel.alive else 0

    def sweep(self, keep: Iterable[str]) -> list[str]:
        """Remove all containers of this home but those of the attempts ``keep``; return what was removed."""
        kept = set(keep)
        left = [
            container
            for container in self._engine.containers(f"{HOME_LABEL}={self._home}", ATTEMPT_LABEL)
            if container.labels[ATTEMPT_LABEL] not in kept
        ]
        self._engine.remove(container.id for container in left)
        return [container.labels[ATTEMPT_LABEL] for container in left]

    # Starting.

    def _run(self, command: RunCommand) -> Completed:
        return self._engine.call(
            *command.arguments,
            input=command.input,
            timeout=START_TIMEOUT,
            check=False,
            # The client's own variables, and those few of the trial's that a file cannot hold.
            environment={**os.environ, **command.variables},
        )

    def _begin(self, spec: AttemptSpec, container: str) -> Handle:
        found = self._engine.inspect([container])
        if not found:
            raise MachineError(f"the container of {spec.label} vanished as it started")
        handle = _handle(found[0])
        late = time.monotonic() + LATE_AGE if attempt_number(spec.label) > 1 else None
        self._watched[spec.label] = _Watched(
            handle, Kernel.of(found[0].pid, container), spec.folder, late_check=late
        )
        return handle

    def _remove_earlier(self, label: str, *, below: bool = False) -> None:
        """Remove the containers of the trial's attempts up to this one, itself included unless ``below``."""
        highest = attempt_number(label) - (1 if below else 0)
        ours = self._engine.containers(f"{HOME_LABEL}={self._home}", f"{TRIAL_LABEL}={trial_of(label)}")
        self._engine.remove(
            container.id for container in ours if attempt_number(container.labels[ATTEMPT_LABEL]) <= highest
        )

    def _remove_late(self, watched: _Watched) -> None:
        """Look once more for earlier attempts: a client that outlived its caller may have started one."""
        if watched.late_check is not None and time.monotonic() >= watched.late_check:
            watched.late_check = None
            self._remove_earlier(watched.handle.label, below=True)

    # Watching.

    def _watch(self, handle: Handle, folder: str) -> _Watched:
        """Return what is remembered of the attempt, or what the engine knows of an earlier program's."""
        watched = self._watched.get(handle.label)
        if watched is None or watched.handle != handle:
            watched = _Watched(handle)
            found = [item for item in self._engine.inspect([watched.id]) if _handle(item) == handle]
            if found:
                watched.kernel = Kernel.of(found[0].pid, watched.id)
            self._watched[handle.label] = watched
        watched.folder = folder or watched.folder
        return watched

    def _lives(self, watched: _Watched) -> bool:
        if watched.kernel is not None:
            return watched.kernel.alive
        # Its processes are out of our sight: the engine is asked, now and then.
        now = time.monotonic()
        if now < watched.next_question:
            return True
        watched.next_question = now + ASK_AGE
        found = self._engine.inspect([watched.id])
        return bool(found) and found[0].runs and _handle(found[0]) == watched.handle

    def _enforce(self, watched: _Watched, limits: Limits) -> None:
        now = time.monotonic()
        if now >= watched.next_look:
            watched.next_look = now + LOOK_AGE
            self._look_at_memory(watched)
            cap_log(watched.folder, limits.log)
        if limits.disk is not None and now >= watched.next_disk:
            if bytes_written(watched.folder, watched.kernel) > limits.disk:
                watched.killed_for = "disk"
            # A twentieth of our time, but never so seldom that a disk could be filled in between.
            cost = time.monotonic() - now
            watched.next_disk = time.monotonic() + min(max(DISK_AGE, 20 * cost), LONGEST_DISK_AGE)
        if limits.seconds is not None and _age(watched) > limits.seconds:
            watched.killed_for = "time"

    def _look_at_memory(self, watched: _Watched) -> None:
        if watched.kernel is None:
            return
        watched.peak = max(watched.peak, watched.kernel.memory())
        watched.kills = max(watched.kills, watched.kernel.memory_kills())
        if watched.kills:
            # One of its processes is gone: what is left waits for it in vain, or trains on something else.
            watched.killed_for = "memory"

    # Ending.

    def _how_it_ended(self, watched: _Watched, limits: Limits) -> Exit | None:
        """Return how it ended; None where the engine must be given time to notice."""
        note = end_note(watched.folder, ENDED)
        # Who was there to see it need not be asked of the engine.
        found = self._engine.inspect([watched.id]) if note is None else []
        container = found[0] if found and _handle(found[0]) == watched.handle else None
        if not watched.killed_for and note is None and container is not None and container.runs:
            now = time.monotonic()
            watched.gone_since = watched.gone_since or now
            if now - watched.gone_since < MONITOR_PATIENCE:
                return None
            # Its monitor has died: the engine will say for ever that it runs.
            return Exit(None, "", watched.peak)
        code = _code(note.code if note is not None else _engines_code(container))
        kills = max(watched.kills, 0 if note is None else note.memory_kills)
        by_kernel = kills > 0 or (container is not None and container.oom_killed)
        if by_kernel and code != 0 and not watched.killed_for:
            watched.killed_for = "memory"
        if watched.killed_for == "memory":
            watched.peak = max(watched.peak, limits.memory or 0)
        return Exit(None if watched.killed_for and code == 0 else code, watched.killed_for, watched.peak)

    def _remove(self, watched: _Watched) -> None:
        if watched.id:
            self._engine.remove([watched.id])
        give_up = time.monotonic() + KILL_PATIENCE
        while watched.kernel is not None and watched.kernel.alive:
            if time.monotonic() > give_up:
                raise MachineError(f"the container of {watched.handle.label} does not end")
            time.sleep(0.01)
        if watched.folder and Path(watched.folder).is_dir():
            # Nobody is left in there: what was written is ours to read, whoever a later attempt runs as.
            take_folder(watched.folder)


def _age(watched: _Watched) -> float:
    """Return the seconds since the container's main process started, 0 where that is out of our sight."""
    return 0.0 if watched.kernel is None else seconds_since(watched.kernel.started)


def _handle(container: Container) -> Handle:
    return Handle(container.labels.get(ATTEMPT_LABEL, ""), f"{container.id}:{container.started}")


def _engines_code(container: Container | None) -> int | None:
    """Return the exit status that the engine saw; it says 255 where it was not there to see it."""
    if container is None or container.runs or container.exit_code == _UNSEEN:
        return None
    return container.exit_code


def _code(status: int | None) -> int | None:
    """Return an exit status as ``Exit`` has it: a shell's 128 + n is signal n."""
    return 128 - status if status is not None and status in _SIGNALS else status
