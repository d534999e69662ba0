"""What a page needs and cannot make by itself in a moment: asked for by the page, made by the worker, shown by the page when it is there.

The same thing asked for twice is made once. A worker that is killed leaves what it was making to be made again.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Column, String, Table, Text, delete, insert, select, update

from pipelines.desk.schema import metadata
from pipelines.store import Database
from pipelines.store.ledger_schema import Instant
from pipelines.zones import Zones

made = Table(
    "desk_made",
    metadata,
    Column("id", String, primary_key=True),
    Column("submission_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("arguments", JSON, nullable=False),
    Column("actor", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("made_at", Instant),
    Column("result", JSON),
    Column("trouble", Text),
)


BROKEN = "broken"
REST = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Work:
    """result: JSON data, once it is made. trouble: a code of ours, when it cannot be made. id: 32 hexadecimal digits."""

    id: str
    submission_id: str
    kind: str
    arguments: Mapping[str, Any]
    actor: str
    at: datetime
    made_at: datetime | None
    result: Any
    trouble: str | None

    @property
    def is_done(self) -> bool:
        return self.made_at is not None


class CannotError(Exception):
    """What was asked for cannot be made, whoever tries again: its code, and what to tell beside it."""

    def __init__(self, code: str, told: Any = None) -> None:
        super().__init__(code)
        self.told = told


class Made:
    """The works of an installation; files of a work lie in ``<root>/made/<work>/``."""

    def __init__(self, database: Database, zones: Zones) -> None:
        self._database, self._folder = database, zones.made

    def folder(self, work: Work) -> Path:
        return self._folder / work.id

    def ask(self, submission_id: str, kind: str, actor: str, **arguments: Any) -> Work:
        """The work, done or waiting for the worker. arguments: JSON data; everything that the result depends on."""
        told = json.dumps([submission_id, kind, arguments], sort_keys=True)
        identifier = hashlib.sha256(told.encode()).hexdigest()[:32]
        with self._database.write() as connection:
            known = connection.execute(select(made).where(made.c.id == identifier)).one_or_none()
            if known is not None and known.made_at is not None and not self._is_there(known):
                connection.execute(delete(made).where(made.c.id == identifier))
                known = None
            if known is None:
                connection.execute(
                    insert(made).values(
                        id=identifier, submission_id=submission_id, kind=kind, arguments=arguments, actor=actor, at=datetime.now(UTC)
                    )
                )  # fmt: skip
        return self.get(identifier)

    def _is_there(self, row: Any) -> bool:
        if row.trouble == BROKEN:
            return bool(row.made_at + REST > datetime.now(UTC))
        return row.trouble is not None or (self._folder / row.id).is_dir()

    def get(self, identifier: str) -> Work:
        with self._database.read() as connection:
            return Work(**connection.execute(select(made).where(made.c.id == identifier)).one()._mapping)

    def find(self, submission_id: str, identifier: str) -> Work | None:
        """A work of a submission."""
        query = select(made).where(made.c.id == identifier, made.c.submission_id == submission_id)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return Work(**row._mapping) if row else None

    def waiting(self) -> tuple[Work, ...]:
        """What is to be made, oldest first."""
        query = select(made).where(made.c.made_at.is_(None)).order_by(made.c.at)
        with self._database.read() as connection:
            return tuple(Work(**row._mapping) for row in connection.execute(query))

    def make(self, work: Work, how: Callable[[Work, Path], Any]) -> None:
        """Make it in an empty folder and write down what came of it; how: (work, folder) -> JSON data."""
        folder, result, trouble = self.folder(work), None, None
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            result = how(work, folder)
        except CannotError as error:
            result, trouble = error.told, str(error)
        self._done(work, result, trouble)

    def give_up(self, work: Work) -> None:
        """The machine broke over it; it is started anew for whoever asks after `REST`."""
        self._done(work, None, BROKEN)

    def _done(self, work: Work, result: Any, trouble: str | None) -> None:
        with self._database.write() as connection:
            connection.execute(
                update(made)
                .where(made.c.id == work.id)
                .values(made_at=datetime.now(UTC), result=result, trouble=trouble)
            )
