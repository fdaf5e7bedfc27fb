"""Studies, their pushes, and the stages of those."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, Row, insert, select, update

from pushtune.errors import PushtuneError
from pushtune.ledger.engine import transaction
from pushtune.ledger.records import PushRow, StageRow, StudyRow
from pushtune.ledger.tables import pushes, stages, studies
from pushtune.model.states import (
    PUSH_TRANSITIONS,
    STAGE_TRANSITIONS,
    PushState,
    StageName,
    StageState,
)


class Studies:
    """Reads and writes studies, pushes and stages. Times are unix seconds, given by the caller."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, study: StudyRow) -> PushRow:
        """Write a new study with its first push, all stages waiting."""
        with transaction(self._engine) as connection:
            connection.execute(insert(studies).values({**vars(study), "args": list(study.args)}))
            result = connection.execute(
                insert(pushes).values(
                    study=study.id, state=PushState.RUNNING.value, created=study.created, reason=""
                )
            )
            assert result.inserted_primary_key is not None
            number = int(result.inserted_primary_key[0])
            for name in StageName:
                connection.execute(
                    insert(stages).values(
                        push=number, name=name.value, state=StageState.WAITING.value, message=""
                    )
                )
        return self.push_of(study.id)

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

    def push_of(self, study: str) -> PushRow:
        """Return the newest push of a study."""
        query = select(pushes).where(pushes.c.study == study).order_by(pushes.c.id.desc()).limit(1)
        with self._engine.connect() as connection:
            return _push(connection.execute(query).one())

    def move_push(self, push: int, state: PushState, *, now: float, reason: str = "") -> None:
        """Bring a push to ``state``; ``PushtuneError`` if it cannot go there from where it is."""
        sources = [old.value for old, new in PUSH_TRANSITIONS.items() if state in new]
        ended = None if state is PushState.RUNNING else now
        with transaction(self._engine) as connection:
            done = connection.execute(
                update(pushes)
                .where(pushes.c.id == push, pushes.c.state.in_(sources))
                .values(state=state.value, ended=ended, reason=reason)
            )
        _require(done.rowcount, f"push {push} cannot become {state.value}")

    def stages_of(self, push: int) -> dict[StageName, StageRow]:
        """Return all stages of a push."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(stages).where(stages.c.push == push)).all()
        found = {StageName(row.name): _stage(row) for row in rows}
        return {name: found[name] for name in StageName}

    def move_stage(
        self, push: int, name: StageName, state: StageState, *, now: float, message: str = ""
    ) -> None:
        """Bring a stage to ``state``; ``PushtuneError`` if it cannot go there from where it is."""
        sources = [old.value for old, new in STAGE_TRANSITIONS.items() if state in new]
        values: dict[str, Any] = {"state": state.value, "message": message}
        if state is StageState.RUNNING:
            values |= {"started": now, "ended": None}
        elif state is not StageState.WAITING:
            values |= {"ended": now}
        with transaction(self._engine) as connection:
            done = connection.execute(
                update(stages)
                .where(stages.c.push == push, stages.c.name == name.value, stages.c.state.in_(sources))
                .values(values)
            )
        _require(done.rowcount, f"stage {name.value} of push {push} cannot become {state.value}")


def _require(rows: int, message: str) -> None:
    if rows != 1:
        raise PushtuneError(message, fix="another command changed it: run the same command again")


def _study(row: Row[Any]) -> StudyRow:
    return StudyRow(**{**row._mapping, "args": tuple(row.args)})


def _push(row: Row[Any]) -> PushRow:
    return PushRow(**{**row._mapping, "state": PushState(row.state)})


def _stage(row: Row[Any]) -> StageRow:
    return StageRow(**{**row._mapping, "name": StageName(row.name), "state": StageState(row.state)})
