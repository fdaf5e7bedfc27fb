"""Trials, their attempts, and the exchanges with the scheduler that asked for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, insert, select, update

from pushtune.errors import PushtuneError
from pushtune.ledger.engine import transaction
from pushtune.ledger.records import AttemptRow, Exchange, TrialRow
from pushtune.ledger.tables import attempts, exchanges, trials
from pushtune.model.jobs import Outcome, OutcomeKind
from pushtune.model.space import Assignment
from pushtune.model.states import (
    ATTEMPT_TRANSITIONS,
    TRIAL_TRANSITIONS,
    AttemptState,
    Purpose,
    TrialState,
)


class Trials:
    """Reads and writes the trials of one study. Times are unix seconds, given by the caller."""

    def __init__(self, engine: Engine, study: str) -> None:
        self._engine = engine
        self.study = study

    # The exchanges with the scheduler.

    def exchanges(self) -> list[Exchange]:
        """Return all that was asked and told, in order."""
        query = select(exchanges).where(exchanges.c.study == self.study).order_by(exchanges.c.number)
        with self._engine.connect() as connection:
            return [Exchange(row.number, row.kind, row.body) for row in connection.execute(query)]

    def record(
        self, kind: str, body: dict[str, Any], *, want: TrialRow | None = None, told: int | None = None
    ) -> None:
        """Write one exchange, with the trial that it wants or the trial whose outcome it tells.

        All in one transaction: what was decided and what follows from it are never apart.
        """
        with transaction(self._engine) as connection:
            newest = select(func.max(exchanges.c.number)).where(exchanges.c.study == self.study)
            number = (connection.execute(newest).scalar() or 0) + 1
            connection.execute(
                insert(exchanges).values(study=self.study, number=number, kind=kind, body=body)
            )
            if want is not None:
                self._want(connection, want)
            if told is not None:
                connection.execute(update(trials).where(*self._is(told)).values(told=True))

    # Trials.

    def all(self) -> list[TrialRow]:
        """Return every trial, by number."""
        query = select(trials).where(trials.c.study == self.study).order_by(trials.c.number)
        with self._engine.connect() as connection:
            return [_trial(row) for row in connection.execute(query)]

    def get(self, number: int) -> TrialRow | None:
        """Return one trial, or None."""
        with self._engine.connect() as connection:
            row = connection.execute(select(trials).where(*self._is(number))).first()
        return None if row is None else _trial(row)

    def want(self, trial: TrialRow) -> None:
        """Want a new trial, or a paused one trained further."""
        with transaction(self._engine) as connection:
            self._want(connection, trial)

    def _want(self, connection: Connection, trial: TrialRow) -> None:
        old = connection.execute(select(trials.c.state).where(*self._is(trial.number))).scalar()
        if old is None:
            connection.execute(insert(trials).values(_columns(replace(trial, state=TrialState.WANTED))))
            return
        _check(TRIAL_TRANSITIONS[TrialState(old)], TrialState.WANTED, f"trial {trial.number}")
        connection.execute(
            update(trials)
            .where(*self._is(trial.number))
            .values(
                state=TrialState.WANTED.value,
                to_epoch=trial.to_epoch,
                finish=trial.finish,
                job=trial.job,
                told=False,
            )
        )

    def acknowledge(self, number: int) -> None:
        """Note that somebody was told what came of a trial that no scheduler asked for."""
        with transaction(self._engine) as connection:
            connection.execute(update(trials).where(*self._is(number)).values(told=True))

    def move(self, number: int, state: TrialState) -> None:
        """Bring a trial to ``state``; ``PushtuneError`` if it cannot go there from where it is."""
        with transaction(self._engine) as connection:
            self._move(connection, number, state, {})

    def progress(self, number: int, outcome: Outcome) -> None:
        """Note how far a running trial has come."""
        values = {
            "epochs": outcome.epochs,
            "value": outcome.value,
            "curve": list(outcome.curve),
            "seconds": outcome.seconds,
        }
        with transaction(self._engine) as connection:
            connection.execute(update(trials).where(*self._is(number)).values(values))

    def conclude(self, number: int, outcome: Outcome, *, now: float, memory: int) -> None:
        """Write what came of a trial's job. ``memory`` is its peak in bytes."""
        state = TrialState(outcome.kind.value)
        values = {
            "epochs": outcome.epochs,
            "value": outcome.value,
            "report": outcome.report,
            "curve": list(outcome.curve),
            "seconds": outcome.seconds,
            "message": outcome.message,
            "memory": memory,
            "ended": None if outcome.kind is OutcomeKind.PAUSED else now,
        }
        with transaction(self._engine) as connection:
            self._move(connection, number, state, values)

    def _move(self, connection: Connection, number: int, state: TrialState, values: dict[str, Any]) -> None:
        old = connection.execute(select(trials.c.state).where(*self._is(number))).scalar_one()
        _check(TRIAL_TRANSITIONS[TrialState(old)], state, f"trial {number}")
        connection.execute(update(trials).where(*self._is(number)).values(state=state.value, **values))

    def _is(self, number: int) -> tuple[Any, ...]:
        return (trials.c.study == self.study, trials.c.number == number)

    # Attempts.

    def attempts(self, trial: int | None = None) -> list[AttemptRow]:
        """Return the attempts of one trial, or of all, oldest first."""
        query = select(attempts).where(attempts.c.study == self.study)
        if trial is not None:
            query = query.where(attempts.c.trial == trial)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(attempts.c.trial, attempts.c.number))
            return [_attempt(row) for row in rows]

    def open_attempts(self) -> list[AttemptRow]:
        """Return the attempts that have not ended, as far as we know."""
        return [row for row in self.attempts() if row.state is not AttemptState.ENDED]

    def begin_attempt(self, trial: int, number: int, label: str, from_epoch: int, *, now: float) -> None:
        """Write that an attempt is about to start, and that its trial runs."""
        with transaction(self._engine) as connection:
            connection.execute(
                insert(attempts).values(
                    study=self.study,
                    trial=trial,
                    number=number,
                    label=label,
                    identity="",
                    state=AttemptState.STARTING.value,
                    order=0,
                    from_epoch=from_epoch,
                    started=now,
                    note="",
                )
            )
            self._move(connection, trial, TrialState.RUNNING, {})

    def started(self, attempt: AttemptRow, identity: str) -> None:
        """Write that the attempt's process lives, and how to find it."""
        self._update_attempt(attempt, AttemptState.RUNNING, identity=identity)

    def ordered(self, attempt: AttemptRow, order: int) -> None:
        """Write that a paused attempt was ordered to go on, and that its trial runs again."""
        with transaction(self._engine) as connection:
            connection.execute(update(attempts).where(*_of(attempt)).values(order=order))
            self._move(connection, attempt.trial, TrialState.RUNNING, {})

    def ended(self, attempt: AttemptRow, *, now: float, code: int | None, note: str = "") -> None:
        """Write that the attempt's process is gone."""
        self._update_attempt(attempt, AttemptState.ENDED, ended=now, code=code, note=note[:500])

    def _update_attempt(self, attempt: AttemptRow, state: AttemptState, **values: Any) -> None:
        with transaction(self._engine) as connection:
            old = connection.execute(select(attempts.c.state).where(*_of(attempt))).scalar_one()
            _check(ATTEMPT_TRANSITIONS[AttemptState(old)], state, f"attempt {attempt.label}")
            connection.execute(update(attempts).where(*_of(attempt)).values(state=state.value, **values))


