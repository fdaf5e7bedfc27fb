"""Work that takes long and is not ours to step: fetching, building, installing.

A stage must not wait. It asks for an errand, answers `Waiting`, and finds the result when stepped again.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True)
class Finished(Generic[Result]):
    """What an errand came to."""

    value: Result


class Errands(Protocol):
    """Runs errands. Called from one thread; the work may run in another."""

    def run(self, key: str, work: Callable[[], Result]) -> Finished[Result] | None:
        """Start ``work`` if no errand of that key is under way; return its result once, None until then.

        Raises what the work raised. The next call with the same key starts it anew.
        """

    def settled(self) -> bool:
        """Whether an errand has ended whose result nobody has taken yet. Cheap."""


class AtOnce:
    """Does the work while the caller waits: for a command that has nothing else to do."""

    def run(self, key: str, work: Callable[[], Result]) -> Finished[Result] | None:
        """Do it now."""
        return Finished(work())

    def settled(self) -> bool:
        """Never: a result is handed over at once."""
        return False


class InBackground:
    """Does the work in threads, at most one errand a key."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._under_way: dict[str, Future[Any]] = {}

    def run(self, key: str, work: Callable[[], Result]) -> Finished[Result] | None:
        """Start it, or look whether it is done."""
        future = self._under_way.get(key)
        if future is None:
            self._under_way[key] = self._executor.submit(work)
            return None
        if not future.done():
            return None
        del self._under_way[key]
        return Finished(future.result())

    @property
    def busy(self) -> bool:
        """Whether any is under way: also one whose result nobody waits for any more."""
        return any(not future.done() for future in self._under_way.values())

    def settled(self) -> bool:
        """Whether one has ended."""
        return any(future.done() for future in self._under_way.values())
