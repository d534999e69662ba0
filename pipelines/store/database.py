"""The database of people and process: SQLite in the data folder, or PostgreSQL. The ledger and the members' desk share it."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, NullPool, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from pipelines.exceptions import StoreError

PATIENCE = 30
"""Seconds that a writer waits for another one."""


class Database:
    """url: an SQLAlchemy address, or the path of an SQLite file, which is created when it is not there.

    `read` and `write` are transactions: what is written within one is there as a whole or not at all.
    """

    def __init__(self, url: str | Path) -> None:
        address = make_url(str(url) if "://" in str(url) else f"sqlite:///{Path(url).resolve()}")
        self.is_sqlite = address.get_backend_name() == "sqlite"
        try:
            if self.is_sqlite:
                if address.database:
                    Path(address.database).parent.mkdir(parents=True, exist_ok=True)
                # A connection per transaction: opening a file costs little, and none is shared across a fork.
                self._engine = create_engine(address, poolclass=NullPool, connect_args={"timeout": PATIENCE})
                event.listen(self._engine, "connect", _prepare_sqlite)
                event.listen(self._engine, "begin", _begin_sqlite)
                self._switch_to_wal()
            else:
                self._engine = create_engine(address, pool_pre_ping=True)
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise StoreError(f"cannot open the ledger: {error}") from error

    def _switch_to_wal(self) -> None:
        """Readers and one writer side by side. SQLite does not wait by itself for this switch, so it is
        repeated.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            connection = self._engine.raw_connection()
            try:
                if connection.cursor().execute("PRAGMA journal_mode = WAL").fetchone()[0] == "wal":
                    return
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
            finally:
                connection.close()
            time.sleep(0.05)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that nobody else's writes come between. StoreError when the database does not answer."""
        with self._connect(writes=True) as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state."""
        with self._connect(writes=False) as connection:
            yield connection

    @contextmanager
    def _connect(self, *, writes: bool) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                connection = connection.execution_options(writes=writes)
                with connection.begin():
                    yield connection
        except IntegrityError:
            raise
        except (DBAPIError, sqlite3.Error) as error:
            raise StoreError(f"the ledger does not answer: {error}") from error

    def close(self) -> None:
        self._engine.dispose()


def _prepare_sqlite(dbapi_connection: Any, _record: object) -> None:
    dbapi_connection.isolation_level = None  # this module says BEGIN, not the driver
    for pragma in ("foreign_keys = ON", "synchronous = FULL", f"busy_timeout = {PATIENCE * 1000}"):
        dbapi_connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at once: one that reads first and writes later is refused when another came
    # between.
    is_writer = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")
