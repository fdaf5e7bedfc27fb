"""The repositories that are watched, what is known of their branches, and the pushes that follow from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or_ignore

from pushtune.errors import UsageError
from pushtune.ledger.engine import transaction
from pushtune.ledger.pushes import NEW_PUSH, cancel_queued, insert_push, supersede
from pushtune.ledger.records import RepositoryRow
from pushtune.ledger.tables import deliveries, heads, repositories

_REMEMBERED = 90 * 86400.0


class Repositories:
    """Reads and writes repositories. Times are unix seconds, given by the caller."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, row: RepositoryRow) -> RepositoryRow:
        """Write a new repository and return it with its number. ``UsageError`` if its name is taken."""
        values = {name: value for name, value in vars(row).items() if name != "id"}
        values["branches"] = list(row.branches)
        with transaction(self._engine) as connection:
            if connection.execute(select(repositories.c.id).where(repositories.c.name == row.name)).first():
                raise UsageError(
                    f"there is a repository called {row.name!r} already", fix="give this one another --name"
                )
            result = connection.execute(insert(repositories).values(values))
        assert result.inserted_primary_key is not None
        return replace(row, id=int(result.inserted_primary_key[0]))

    def remove(self, name: str, *, now: float) -> list[int]:
        """Stop watching a repository; its history stays. ``UsageError`` if there is none of that name.

        Its queued pushes are cancelled, and their numbers returned. What runs goes on.
        """
        row = self.named(name)
        with transaction(self._engine) as connection:
            # The name is free again for another.
            connection.execute(
                update(repositories)
                .where(repositories.c.id == row.id)
                .values(removed=now, name=f"{name[:80]} (removed {row.id})")
            )
            connection.execute(delete(heads).where(heads.c.repository == row.id))
            return cancel_queued(connection, row.id, now=now, reason=f"{name} is not watched any more")

    def change(self, row: RepositoryRow) -> None:
        """Write which branches of a repository are watched, and how often it is looked at."""
        with transaction(self._engine) as connection:
            connection.execute(
                update(repositories)
                .where(repositories.c.id == row.id, repositories.c.removed.is_(None))
                .values(branches=list(row.branches), poll=row.poll)
            )

    def all(self) -> list[RepositoryRow]:
        """Return the repositories that are watched, by name."""
        query = select(repositories).where(repositories.c.removed.is_(None)).order_by(repositories.c.name)
        with self._engine.connect() as connection:
            return [_repository(row) for row in connection.execute(query)]

    def names(self) -> dict[int, str]:
        """Return every repository's name by its number, removed ones included."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(repositories.c.id, repositories.c.name))
            return {row.id: row.name for row in rows}

    def get(self, identifier: int) -> RepositoryRow | None:
        """Return one repository, also a removed one, or None."""
        with self._engine.connect() as connection:
            row = connection.execute(select(repositories).where(repositories.c.id == identifier)).first()
        return None if row is None else _repository(row)

    def named(self, name: str) -> RepositoryRow:
        """Return the repository of that name. ``UsageError`` if there is none."""
        query = select(repositories).where(repositories.c.name == name, repositories.c.removed.is_(None))
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise UsageError(f"there is no repository called {name!r}", fix="`pushtune repo list` shows them")
        return _repository(row)

    def heads(self, repository: int) -> dict[str, str]:
        """Return the newest known commit of each branch."""
        query = select(heads.c.branch, heads.c.commit).where(heads.c.repository == repository)
        with self._engine.connect() as connection:
            return {row.branch: row.commit for row in connection.execute(query)}

    def seen(
        self, repository: int, branch: str, commit: str, *, told_by: str, now: float, push: bool = True
    ) -> int | None:
        """Write that ``branch`` is at ``commit`` now; if that is news, make a push and return its number.

        Head, push, and the end of queued older pushes are written together: news is taken once, however
        many tell it. ``push=False`` only remembers the head: where a repository is added, what is there
        already is no push. Of a repository that was removed a moment ago there is no news.
        """
        with transaction(self._engine) as connection:
            if _is_removed(connection, repository):
                return None
            if not _is_news(connection, repository, branch, commit, now):
                return None
            if not push:
                return None
            row = replace(
                NEW_PUSH, created=now, repository=repository, branch=branch, commit=commit, told_by=told_by
            )
            number = insert_push(connection, row)
            supersede(connection, repository, branch, by=number, now=now)
        return number

    def forget_head(self, repository: int, branch: str) -> None:
        """Forget a branch that was deleted: if it comes back, that is news."""
        with transaction(self._engine) as connection:
            connection.execute(
                delete(heads).where(heads.c.repository == repository, heads.c.branch == branch)
            )

    def take_delivery(self, forge: str, identifier: str, *, now: float) -> bool:
        """Remember a webhook's delivery; False if it was taken before (a replay).

        Those of long ago are forgotten: what a replay of one would tell is where the repository is now.
        """
        with transaction(self._engine) as connection:
            connection.execute(delete(deliveries).where(deliveries.c.received < now - _REMEMBERED))
            done = connection.execute(
                insert_or_ignore(deliveries)
                .values(forge=forge, id=identifier, received=now)
                .on_conflict_do_nothing()
            )
        return done.rowcount == 1


def _is_removed(connection: Connection, repository: int) -> bool:
    query = select(repositories.c.removed).where(repositories.c.id == repository)
    return connection.execute(query).scalar() is not None


def _is_news(connection: Connection, repository: int, branch: str, commit: str, now: float) -> bool:
    where = (heads.c.repository == repository, heads.c.branch == branch)
    known = connection.execute(select(heads.c.commit).where(*where)).scalar()
    if known == commit:
        return False
    if known is None:
        connection.execute(
            insert(heads).values(repository=repository, branch=branch, commit=commit, seen=now)
        )
    else:
        connection.execute(update(heads).where(*where).values(commit=commit, seen=now))
    return True


def _repository(row: Row[Any]) -> RepositoryRow:
    return RepositoryRow(**{**row._mapping, "branches": tuple(row.branches)})
