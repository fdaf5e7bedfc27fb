"""The database: the only truth about what was decided and what happened."""

from __future__ import annotations

from pathlib import Path

from pushtune.ledger.engine import machine_errors, open_engine
from pushtune.ledger.outbox import Outbox
from pushtune.ledger.pushes import Pushes
from pushtune.ledger.records import (
    DELIVERED_FOLDER,
    AttemptRow,
    Author,
    Exchange,
    MailRow,
    PushRow,
    RepositoryRow,
    StageRow,
    StudyRow,
    TrialRow,
)
from pushtune.ledger.repositories import Repositories
from pushtune.ledger.studies import Studies
from pushtune.ledger.trials import Trials, new_trial

__all__ = [
    "DELIVERED_FOLDER",
    "AttemptRow",
    "Author",
    "Exchange",
    "Ledger",
    "MailRow",
    "Outbox",
    "PushRow",
    "Pushes",
    "Repositories",
    "RepositoryRow",
    "StageRow",
    "Studies",
    "StudyRow",
    "TrialRow",
    "Trials",
    "machine_errors",
    "new_trial",
]


class Ledger:
    """One database. ``path`` is its SQLite file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = open_engine(path)
        self.studies = Studies(self._engine)
        self.pushes = Pushes(self._engine)
        self.repositories = Repositories(self._engine)
        self.outbox = Outbox(self._engine)

    def trials(self, study: str) -> Trials:
        """Return the trials of one study."""
        return Trials(self._engine, study)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()
