"""Studies: one script version, and what is held fixed while it is searched."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, Row, insert, select, update

from pushtune.ledger.engine import transaction
from pushtune.ledger.pushes import insert_push_of_study
from pushtune.ledger.records import StudyRow
from pushtune.ledger.tables import attempts, pushes, studies
from pushtune.model.states import AttemptState


class Studies:
    """Reads and writes studies. Times are unix seconds, given by the caller."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, study: StudyRow, push: int | None = None) -> None:
        """Write a new study together with its push: the one that is there, or a new one that runs at once."""
        with transaction(self._engine) as connection:
            connection.execute(insert(studies).values({**vars(study), "args": list(study.args)}))
            if push is None:
                insert_push_of_study(connection, study.id, now=study.created)
            else:
                connection.execute(update(pushes).where(pushes.c.id == push).values(study=study.id))

    def get(self, identifier: str) -> StudyRow | None:
        """Return the study called ``identifier``, or None."""
        with self._engine.connect() as connection:
            row = connection.execute(select(studies).where(studies.c.id == identifier)).first()
        return None if row is None else _study(row)

    def with_key(self, key: str) -> list[StudyRow]:
        """Return the studies of one script version, oldest first."""
        query = select(studies).where(studies.c.key == key).order_by(studies.c.created, studies.c.id)
        with self._engine.connect() as connection:
            return [_study(row) for row in connection.execute(query)]

    def all(self) -> list[StudyRow]:
        """Return every study, oldest first."""
        with self._engine.connect() as connection:
            query = select(studies).order_by(studies.c.created, studies.c.id)
            return [_study(row) for row in connection.execute(query)]

    def open_labels(self) -> list[str]:
        """Return the labels of every study's attempts that have not ended, as far as is written down."""
        query = select(attempts.c.label).where(attempts.c.state != AttemptState.ENDED.value)
        with self._engine.connect() as connection:
            return [row.label for row in connection.execute(query)]

    def set_facts(self, identifier: str, facts: dict[str, Any]) -> None:
        """Add ``facts`` to those of the study."""
        study = self.get(identifier)
        assert study is not None
        with transaction(self._engine) as connection:
            connection.execute(
                update(studies).where(studies.c.id == identifier).values(facts={**study.facts, **facts})
            )

    def add_spent(self, identifier: str, seconds: float) -> None:
        """Add wall time to what the study has used."""
        with transaction(self._engine) as connection:
            connection.execute(
                update(studies).where(studies.c.id == identifier).values(spent=studies.c.spent + seconds)
            )


def _study(row: Row[Any]) -> StudyRow:
    return StudyRow(**{**row._mapping, "args": tuple(row.args)})
