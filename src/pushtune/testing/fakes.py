"""Stand-ins for the outside world that keep its promises, held to them by the conformance suites."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pushtune.model.ports import AttemptSpec, Exit, Handle, Limits

KILLED = -9


@dataclass
class _FakeProcess:
    spec: AttemptSpec
    handle: Handle
    ended: Exit | None = None
    seen_by_us: bool = True


class FakeRuntime:
    """Implements ``Runtime`` without processes: an attempt lives until it is ended by ``end`` or killed.

    ``on_start`` is called with each attempt as it starts; it may write events, as a probe would, and
    return the ``Exit`` that the attempt comes to at once (None: it lives on). ``forget`` stands for our
    own death: what lives goes on and can be found, but how it ends is not seen any more.
    """

    def __init__(self, on_start: Callable[[AttemptSpec], Exit | None] | None = None) -> None:
        self.started: list[AttemptSpec] = []
        self.killed: list[str] = []
        self._on_start = on_start
        self._processes: dict[str, _FakeProcess] = {}

    def start(self, spec: AttemptSpec) -> Handle:
        """Start the attempt; its number in the order of starts stands for the pid."""
        self.started.append(spec)
        handle = Handle(spec.label, f"fake:{len(self.started)}")
        process = _FakeProcess(spec, handle)
        self._processes[spec.label] = process
        if self._on_start is not None:
            process.ended = self._on_start(spec)
        return handle

    def find(self, labels: Sequence[str]) -> dict[str, Handle]:
        """Return the live attempts among ``labels``."""
        return {
            label: self._processes[label].handle
            for label in labels
            if label in self._processes and self._processes[label].ended is None
        }

    def poll(self, handle: Handle, limits: Limits, folder: str) -> Exit | None:
        """Return how the attempt ended, or None while it lives."""
        process = self._processes.get(handle.label)
        if process is None or process.handle != handle:
            return Exit(None)
        if process.ended is None or process.seen_by_us:
            return process.ended
        return Exit(None, process.ended.killed_for, process.ended.peak_memory)

    def kill(self, handle: Handle) -> None:
        """End the attempt; ending twice is no error."""
        self.killed.append(handle.label)
        process = self._processes.get(handle.label)
        if process is not None and process.handle == handle and process.ended is None:
            process.ended = Exit(KILLED)

    def memory(self, handle: Handle) -> int:
        """Return 1 MiB for an attempt that lives, 0 for one that is gone."""
        return 1024 * 1024 if handle.label in self.find([handle.label]) else 0

    def end(self, label: str, code: int | None = 0, killed_for: str = "") -> None:
        """Let the attempt called ``label`` end by itself, or by a limit."""
        self._processes[label].ended = Exit(code, killed_for)

    def forget(self) -> None:
        """Stand for our own death and a new start: exit statuses of what lives now will not be seen."""
        for process in self._processes.values():
            process.seen_by_us = False

    @property
    def alive(self) -> tuple[str, ...]:
        """The labels of all attempts that live, in the order of their starts."""
        return tuple(label for label, process in self._processes.items() if process.ended is None)
