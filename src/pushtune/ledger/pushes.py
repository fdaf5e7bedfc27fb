"""Pushes and their stages: made, claimed, moved, and listed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, insert, select, update

from pushtune.errors import PushtuneError
from pushtune.ledger.engine import transaction
from pushtune.ledger.records import Author, PushRow, StageRow
from pushtune.ledger.tables import attempts, pushes, stages
from pushtune.model.states import (
    PUSH_ENDS,
    PUSH_TRANSITIONS,
    STAGE_TRANSITIONS,
    WATCHED_ONLY,
    AttemptState,
    PushState,
    StageName,
    StageState,
)

_ENDS = [state.value for state in PUSH_ENDS]
_LONGEST = 4000
"""Characters of a message or reason that are kept: what a script says may be endless."""


class Pushes:
    """Reads and writes pushes and stages. Times are unix seconds, given by the caller."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # Pushes.

    def get(self, push: int) -> PushRow | None:
        """Return one push, or None."""
        return self._first(select(pushes).where(pushes.c.id == push))

    def of_study(self, study: str) -> PushRow:
        """Return the newest push of a study."""
        query = select(pushes).where(pushes.c.study == study).order_by(pushes.c.id.desc()).limit(1)
        found = self._first(query)
        assert found is not None, f"{study} has no push"
        return found

    def open(self) -> list[PushRow]:
        """Return every push that is not over, the oldest first."""
        states = [PushState.QUEUED.value, PushState.RUNNING.value]
        return self._all(select(pushes).where(pushes.c.state.in_(states)).order_by(pushes.c.id))

    def newest(
        self, count: int, *, repository: int | None = None, states: Collection[PushState] = ()
    ) -> list[PushRow]:
        """Return the newest ``count`` pushes, the newest first, of one repository or of all."""
        query = select(pushes).order_by(pushes.c.id.desc()).limit(count)
        if repository is not None:
            query = query.where(pushes.c.repository == repository)
        if states:
            query = query.where(pushes.c.state.in_([state.value for state in states]))
        return self._all(query)

    def with_fingerprint(self, repository: int, fingerprint: str) -> PushRow | None:
        """Return the newest push of a repository that trained this fingerprint to its end, or None."""
        return self._first(
            select(pushes)
            .where(
                pushes.c.repository == repository,
                pushes.c.fingerprint == fingerprint,
                pushes.c.study.is_not(None),  # not one that was itself found to be as another
                pushes.c.state == PushState.DONE.value,
            )
            .order_by(pushes.c.id.desc())
            .limit(1)
        )

    def of_branch(self, repository: int, branch: str, *, count: int = 20) -> list[PushRow]:
        """Return the newest pushes to one branch, the newest first."""
        return self._all(
            select(pushes)
            .where(pushes.c.repository == repository, pushes.c.branch == branch)
            .order_by(pushes.c.id.desc())
            .limit(count)
        )

    def over_with_open_attempts(self) -> list[int]:
        """Return the pushes that are over and whose trials may still run."""
        query = (
            select(pushes.c.id)
            .join(attempts, attempts.c.study == pushes.c.study)
            .where(pushes.c.state.in_(_ENDS), attempts.c.state != AttemptState.ENDED.value)
            .distinct()
        )
        with self._engine.connect() as connection:
            return [row.id for row in connection.execute(query)]

    def set_study(self, push: int, study: str) -> None:
        """Write which study a push works on."""
        self._set(push, study=study)

    def set_facts(self, push: int, *, author: Author, subject: str) -> None:
        """Write what the commit says of itself."""
        self._set(push, author=vars(author), subject=subject[:_LONGEST])

    def set_fingerprint(self, push: int, fingerprint: str) -> None:
        """Write what makes the push the same as another."""
        self._set(push, fingerprint=fingerprint)

    def set_values(self, push: int, *, best: float | None, baseline: float | None) -> None:
        """Write the best value so far and the author's own, for lists."""
        self._set(push, best=best, baseline=baseline)

    def set_trouble(self, push: int, trouble: str, *, retry_at: float | None) -> None:
        """Write what stands in a push's way now; ``""`` and None when nothing does any more."""
        tries = pushes.c.tries + 1 if trouble else 0
        with transaction(self._engine) as connection:
            connection.execute(
                update(pushes)
                # One that was cancelled meanwhile waits for nothing.
                .where(pushes.c.id == push, pushes.c.state.not_in(_ENDS))
                .values(trouble=trouble[:_LONGEST], retry_at=retry_at, tries=tries)
            )

    def _set(self, push: int, **values: Any) -> None:
        with transaction(self._engine) as connection:
            connection.execute(update(pushes).where(pushes.c.id == push).values(**values))

    def move(self, push: int, state: PushState, *, now: float, reason: str = "") -> None:
        """Bring a push to ``state``; ``PushtuneError`` if it cannot go there from where it is."""
        with transaction(self._engine) as connection:
            moved = _move(connection, [push], state, now=now, reason=reason)
        _require(moved, f"push {push} cannot become {state.value}")

    def take_up(self, push: int) -> bool:
        """Bring a queued push to running; False where it was cancelled or superseded meanwhile."""
        with transaction(self._engine) as connection:
            done = connection.execute(
                update(pushes)
                .where(pushes.c.id == push, pushes.c.state == PushState.QUEUED.value)
                .values(state=PushState.RUNNING.value)
            )
        return done.rowcount == 1

    def begin_round(self, push: int, start: StageName, *, now: float) -> None:
        """Let a push that is over run again from ``start``, in a new round."""
        names = list(StageName)
        again = [name.value for name in names[names.index(start) :]]
        with transaction(self._engine) as connection:
            moved = _move(connection, [push], PushState.RUNNING, now=now, reason="")
            _require(moved, f"push {push} cannot be tried again: it is not over")
            connection.execute(
                update(pushes)
                .where(pushes.c.id == push)
                .values(round=pushes.c.round + 1, trouble="", tries=0, retry_at=None)
            )
            connection.execute(
                update(stages)
                .where(stages.c.push == push, stages.c.name.in_(again))
                .values(state=StageState.WAITING.value, message="", started=None, ended=None)
            )

    def end(self, push: int, state: PushState, *, now: float, reason: str) -> None:
        """Bring a push to an end of its own, with the stages that are left."""
        with transaction(self._engine) as connection:
            moved = _move(connection, [push], state, now=now, reason=reason)
            _require(moved, f"push {push} cannot become {state.value}")
            connection.execute(update(pushes).where(pushes.c.id == push).values(trouble="", retry_at=None))
            of_push = stages.c.push == push
            connection.execute(
                update(stages)
                .where(of_push, stages.c.state == StageState.RUNNING.value)
                .values(state=StageState.FAILED.value, ended=now, message=reason[:_LONGEST])
            )
            connection.execute(
                update(stages)
                .where(of_push, stages.c.state == StageState.WAITING.value)
                .values(state=StageState.SKIPPED.value, ended=now)
            )

    def _first(self, query: Select[Any]) -> PushRow | None:
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        return None if row is None else _push(row)

    def _all(self, query: Select[Any]) -> list[PushRow]:
        with self._engine.connect() as connection:
            return [_push(row) for row in connection.execute(query)]

    # Stages.

    def stages_of(self, push: int) -> dict[StageName, StageRow]:
        """Return all stages of a push, in order."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(stages).where(stages.c.push == push)).all()
        found = {StageName(row.name): _stage(row) for row in rows}
        return {name: found[name] for name in StageName}

    def running_stages(self, of: Collection[int]) -> dict[int, StageName]:
        """Return which stage each of the pushes ``of`` is at, where it is at one."""
        query = select(stages.c.push, stages.c.name).where(
            stages.c.push.in_(list(of)), stages.c.state == StageState.RUNNING.value
        )
        with self._engine.connect() as connection:
            return {row.push: StageName(row.name) for row in connection.execute(query)}

    def move_stage(
        self, push: int, name: StageName, state: StageState, *, now: float, message: str = ""
    ) -> None:
        """Bring a stage to ``state``; ``PushtuneError`` if it cannot go there from where it is."""
        self.move_stages(push, {name: (state, message)}, now=now)

    def move_stages(
        self, push: int, moves: Mapping[StageName, tuple[StageState, str]], *, now: float
    ) -> None:
        """Bring stages to states, each with a message: all of them or, with ``PushtuneError``, none."""
        with transaction(self._engine) as connection:
            for name, (state, message) in moves.items():
                moved = _move_stage(connection, push, name, state, now=now, message=message)
                _require(moved, f"stage {name.value} of push {push} cannot become {state.value}")


def _move_stage(
    connection: Connection, push: int, name: StageName, state: StageState, *, now: float, message: str
) -> int:
    sources = [old.value for old, new in STAGE_TRANSITIONS.items() if state in new]
    values: dict[str, Any] = {"state": state.value, "message": message[:_LONGEST]}
    if state is StageState.RUNNING:
        values |= {"started": now, "ended": None}
    elif state is not StageState.WAITING:
        values |= {"ended": now}
    done = connection.execute(
        update(stages)
        .where(stages.c.push == push, stages.c.name == name.value, stages.c.state.in_(sources))
        .values(values)
    )
    return done.rowcount


def insert_push(connection: Connection, row: PushRow, *, skipped: Collection[StageName] = ()) -> int:
    """Write a new push with all its stages waiting (but those left out) and return its number."""
    values = {
        **vars(row),
        "state": row.state.value,
        "author": None if row.author is None else vars(row.author),
    }
    del values["id"]
    result = connection.execute(insert(pushes).values(values))
    assert result.inserted_primary_key is not None
    number = int(result.inserted_primary_key[0])
    connection.execute(
        insert(stages),
        [
            {
                "push": number,
                "name": name.value,
                "state": (StageState.SKIPPED if name in skipped else StageState.WAITING).value,
                "message": "",
            }
            for name in StageName
        ],
    )
    return number


def insert_push_of_study(connection: Connection, study: str, *, now: float) -> int:
    """Write the push of a study that `pushtune tune` makes: it runs at once."""
    row = replace(NEW_PUSH, study=study, state=PushState.RUNNING, created=now)
    return insert_push(connection, row, skipped=WATCHED_ONLY)


def supersede(connection: Connection, repository: int, branch: str, *, by: int, now: float) -> int:
    """Mark the queued pushes of a branch before ``by`` as superseded; return how many there were."""
    older = select(pushes.c.id).where(
        pushes.c.repository == repository,
        pushes.c.branch == branch,
        pushes.c.state == PushState.QUEUED.value,
        pushes.c.id < by,
    )
    numbers = [row.id for row in connection.execute(older)]
    return _move(connection, numbers, PushState.SUPERSEDED, now=now, reason=f"push {by} is newer")


def cancel_queued(connection: Connection, repository: int, *, now: float, reason: str) -> list[int]:
    """Cancel what nobody has begun of a repository's pushes, with all their stages; return the numbers."""
    queued = select(pushes.c.id).where(
        pushes.c.repository == repository, pushes.c.state == PushState.QUEUED.value
    )
    numbers = sorted(row.id for row in connection.execute(queued))
    _move(connection, numbers, PushState.CANCELLED, now=now, reason=reason)
    connection.execute(
        update(stages)
        .where(stages.c.push.in_(numbers), stages.c.state == StageState.WAITING.value)
        .values(state=StageState.SKIPPED.value, ended=now)
    )
    return numbers


