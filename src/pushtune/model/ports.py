"""The ports: interfaces that more than one room holds, implemented below `environment/` and `notify/`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pushtune.model.containers import ContainerSpec
from pushtune.model.needs import Needs


@dataclass(frozen=True)
class Limits:
    """What one attempt may use. None is no limit.

    ``memory`` bytes of resident memory of the whole process tree; ``seconds`` of wall time; ``disk``
    bytes below the attempt's folder; ``log`` bytes of standard output kept (the tail is kept).
    ``processes`` (with threads) and ``files`` (open ones, of one process) are the kernel's own limits.
    """

    memory: int | None = None
    seconds: float | None = None
    disk: int | None = None
    log: int = 16 * 1024 * 1024
    processes: int | None = None
    files: int | None = None


@dataclass(frozen=True)
class AttemptSpec:
    """All that a runtime needs to start one attempt.

    ``label`` is unique to the attempt and can be found again in the running system after any crash of
    ours. ``command`` is the whole command line, ``workdir`` where it starts, ``folder`` the attempt's
    directory (the only place it may write; standard output goes to ``folder/stdout.log``).
    ``environment`` is the complete environment, nothing is added to it but the label. ``reads`` are the
    files and folders besides that are ours and that it must read, ``links`` the author's data that its
    workspace links (all absolute): a runtime that shuts attempts in shows them these. ``container`` is how
    that is set up; runtimes without containers pass it over. ``user`` (number and group) is who a plain
    process runs as; the attempt's folder is theirs until it has ended. None: the runtime's own choice.
    """

    label: str
    command: tuple[str, ...]
    workdir: str
    folder: str
    environment: Mapping[str, str]
    limits: Limits = field(default_factory=Limits)
    reads: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    container: ContainerSpec | None = None
    user: tuple[int, int] | None = None


@dataclass(frozen=True)
class Handle:
    """A running attempt. ``identity`` survives our own death: pid and start time, or a container's id."""

    label: str
    identity: str


@dataclass(frozen=True)
class Exit:
    """How an attempt's process ended.

    ``code`` is the exit status, negative for a signal, None where nobody saw it (it died while we were
    away). ``killed_for`` is ``"memory"``, ``"time"`` or ``"disk"`` if a limit ended it, ``"silence"`` where
    the reconciler ended it because it hung, else ``""``.
    """

    code: int | None
    killed_for: str = ""
    peak_memory: int = 0


class Runtime(Protocol):
    """Starts, finds and kills attempts. Not thread-safe: one thread owns it.

    Every method may raise ``MachineError`` when the engine behind it does not answer.
    """

    def start(self, spec: AttemptSpec) -> Handle:
        """Start the attempt and return at once. The process outlives this program."""

    def find(self, labels: Sequence[str]) -> dict[str, Handle]:
        """Return the live attempts among ``labels``, also those an earlier program started."""

    def poll(self, handle: Handle, limits: Limits, folder: str) -> Exit | None:
        """Return how the attempt ended, or None while it lives. Enforces ``limits``. Cheap (< 5 ms)."""

    def kill(self, handle: Handle) -> None:
        """End the whole process tree, at once and for good. Nothing is left; ending twice is no error."""

    def memory(self, handle: Handle) -> int:
        """Return the resident bytes of the whole process tree now, 0 if it is gone."""


@dataclass(frozen=True)
class Interpreter:
    """A Python that can run trials: its path, version, and the import names that were missing from it.

    ``image`` is the id of the container image that it is in, ``""`` where it is this machine's. ``why`` are
    lines for a person: what was chosen and what spoke for it.
    """

    path: str
    version: tuple[int, int, int]
    missing: tuple[str, ...] = ()
    image: str = ""
    why: tuple[str, ...] = ()


class Environment(Protocol):
    """What a trial runs in. ``prepare`` may take long; it is done once a study, maybe in another thread."""

    name: str

    def prepare(self, needs: Needs) -> Interpreter:
        """Find or make the interpreter and look whether it can import ``needs.modules`` (without importing).

        Raises ``UsageError`` if there is no usable Python, or if what the script needs must be asked for,
        and ``MachineError`` if the machine cannot make it.
        """

    def variables(self, threads: int, seed: int) -> dict[str, str]:
        """Return the complete process environment of a trial with ``threads`` threads."""

    def runtime(self) -> Runtime:
        """Return the runtime that starts processes in this environment."""

    def container(self, image: str, root: str) -> ContainerSpec | None:
        """Return how attempts in the prepared ``image`` are set up; None where they are plain processes.

        ``root`` is the folder of the script: data that is named below it is looked for there.

        Raises ``UsageError`` where data that is to be mounted is missing or not allowed.
        """


@dataclass(frozen=True)
class Unreached:
    """One recipient who did not get the letter: the server's status (0: none) and its words, in one line."""

    address: str
    code: int
    reason: str


@dataclass(frozen=True)
class Delivery:
    """What a channel's server took: everybody got the letter but these.

    ``refused``: never will. ``postponed``: the server asks to try again for them, and only for them.
    """

    refused: tuple[Unreached, ...] = ()
    postponed: tuple[Unreached, ...] = ()


class Channel(Protocol):
    """Hands letters over. One call is one letter; calls may come from several threads."""

    def send(self, body: bytes, sender: str, recipients: Sequence[str]) -> Delivery:
        """Hand over ``body``, a whole message with its headers; when this returns the server has it.

        Raises ``MailRefusedError`` if nobody gets it and nobody ever will, ``MailLaterError`` if nobody
        got it and it is to be tried again (also where it is not known whether the server took it).
        """
