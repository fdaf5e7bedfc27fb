"""What a stage is, and what it can answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pushtune.model.states import StageName
from pushtune.pipeline.workbench import Workbench


@dataclass(frozen=True)
class Waiting:
    """Something is under way; step again when it may have changed."""


@dataclass(frozen=True)
class Done:
    """The stage has done its work; ``message`` says what came of it."""

    message: str


@dataclass(frozen=True)
class Over:
    """The stage is done and the rest of the push is not needed."""

    message: str


@dataclass(frozen=True)
class Again:
    """An earlier stage must go on: a confirmation that missed the target sends the push back."""

    stage: StageName
    message: str


Step = Waiting | Done | Over | Again


class Stage(Protocol):
    """One stage of a push. It holds no state: what it knows is in the ledger and on the bench."""

    name: StageName

    def step(self, bench: Workbench) -> Step:
        """Do what can be done now, without waiting; called again and again until it is done.

        It must be idempotent: after a crash it is stepped again from its start. Raises ``PushtuneError``
        where the user must act; the stage is then failed and a later command tries it again.
        """