def new_trial(
    study: str, number: int, purpose: Purpose, assignment: Assignment, *, seed: int, now: float
) -> TrialRow:
    """Return a trial that is wanted in one piece, as its source says; nothing is written."""
    return TrialRow(
        study=study, number=number, purpose=purpose, seed=seed, assignment=assignment,
        state=TrialState.WANTED, to_epoch=None, finish=True, job=None, told=False, epochs=0, value=None,
        report=None, seconds=0.0, memory=0, curve=(), message="", created=now, ended=None,
    )  # fmt: skip


def _check(allowed: frozenset[Any], state: Any, what: str) -> None:
    if state not in allowed:
        raise PushtuneError(
            f"{what} cannot become {state.value}", fix="another command changed it: run it again"
        )


def _of(attempt: AttemptRow) -> tuple[Any, ...]:
    return (
        attempts.c.study == attempt.study,
        attempts.c.trial == attempt.trial,
        attempts.c.number == attempt.number,
    )


def _columns(trial: TrialRow) -> dict[str, Any]:
    return {
        **vars(trial),
        "purpose": trial.purpose.value,
        "state": trial.state.value,
        "assignment": trial.assignment.to_json(),
        "curve": list(trial.curve),
    }


def _trial(row: Row[Any]) -> TrialRow:
    return TrialRow(
        **{
            **row._mapping,
            "purpose": Purpose(row.purpose),
            "state": TrialState(row.state),
            "assignment": Assignment.from_json(row.assignment),
            "curve": tuple(row.curve),
        }
    )


def _attempt(row: Row[Any]) -> AttemptRow:
    return AttemptRow(**{**row._mapping, "state": AttemptState(row.state)})