def _move(
    connection: Connection, numbers: Collection[int], state: PushState, *, now: float, reason: str
) -> int:
    sources = [old.value for old, new in PUSH_TRANSITIONS.items() if state in new]
    ended = now if state in PUSH_ENDS else None
    done = connection.execute(
        update(pushes)
        .where(pushes.c.id.in_(list(numbers)), pushes.c.state.in_(sources))
        .values(state=state.value, ended=ended, reason=reason[:_LONGEST])
    )
    return done.rowcount


def _require(rows: int, message: str) -> None:
    if rows != 1:
        raise PushtuneError(message, fix="another command changed it: run the same command again")


NEW_PUSH = PushRow(
    id=0, study=None, state=PushState.QUEUED, created=0.0, ended=None, reason="", repository=None,
    branch=None, commit=None, told_by=None, author=None, subject=None, fingerprint=None, trouble="",
    tries=0, retry_at=None, round=1, best=None, baseline=None,
)  # fmt: skip
"""A push of which nothing is known yet."""


def _push(row: Row[Any]) -> PushRow:
    author = None if row.author is None else Author(**row.author)
    return PushRow(**{**row._mapping, "state": PushState(row.state), "author": author})


def _stage(row: Row[Any]) -> StageRow:
    return StageRow(**{**row._mapping, "name": StageName(row.name), "state": StageState(row.state)})
