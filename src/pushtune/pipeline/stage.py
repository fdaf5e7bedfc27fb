"""What a stage is, and what it can answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pushtune.model.states import StageName
from pushtune.pipeline.desk import Desk
from pushtune.pipeline.workbench import Workbench

SETTINGS = "settings: "
"""How the message of a stage begins that failed because of what the repository sets."""


@dataclass(frozen=True)
class Waiting:
    """Something is under way; step again when it may have changed."""


@dataclass(frozen=True)
class Done:
    """The stage has done its work; ``message`` says what came of it."""

    message: str


@dataclass(frozen=True)
class Over:
    """The stage is done, and the stages up to ``until`` are not needed."""

    message: str
    until: StageName = StageName.CONFIRM


@dataclass(frozen=True)
class Again:
    """An earlier stage must go on: a confirmation that missed the target sends the push back."""

    stage: StageName
    message: str


Step = Waiting | Done | Over | Again


class Stage(Protocol):
    """One stage of a push. It holds no state: what it knows is in the ledger and on the desk."""

    name: StageName

    def step(self, desk: Desk) -> Step:
        """Do what can be done now, without waiting; called again and again until it is done.

        It must be idempotent: after a crash it is stepped again from its start. Raises ``PushtuneError``
        where somebody must act; the stage is then failed. A ``MachineError`` in a watched push is trouble
        that may pass: the stage is stepped again later.
        """


class StudyStage(Protocol):
    """A stage that works on the study alone: it does not know whether anybody pushed."""

    name: StageName

    def step(self, bench: Workbench) -> Step:
        """As ``Stage.step``."""


class OnStudy:
    """Makes a stage of a push from one that works on its study."""

    def __init__(self, stage: StudyStage) -> None:
        self.name = stage.name
        self._stage = stage

    def step(self, desk: Desk) -> Step:
        """Step it on the push's study."""
        return self._stage.step(desk.bench)
