"""Open the database: pragmas, schema, and the errors of a disk that is full or read-only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError, OperationalError

from pushtune.errors import MachineError

HEAD = "0002"
"""The newest migration. A test holds it against the migrations folder."""

_BUSY_SECONDS = 30.0


def open_engine(path: Path) -> Engine:
    """Open or create the SQLite ledger at ``path`` and bring its schema to the newest version.

    Raises ``MachineError`` if the folder cannot be written or the file is no ledger of ours.
    """
    with machine_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": _BUSY_SECONDS})
        event.listen(engine, "connect", _set_pragmas)
        version = _version(engine)
        if version is not None and version > HEAD:
            raise MachineError(f"{path} was written by a newer pushtune", fix="install that one again")
        if version != HEAD:
            _migrate(engine)
    return engine


def _set_pragmas(connection: sqlite3.Connection, _record: Any) -> None:
    # Transactions are begun by hand (see ``transaction``); the driver's own are deferred ones.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _version(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return _current(connection)


def _current(connection: Connection) -> str | None:
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(engine: Engine) -> None:
    # Loaded only when there is something to migrate: it costs a tenth of a second.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    # Tables that others refer to are made anew and renamed: the references hold again at the end only.
    with transaction(engine, check_references=False) as connection:
        if inspect(connection).has_table("alembic_version") and _current(connection) == HEAD:
            return  # another process was quicker
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        assert not broken, f"the migration left references to nothing: {broken[:3]}"


@contextmanager
def machine_errors(path: Path) -> Iterator[None]:
    """Turn what a full, read-only or broken disk makes of the database into one line."""
    try:
        yield
    except PermissionError as error:
        raise MachineError(f"cannot write {error.filename}", fix="check the folder's permissions") from error
    except OSError as error:
        raise MachineError(f"cannot use {path}: {error.strerror}", fix="check the disk") from error
    except OperationalError as error:
        raise _explained(path, str(error.orig)) from error
    except DBAPIError as error:
        raise MachineError(
            f"{path} is not a ledger of pushtune: {error.orig}", fix=f"move {path} away"
        ) from error


def _explained(path: Path, reason: str) -> MachineError:
    if "full" in reason or "disk I/O" in reason:
        return MachineError(
            f"the disk that holds {path} is full ({reason})",
            fix="free some room and run the same command: it goes on where it was",
        )
    if "readonly" in reason or "unable to open" in reason:
        return MachineError(f"cannot write {path} ({reason})", fix="check the folder's permissions")
    return MachineError(f"cannot use {path} ({reason})", fix="run the same command again")


@contextmanager
def transaction(engine: Engine, *, check_references: bool = True) -> Iterator[Connection]:
    """Run one transaction that holds the write lock from its start (so that it cannot fail half-way)."""
    with machine_errors(Path(str(engine.url.database))), engine.connect() as connection:
        if not check_references:
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.rollback()
            raise
        else:
            connection.commit()
        finally:
            if not check_references:
                connection.exec_driver_sql("PRAGMA foreign_keys=ON")
