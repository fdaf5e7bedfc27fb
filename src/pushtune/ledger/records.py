"""The rows as frozen records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pushtune.model.space import Assignment
from pushtune.model.states import (
    TRIAL_ENDS,
    AttemptState,
    MailState,
    Purpose,
    PushState,
    StageName,
    StageState,
    TrialState,
)

DELIVERED_FOLDER = "delivered_folder"
"""The fact of a study that says where its results lie for good."""


@dataclass(frozen=True)
class StudyRow:
    """One study. ``spent`` is in seconds; ``facts`` are fixed while it lives (threads, slots, epochs)."""

    id: str
    key: str
    root: str
    entry: str
    workdir: str
    args: tuple[str, ...]
    target: str | None
    metric: str | None
    strategy: str
    seed: int
    created: float
    spent: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Author:
    """Who made a commit, as the commit says. Neither is to be trusted."""

    name: str
    email: str


@dataclass(frozen=True)
class RepositoryRow:
    """A watched repository. ``poll`` is in seconds, None: only hooks and webhooks tell of it.

    ``branches`` are shell patterns; none: the default branch. ``id`` is 0 before it is written.
    """

    id: int
    name: str
    address: str
    branches: tuple[str, ...]
    poll: float | None
    created: float
    removed: float | None = None


@dataclass(frozen=True)
class PushRow:
    """One way through the stages: of a commit, or (without a repository) of one `pushtune tune`.

    ``study`` is None until the script was read. ``fingerprint``: two pushes with the same one differ in
    neither script nor settings nor data. ``trouble`` is what stands in its way now (``""``: nothing), met
    ``tries`` times in a row; it is tried again at ``retry_at``. ``round`` counts from 1, one more a retry.
    """

    id: int
    study: str | None
    state: PushState
    created: float
    ended: float | None
    reason: str
    repository: int | None
    branch: str | None
    commit: str | None
    told_by: str | None
    author: Author | None
    subject: str | None
    fingerprint: str | None
    trouble: str
    tries: int
    retry_at: float | None
    round: int
    best: float | None
    baseline: float | None


@dataclass(frozen=True)
class MailRow:
    """One letter. ``occasion`` is why it was written: a push has at most one for each.

    ``body`` is the whole message, headers and all, as it is sent; ``message_id`` is fixed when it is
    written, so that a letter that is sent twice is known for the same one. ``id`` is 0 before it is written.
    """

    id: int
    push: int | None
    occasion: str
    message_id: str
    sender: str
    recipients: tuple[str, ...]
    body: bytes
    state: MailState
    created: float
    tries: int
    next_try: float
    sent: float | None
    error: str


@dataclass(frozen=True)
class StageRow:
    """One stage of one push."""

    push: int
    name: StageName
    state: StageState
    started: float | None
    ended: float | None
    message: str


@dataclass(frozen=True)
class Exchange:
    """One call of the scheduler, as it was recorded before or as it was made."""

    number: int
    kind: str
    body: dict[str, Any]


@dataclass(frozen=True)
class TrialRow:
    """One trial: what is wanted of it, and what it reached. ``memory`` is its peak in bytes."""

    study: str
    number: int
    purpose: Purpose
    seed: int
    assignment: Assignment
    state: TrialState
    to_epoch: int | None
    finish: bool
    job: int | None
    told: bool
    epochs: int
    value: float | None
    report: float | None
    seconds: float
    memory: int
    curve: tuple[float, ...]
    message: str
    created: float
    ended: float | None

    @property
    def over(self) -> bool:
        """Whether it has come to one of its ends."""
        return self.state in TRIAL_ENDS


@dataclass(frozen=True)
class AttemptRow:
    """One start of a trial's process. ``order`` is the number of the newest order given to it."""

    study: str
    trial: int
    number: int
    label: str
    identity: str
    state: AttemptState
    order: int
    from_epoch: int
    started: float
    ended: float | None
    code: int | None
    note: str
